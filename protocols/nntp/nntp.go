// Package nntp is a client of the Network News Transfer Protocol: RFC 3977, with
// RFC 977 and 2980 for servers that predate it, RFC 4642 and 8143 (TLS), 4643
// (AUTHINFO), 4644 (streaming feeds), 5536 and 5537 (articles), 5538 (URLs), 6048
// (LIST additions) and 8054 (COMPRESS), and the XFEATURE COMPRESS GZIP of large
// servers.
//
// # URLs
//
// nntp://host/group/number, nntp://host/group/57-59, nntp://host/wildmat,
// news://host/id@host, news:group and news:id@host with a server named apart
// ([Client.SetServer]); nntps:// is TLS from the start (port 563). Names as the
// methods take them are "group", "group/57", "group/57-59", "group/57-", a
// wildmat, "<id@host>", or empty for the server.
//
// # Verbs
//
// A [Client] is a Lister (groups; articles of a group, by overview), Statter,
// Getter, BulkGetter (pipelined), Sender (POST), Searcher (XPAT), Watcher (by
// polling), Doer and MessageSource. Methods of its own: Overview, Header, Head and Body parts by
// [Client.Part], Group, Numbers, Neighbour, NewGroups, NewNews, Date, Lines, IHave,
// Feed, Raw.
//
// Binaries are the work of [Decoder] (yEnc and uuencode), [Join], [ParseNZB] and
// [Fetch], which stream. [Newsrc] is the list of read articles.
package nntp

import (
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/protocols"
)

// proto is the name in errors, entries and traces.
const proto = "nntp"

// Spec describes the adapter to the catalog.
func Spec() *protocols.Spec {
	return &protocols.Spec{
		Name:    proto,
		Summary: "newsgroups and articles on NNTP servers, reading, posting and feeding",
		Schemes: []protocols.Scheme{
			{Name: "nntp", Port: 119, TLS: protocols.TLSUpgrade},
			{Name: "nntps", Port: 563, TLS: protocols.TLSImplicit},
			{Name: "news", Port: 119, TLS: protocols.TLSUpgrade, NoHost: true},
		},
		RFCs:     []int{977, 2980, 3977, 4642, 4643, 4644, 5536, 5537, 5538, 6048, 8054, 8143},
		Replaces: "nntplib",
		New:      func(u *url.URL, o *protocols.Options) (protocols.Client, error) { return New(u, o) },
		Path:     pathOf,
	}
}

// Reader is when to send MODE READER.
type Reader int

// When to send MODE READER: if the server needs it, always, or never (as a peer that
// feeds articles).
const (
	ReaderAuto Reader = iota
	ReaderAlways
	ReaderNever
)

// Compression is the compression to request.
type Compression int

// The compressions. Auto is DEFLATE where offered, except on loopback connections.
const (
	CompressOff     Compression = iota
	CompressAuto                // COMPRESS DEFLATE when offered (RFC 8054)
	CompressDeflate             // COMPRESS DEFLATE, or fail
	CompressGzip                // XFEATURE COMPRESS GZIP, or fail
)

// Settings are the choices of a caller; set them before the first operation. The zero
// value suits most servers.
type Settings struct {
	Reader   Reader
	Compress Compression
	XOver    bool // XOVER and XHDR, never OVER and HDR
	// NoPipelining sends each command after the reply to the one before.
	NoPipelining bool
	Newest       int64         // List returns only this many newest articles of a group; 0: all
	Since        time.Time     // List returns only articles dated then or later; zero: all
	Before       time.Time     // List returns only articles dated earlier; zero: all
	Poll         time.Duration // interval of Watch; default 30 s
	// Newsrc lists the read articles: List, Overview and Articles leave them out, and
	// List of the server returns only subscribed groups with unread articles, their
	// number in the fact "unread". Nil: no article is read.
	Newsrc *Newsrc
}

// Client is a connection to one NNTP server, made by the first verb. It does one
// operation at a time.
type Client struct {
	Settings Settings
	// Fill are clients of other servers, asked by message-id for articles that this
	// server does not have. They belong to the caller, who closes them.
	Fill []*Client

	line   *line.Client[*session]
	finder atomic.Pointer[Client] // asks for message-ids while c is busy; nil: not needed yet
}

