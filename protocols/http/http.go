// Package http is a client of the Hypertext Transfer Protocol: RFC 9110
// (semantics), 9111, 9112 (HTTP/1.1), 9113 (HTTP/2), 9114 (HTTP/3), 7616
// (Digest), 7617 (Basic), 6750 (Bearer), 6265 (cookies), 6266 (names of
// attachments), 7578 (forms), 4918 (WebDAV), 9309 (robots.txt), 2397 (data URLs).
//
// # URLs and names
//
// A name that a [Client]'s verbs take is a decoded path ("/pub/a file"), or a
// whole URL where a path does not tell all: with a query, or an encoded slash.
// Entries of listings have names of the same kinds.
//
// # Parts
//
// A connector makes and keeps connections: HTTP/1.1 connections of our own on package
// transport, whose heads are parsed by net/http and whose plain bodies the kernel
// can move by itself; HTTP/2 connections of net/http; HTTP/3 connections of package h3.
// An exchanger makes requests over them, and decides what does not depend on the
// version: redirects, logins, cookies, content codings. The verbs of package
// protocols, and [Client.Do], are built on it.
//
// # Versions
//
// One client does one request at a time, so that HTTP/2 and 3 have nothing to
// multiplex: by default HTTP/1.1 is offered, and HTTP/2 where a server takes
// nothing else. [Settings].Version asks for another one.
//
// Not supported: upgrades to other protocols, server push, NTLM and Negotiate.
package http

import (
	"context"
	nethttp "net/http"
	"net/url"
	"sync"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http/hsts"
)

// proto is the name in errors, entries and traces.
const proto = "http"

// Spec describes the adapter to the catalog.
func Spec() *protocols.Spec {
	return &protocols.Spec{
		Name:    proto,
		Summary: "web servers: HTTP/1.1, 2 and 3, WebDAV, index pages",
		Schemes: []protocols.Scheme{
			{Name: "http", Port: 80, TLS: protocols.TLSNone},
			{Name: "https", Port: 443, TLS: protocols.TLSImplicit},
			{Name: "data", TLS: protocols.TLSNone, NoHost: true},
		},
		RFCs:     []int{2397, 4918, 6265, 6266, 6750, 7578, 7616, 7617, 9110, 9111, 9112, 9113, 9114, 9309},
		Replaces: "http.client, http.cookiejar, urllib, httplib, urllib2",
		New:      func(u *url.URL, o *protocols.Options) (protocols.Client, error) { return New(u, o) },
		Path:     pathOf,
	}
}

// Version is a version of HTTP to use.
type Version int

// The versions. Auto is HTTP/1.1, or HTTP/2 where the server has nothing else.
const (
	Auto  Version = 0
	HTTP1 Version = 1
	HTTP2 Version = 2
	HTTP3 Version = 3
)

// Settings is what a caller may choose before the first verb. The zero value is
// right for most servers.
type Settings struct {
	Header  Header // of each request, in place of our own; a name without a value drops ours
	Version Version
	Share   *Connections // of HTTP/2 and 3, where Version asks for one of them; nil: the client's own
	// Through carries the requests, in the place of connections of our own: Version, Share,
	// UnixSocket, the proxy and the options of TLS and time do not count then.
	Through        nethttp.RoundTripper
	HTTP3          StartHTTP3  // h3.Start of package http/h3; nil: there is no HTTP/3
	NoFollow       bool        // a redirect is the answer
	MaxRedirects   int         // 0: 20
	AnyStatus      bool        // Get takes what comes with 4xx and 5xx for content
	AllowDowngrade bool        // follow redirects from https to http
	PathAsIs       bool        // dot segments of a path are sent, not resolved
	Compressed     bool        // ask for content codings, and decode them
	Decoded        int64       // bytes that may come out of few; beyond (0: 64 MiB) more than 200 for one are an error
	UnixSocket     string      // path to connect to in place of the URL's host
	Jar            *Jar        // cookies; nil: none are kept
	HSTS           *hsts.Store // hosts that want HTTPS only; nil: none are known
	// Pace is called before each request, and waits as long as it has to; nil: none has to.
	Pace      func(context.Context) error
	Closed    func() error // called by Close, to keep the jar's content; may be nil
	Condition Condition    // of Get: only when newer
	NoRobots  bool         // list what robots.txt closes to robots too
	IndexOnly bool         // sizes and times of entries come from the index page only
}

// Client makes requests to one server, and to where that redirects. It does one
// at a time.
type Client struct {
	Settings Settings

	site
	opts   *protocols.Options
	limits protocols.Limits
	gate   protocols.Gate
	conns  *connector
	engine *exchanger
	robots map[string]*robots // by origin

	expected *protocols.Expectation // of Probe; nil: Expect was not called

	mu   sync.Mutex // guards what Close shares with a verb
	side *Client    // see beside
}

var (
	_ protocols.Client     = (*Client)(nil)
	_ protocols.Lister     = (*Client)(nil)
	_ protocols.TreeLister = (*Client)(nil)
	_ protocols.Statter    = (*Client)(nil)
	_ protocols.Getter     = (*Client)(nil)
	_ protocols.TailGetter = (*Client)(nil)
	_ protocols.BulkGetter = (*Client)(nil)
	_ protocols.Putter     = (*Client)(nil)
	_ protocols.Remover    = (*Client)(nil)
	_ protocols.Mover      = (*Client)(nil)
	_ protocols.Maker      = (*Client)(nil)
	_ protocols.Confiner   = (*Client)(nil)
	_ protocols.Expecter   = (*Client)(nil)

	_ protocols.CapabilityLister = (*Client)(nil)
)

// New makes a client for the server of u. It does no I/O. A nil o means the
// defaults.
func New(u *url.URL, o *protocols.Options) (*Client, error) {
	_, o, err := Spec().Accept(u, o)
	if err != nil {
		return nil, err
	}
	own := *u // HSTS may change it
	u = &own
	c := &Client{opts: o, limits: o.Limits.WithDefaults(), robots: map[string]*robots{}}
	c.site = site{u, &c.Settings}
	c.conns = &connector{own: u, settings: &c.Settings, opts: o, headLimit: min(c.limits.Header, maxHead), idle: map[string]connection{}}
	c.engine = &exchanger{site: c.site, settings: &c.Settings, opts: o, limits: c.limits, conns: c.conns, logins: map[string]*login{}}
	return c, nil
}

// Close frees all connections. An operation in progress ends with an error of class
// [protocols.ErrClosed].
func (c *Client) Close() error {
	c.gate.Close()
	c.mu.Lock()
	side := c.side
	c.mu.Unlock()
	if side != nil {
		side.Close()
	}
	c.conns.close()
	if c.Settings.Closed != nil {
		return c.Settings.Closed()
	}
	return nil
}

// wrap adds the verb and the URL to an error.
func (c *Client) wrap(err error, op, name string) error {
	if err == nil {
		return nil
	}
	return protocols.Wrap(err, proto, op, c.display(name))
}
