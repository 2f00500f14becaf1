// Package gopher is a client of the Gopher protocol: RFC 1436, its URLs (RFC
// 4266), the same under TLS ("gophers"), and Gopher+ attributes and views where
// a server has them.
//
// # URLs and names
//
// gopher://host:70/Tselector, where T is the letter of the item's type; a search
// follows after %09, and a Gopher+ request after another one. The name that a
// [Client]'s verbs take is the decoded path without its first slash: "1/pub",
// "0/README.txt", "7/find<TAB>words"; empty is the server's top menu. Items of
// other servers are named by their whole URL.
//
// # What the protocol cannot do
//
// There are no replies beside menu items of type 3, no sizes and times but those
// of Gopher+, and no end mark of binary items but the end of the connection: one
// that was cut in good order cannot be told from a whole one. Nothing can be
// written. CSO name servers (type 2) and logins (types 8 and T) speak other
// protocols: they are listed, not asked.
//
// # Verbs
//
// A [Client] is a Lister, TreeLister, Searcher, Statter and Getter, and has
// Attributes (Gopher+). Each verb makes a connection of its own.
package gopher

import (
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
)

// proto is the name in errors, entries and traces.
const proto = "gopher"

// Spec describes the adapter to the catalog.
func Spec() *protocols.Spec {
	return &protocols.Spec{
		Name:    proto,
		Summary: "menus, texts and files on Gopher servers, with TLS and Gopher+",
		Schemes: []protocols.Scheme{
			{Name: "gopher", Port: 70, TLS: protocols.TLSNone},
			{Name: "gophers", Port: 70, TLS: protocols.TLSImplicit},
		},
		RFCs:     []int{1436, 4266},
		Replaces: "gopherlib, urllib2",
		New:      func(u *url.URL, o *protocols.Options) (protocols.Client, error) { return New(u, o) },
		Path:     pathOf,
	}
}

// Settings is what a caller may choose before the first verb. The zero value is
// right for most servers.
type Settings struct {
	Binary  bool          // no text is treated as such: dots, the last one too, stay as they came
	Charset string        // of texts and menus, which become UTF-8; "auto" finds it out; empty: auto for menus, and the bytes of texts stay
	Foreign bool          // items of other servers may be read, and are part of trees
	Delay   time.Duration // pause between two requests of this client
	View    string        // Gopher+ view to read, as "Text/plain De_DE"; empty: the plain item
	Answers []string      // to the questions of a Gopher+ item that asks some (its ASK attribute), for Get
}

// Client asks one Gopher server, and others where [Settings].Foreign says so. It
// does one operation at a time.
type Client struct {
	Settings Settings

	url    *url.URL
	scheme protocols.Scheme
	host   string
	port   string
	base   string // what URLs of this server start with, up to the type
	opts   *protocols.Options
	limits protocols.Limits
	dialer *transport.Dialer
	gate   protocols.Gate
	last   time.Time // when the last request ended
	plus   bool      // the server has marked items as those of Gopher+

	mu   sync.Mutex      // guards what Close shares with a verb
	conn *transport.Conn // of the request in progress
}

var (
	_ protocols.Client     = (*Client)(nil)
	_ protocols.Lister     = (*Client)(nil)
	_ protocols.TreeLister = (*Client)(nil)
	_ protocols.Searcher   = (*Client)(nil)
	_ protocols.Statter    = (*Client)(nil)
	_ protocols.Getter     = (*Client)(nil)
)

// New makes a client for the server of u. It does no I/O. A nil o means the
// defaults.
func New(u *url.URL, o *protocols.Options) (*Client, error) {
	s, o, err := Spec().Accept(u, o)
	if err != nil {
		return nil, err
	}
	c := &Client{url: u, scheme: s, opts: o, limits: o.Limits.WithDefaults(), dialer: transport.NewDialer(proto, u, o)}
	c.host, c.port = protocols.HostPort(u, s)
	c.base = u.Scheme + "://" + u.Host + "/"
	return c, nil
}

// pathOf returns the name that a URL points at: type, selector and what follows. A
// query is the search of an item of type 7, as browsers write it, and part of the
// selector of any other (RFC 4266 2.1).
func pathOf(u *url.URL) (string, error) {
	if u.Fragment != "" {
		return "", protocols.UsageError(proto, "", "a gopher URL has no fragment; write # as %23")
	}
	name := strings.TrimPrefix(u.Path, "/")
	if u.RawQuery == "" && !u.ForceQuery {
		return name, nil
	}
	query, err := url.PathUnescape(u.RawQuery)
	if err != nil {
		return "", protocols.UsageError(proto, "", "in the query of the URL: "+err.Error())
	}
	mark := "?"
	if strings.HasPrefix(name, "7") && !strings.Contains(name, "\t") {
		mark = "\t"
	}
	return name + mark + query, nil
}

// SaveName returns the file name for what a name points at: the last component of
// its selector.
func (c *Client) SaveName(name string) string {
	it, err := c.item(name)
	if err != nil {
		return ""
	}
	if base := lastPart(it.selector); base != "" {
		return base
	}
	return menuFile
}

// Close ends an operation in progress with an error of class [protocols.ErrClosed].
// There is no session to end.
func (c *Client) Close() error {
	c.gate.Close()
	c.mu.Lock()
	conn := c.conn
	c.conn = nil
	c.mu.Unlock()
	if conn != nil {
		conn.Close()
	}
	return nil
}

// wrap adds the verb and the URL to an error. Answers to a form are sent once.
// operation is one as the options' hook sees it.
func operation(c *Client, verb, name string) protocols.Op {
	return protocols.Op{Protocol: proto, Verb: verb, Host: c.url.Host, Name: name}
}

func (c *Client) wrap(err error, op, name string) error {
	if err == nil {
		return nil
	}
	err = protocols.Wrap(err, proto, op, c.display(name))
	if e, ok := err.(*protocols.Error); ok && len(c.Settings.Answers) > 0 {
		e.Retryable = false
	}
	return err
}