var (
	_ protocols.Client     = (*Client)(nil)
	_ protocols.Lister     = (*Client)(nil)
	_ protocols.Statter    = (*Client)(nil)
	_ protocols.Getter     = (*Client)(nil)
	_ protocols.BulkGetter = (*Client)(nil)
	_ protocols.Sender     = (*Client)(nil)
	_ protocols.Searcher   = (*Client)(nil)
	_ protocols.Watcher    = (*Client)(nil)
	_ protocols.Doer       = (*Client)(nil)
)

// New makes a client for the server of u. It does no I/O. A nil o means the
// defaults.
func New(u *url.URL, o *protocols.Options) (*Client, error) {
	s, o, err := Spec().Accept(u, o)
	if err != nil {
		return nil, err
	}
	c := &Client{}
	c.line = line.New(hooks{c}.protocol(), u, s, o)
	return c, nil
}

// SetServer names the server, "host" or "host:port", of a client whose URL has
// none, such as news:group. It is called before the first verb, and changes
// nothing where the URL names one.
func (c *Client) SetServer(host string) error {
	if c.line.URL.Hostname() != "" || host == "" {
		return nil
	}
	named, err := protocols.ParseURL(host, "nntp")
	if err != nil {
		return err
	}
	u := *c.line.URL
	u.Host, u.User, u.Opaque = named.Host, named.User, ""
	c.line.SetURL(&u)
	return nil
}

// address returns the address of the server, or an error if the URL has none.
func (c *Client) address() (network, host, port string, err error) {
	if c.line.URL.Hostname() == "" {
		return "", "", "", &protocols.Error{Kind: protocols.KindUsage, Text: "no server", Hint: "put it into the URL, or set NNTPSERVER"}
	}
	host, port = protocols.HostPort(c.line.URL, c.line.Scheme)
	return "tcp", host, port, nil
}

// pathOf returns the name that a URL points at (RFC 5538).
func pathOf(u *url.URL) (string, error) {
	text := u.Opaque
	if text == "" {
		text = strings.TrimPrefix(u.EscapedPath(), "/")
	}
	if u.RawQuery != "" || u.ForceQuery {
		text += "?" + u.RawQuery // these URLs have no query: the mark belongs to a wildmat
	}
	if u.Fragment != "" {
		return "", protocols.UsageError(proto, "", "an NNTP URL has no fragment; write # as %23")
	}
	name, err := url.PathUnescape(strings.TrimSuffix(text, "/"))
	if err != nil {
		return "", protocols.UsageError(proto, "", err.Error())
	}
	if u.Opaque != "" && name == "*" {
		return "", nil
	}
	if strings.Contains(name, "@") && !strings.HasPrefix(name, "<") {
		name = "<" + name + ">"
	}
	return name, nil
}

// urlOf returns the URL that opens name.
func (c *Client) urlOf(name string) string {
	scheme := c.line.URL.Scheme
	if scheme == "news" {
		scheme = "nntp"
	}
	u := url.URL{Scheme: scheme, Host: c.line.URL.Host}
	if c.line.URL.User != nil {
		u.User = url.User(c.line.URL.User.Username())
	}
	return u.String() + "/" + escapeName(name)
}

// escapeName escapes a name for a URL: the slash before a range stays.
func escapeName(name string) string {
	i := strings.LastIndexByte(name, '/')
	if i < 0 || strings.HasPrefix(name, "<") {
		return url.PathEscape(name)
	}
	return url.PathEscape(name[:i]) + "/" + url.PathEscape(name[i+1:])
}

// SaveName returns the file name that an article is saved under: the group and
// number, or the message-id, with ".eml". Slashes, which message-ids may have, become
// dashes.
func (c *Client) SaveName(name string) string {
	return strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(name, "<"), ">"), "/", "-") + ".eml"
}

// articleName returns the name of an article of a group.
func articleName(group string, number int64) string {
	return group + "/" + strconv.FormatInt(number, 10)
}
