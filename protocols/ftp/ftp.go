// Package ftp is a client of the File Transfer Protocol: RFC 959 with RFC 1123
// (host requirements), 1579 (passive mode), 2228 and 4217 (TLS), 2389 (FEAT),
// 2428 (EPSV, EPRT, IPv6), 2640 (UTF-8), 3659 (MLSD, SIZE, MDTM, REST), 7151
// (HOST) and the MFMT, HASH, XCRC, XMD5 and XSHA drafts.
//
// # URLs
//
// ftp://user@host:21/path (TLS by AUTH TLS when offered), ftpes://... (AUTH TLS
// required), ftps://... (TLS from the start, port 990). The path is relative to
// the login folder; a first %2F makes it absolute; ";type=a" asks for text with
// line ends converted, ";type=d" for the names in a folder (RFC 1738 3.2).
//
// # Parts
//
// The session and the plain file commands are those of github.com/jlaffaye/ftp,
// which talks through a connection of ours (library.go): it never sees the
// socket, only whole, bounded, checked replies, and no panic of it gets out.
// Transfers, listings, active mode, raw commands and everything pipelined are
// our own, on the same control connection.
//
// # Verbs
//
// A [Client] is a Lister, Statter, Getter, BulkGetter, Putter, Remover, Mover,
// Maker, Doer and Relayer, and has methods of its own: Names, Chmod, Checksum,
// SetTime, Size, Pwd.
package ftp

import (
	"net"
	"net/url"
	"strings"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/protocols"
)

// proto is the name in errors, entries and traces.
const proto = "ftp"

// Spec describes the adapter to the catalog.
func Spec() *protocols.Spec {
	return &protocols.Spec{
		Name:    proto,
		Summary: "files and folders on FTP servers, with TLS",
		Schemes: []protocols.Scheme{
			{Name: "ftp", Port: 21, TLS: protocols.TLSUpgrade},
			{Name: "ftpes", Port: 21, TLS: protocols.TLSRequired},
			{Name: "ftps", Port: 990, TLS: protocols.TLSImplicit},
		},
		RFCs:     []int{959, 1123, 1579, 1738, 2228, 2389, 2428, 2640, 3659, 4217, 7151},
		Replaces: "ftplib, urllib",
		New:      func(u *url.URL, o *protocols.Options) (protocols.Client, error) { return New(u, o) },
		Path:     pathOf,
	}
}

// Settings is what a caller may choose before the first verb. The zero value is
// right for most servers.
type Settings struct {
	Active      bool     // the server connects to us (PORT, EPRT); default passive with active as fall-back
	ActiveHost  string   // address that the server is to connect to; empty: that of the control connection
	ActivePorts [2]int   // lowest and highest port to listen on; zero: any
	ASCII       bool     // TYPE A: line ends are converted (RFC 959 3.1.1.1)
	ClearData   bool     // PROT C: data connections without TLS (RFC 4217 9)
	CCC         bool     // after login the control connection is unencrypted (RFC 2228 3)
	Account     string   // for ACCT, when the credentials name none
	Host        string   // virtual host to ask for (HOST, RFC 7151)
	Charset     string   // of names and replies; empty: UTF-8; built in are those of one byte a character
	Before      []string // raw commands before each transfer; a leading "-" ignores a refusal
	After       []string // raw commands after each transfer
	ListOptions string   // arguments of LIST, such as "-a"; makes LIST preferred to MLSD
	NoMLSD      bool     // use LIST even where MLSD is offered
	NoEPSV      bool     // use PASV, never EPSV
	TrustPASV   bool     // connect to the address that a 227 reply names; implies NoEPSV
	Unique      bool     // STOU: the server names what is stored
	Byte255     string   // how a byte 255 in a name is sent: Byte255Doubled, Byte255Plain; empty: the server is asked

	// Charsets finds the others: Get of package ftp/charsets knows all that browsers do.
	Charsets func(name string) (Charset, error)

	NoPipelining bool // one command at a time, each after the reply to the one before
}

// Client is a connection to one FTP server, made by the first verb. It does one
// operation at a time.
type Client struct {
	Settings Settings

	line    *line.Client[*session]
	root    string           // the URL without a path, a password and what else may follow
	own     protocols.Memory // where the options have none to share
	charset Charset          // of names and replies; nil: they go as they are
	folder  *string          // whose content is its list of names, by ";type=d" of the URL; nil: none
}

