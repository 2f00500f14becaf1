// Package xmlrpc is a client of XML-RPC (the specification of 1999, with the nil
// and i8 extensions, those of Apache, and the introspection and system.multicall
// that servers have agreed on) over HTTP: RFC 9110, 9112, 7617.
//
// # URLs
//
// http://user@host/RPC2 and https://..., where the protocol is named beside the
// URL; xmlrpc+http: and xmlrpc+https: say it themselves. The path is /RPC2 where
// the URL has none.
//
// # Parts
//
// Calls go out and come in over a [http.Client], with all that it can do: logins,
// redirects, cookies, proxies, content codings, kept connections. The codec is
// our own, on the tokens of encoding/xml, and reads an answer as it comes.
//
// # Values
//
// XML-RPC to Go: int and i4 and i8 are int64, double float64, boolean bool, string
// string, base64 []byte, dateTime.iso8601 [DateTime], array []any, struct
// map[string]any, nil nil. [Into] puts them into a program's own types.
//
// # Limits
//
// An answer has 64 MiB of XML at most, what a content coding packs included, one text
// has 8 MiB unless it is base64, its
// values nest 100 deep, and it has no document type at all, so that there is
// nothing for entities to stand for.
//
// # The other end
//
// A [Server] answers calls: it is a [net/http.Handler] with a table of methods.
package xmlrpc

import (
	"net/url"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
)

// proto is the name in errors and traces.
const proto = "xmlrpc"

// Spec describes the adapter to the catalog.
func Spec() *protocols.Spec {
	return &protocols.Spec{
		Name:    proto,
		Summary: "remote procedure calls with XML over HTTP",
		Schemes: []protocols.Scheme{
			{Name: "xmlrpc+http", Port: 80, TLS: protocols.TLSNone},
			{Name: "xmlrpc+https", Port: 443, TLS: protocols.TLSImplicit},
		},
		Borrows: []protocols.Scheme{
			{Name: "http", Port: 80, TLS: protocols.TLSNone},
			{Name: "https", Port: 443, TLS: protocols.TLSImplicit},
		},
		RFCs:     []int{7617, 9110, 9112},
		Replaces: "xmlrpc.client, xmlrpclib",
		New:      func(u *url.URL, o *protocols.Options) (protocols.Client, error) { return New(u, o) },
		Path:     pathOf,
	}
}

// Settings is what a caller may choose before the first call.
type Settings struct {
	MaxResponse int64  // bytes of XML in an answer; 0 is 64 MiB
	Encoding    string // of requests, as "iso-8859-15"; what it has not goes as character references; empty is UTF-8
	GzipRequest bool   // pack requests with gzip, for servers that are known to take that
}

// Client calls the methods of one server. It makes one call at a time.
type Client struct {
	Settings Settings

	url   *url.URL // of the requests
	shown string   // for errors: without a password
	http  *http.Client
	opts  *protocols.Options
	depth int
	buf   []byte // of the XML of the request, used again
	src   *source
	gate  protocols.Gate
}

var _ protocols.Client = (*Client)(nil)

// New makes a client for the server of u. It does no I/O. A nil o means the
// defaults.
func New(u *url.URL, o *protocols.Options) (*Client, error) {
	_, o, err := Spec().Accept(u, o)
	if err != nil {
		return nil, err
	}
	to := *u
	to.Scheme, to.Fragment, to.RawFragment = strings.TrimPrefix(u.Scheme, "xmlrpc+"), "", ""
	if to.Path == "" {
		to.Path = "/RPC2"
	}
	h, err := http.New(&to, o)
	if err != nil {
		return nil, err
	}
	h.Settings.Compressed = true
	return &Client{url: &to, shown: protocols.Redact(&to), http: h, opts: o, depth: o.Limits.WithDefaults().Depth, src: newSource()}, nil
}

// pathOf returns what a URL points at below the server: nothing, since methods are
// named beside the URL.
func pathOf(u *url.URL) (string, error) { return "", nil }

// HTTP returns the client below, for its settings. It must be used for nothing else.
func (c *Client) HTTP() *http.Client { return c.http }

// Close frees the connections. A running call is cut off.
func (c *Client) Close() error { return c.http.Close() }

// wrap returns an error protocol, verb and URL; the HTTP client's own are no help.
func (c *Client) wrap(err error, op string) error {
	if err == nil {
		return nil
	}
	e, ok := protocols.Wrap(err, proto, op, c.shown).(*protocols.Error)
	if ok {
		e.Proto, e.Op, e.URL = proto, op, c.shown
		return e
	}
	return err
}