var (
	_ protocols.Client     = (*Client)(nil)
	_ protocols.Lister     = (*Client)(nil)
	_ protocols.Statter    = (*Client)(nil)
	_ protocols.Getter     = (*Client)(nil)
	_ protocols.BulkGetter = (*Client)(nil)
	_ protocols.Putter     = (*Client)(nil)
	_ protocols.Remover    = (*Client)(nil)
	_ protocols.Mover      = (*Client)(nil)
	_ protocols.Maker      = (*Client)(nil)
	_ protocols.Doer       = (*Client)(nil)
	_ protocols.Relayer    = (*Client)(nil)
)

// New makes a client for the server of u. It does no I/O. A nil o means the
// defaults. The path of u matters only for ";type=a" and ";type=d".
func New(u *url.URL, o *protocols.Options) (*Client, error) {
	s, o, err := Spec().Accept(u, o)
	if err != nil {
		return nil, err
	}
	c := &Client{root: rootOf(u)}
	c.line = line.New(c.protocol(), u, s, o)
	_, kind := cutType(u.EscapedPath())
	c.Settings.ASCII = kind == "a"
	if kind == "d" {
		name, err := pathOf(u)
		if err != nil {
			return nil, err
		}
		c.folder = &name
	}
	return c, nil
}

// memory is what clients of the server have learned about it.
func (c *Client) memory() *protocols.Memory {
	if c.line.Opts.Memory != nil {
		return c.line.Opts.Memory
	}
	return &c.own
}

// shares reports whether clients that share their memory know a fact about the server.
// A client by itself begins each session alike.
func (c *Client) shares(fact string) bool {
	m := c.line.Opts.Memory
	return m != nil && m.Knows(c.server(), fact)
}

// server is the server's name in the memory.
func (c *Client) server() string {
	return net.JoinHostPort(protocols.HostPort(c.line.URL, c.line.Scheme))
}

func rootOf(u *url.URL) string {
	root := *u
	root.RawQuery, root.Fragment, root.Path, root.RawPath = "", "", "", ""
	return strings.TrimSuffix(protocols.Redact(&root), "/")
}

// pathOf returns the name that a URL points at: relative to the login folder, or
// absolute when the first segment starts with %2F (RFC 1738 3.2.2).
func pathOf(u *url.URL) (string, error) {
	escaped, kind := cutType(u.EscapedPath())
	if kind != "" && !strings.Contains("aid", kind) {
		return "", protocols.UsageError(proto, "", "type="+kind+" in the URL is not a, i or d")
	}
	if u.RawQuery != "" || u.ForceQuery {
		escaped += "?" + u.RawQuery // FTP URLs have no query: the mark belongs to the name
	}
	if u.Fragment != "" {
		return "", protocols.UsageError(proto, "", "an FTP URL has no fragment; write # as %23")
	}
	name, err := url.PathUnescape(strings.TrimPrefix(escaped, "/"))
	if err != nil {
		return "", protocols.UsageError(proto, "", err.Error())
	}
	return name, nil
}

// cutType splits ";type=x" off the end of an escaped path.
func cutType(escaped string) (rest, kind string) {
	i := strings.LastIndex(strings.ToLower(escaped), ";type=")
	if i < 0 || strings.Contains(escaped[i:], "/") {
		return escaped, ""
	}
	return escaped[:i], strings.ToLower(escaped[i+len(";type="):])
}

// urlOf returns the URL that opens name. Each segment is escaped by itself; dirs
// end in a slash.
func (c *Client) urlOf(name string, dir bool) string {
	var b strings.Builder
	b.Grow(len(c.root) + len(name) + len("%2F") + 1)
	b.WriteString(c.root)
	rest, absolute := strings.CutPrefix(name, "/")
	b.WriteByte('/')
	if absolute {
		b.WriteString("%2F")
	}
	for more := true; more; {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		b.WriteString(url.PathEscape(segment))
		if more {
			b.WriteByte('/')
		}
	}
	if dir && name != "" && !strings.HasSuffix(name, "/") {
		b.WriteByte('/')
	}
	return b.String()
}

// join returns the name of an entry of a folder.
func join(dir, name string) string {
	if dir == "" || strings.HasSuffix(dir, "/") {
		return dir + name
	}
	return dir + "/" + name
}

// base returns the last component of a name.
func base(name string) string {
	name = strings.TrimRight(name, "/")
	return name[strings.LastIndexByte(name, '/')+1:]
}

// parent returns the folder of a name: "" is the login folder.
func parent(name string) string {
	name = strings.TrimRight(name, "/")
	i := strings.LastIndexByte(name, '/')
	if i == 0 {
		return "/"
	}
	return name[:max(i, 0)]
}
