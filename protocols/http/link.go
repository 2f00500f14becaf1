package http

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// link is a connection to one origin that carries one request at a time.
type link interface {
	// send sends a request and returns the head of the final answer. The body belongs
	// to ctx too.
	send(ctx context.Context, m *message) (*Response, error)
	// good reports whether it may carry another request, as far as we know.
	good() bool
	// ready is good that looks at the connection too. It is asked before a request.
	ready() bool
	close()
	// secret says whether a password may be sent over it.
	secret() error
}

// message is a request as it goes out: all is decided.
type message struct {
	*Request
	header Header // complete but for Host and the length
	secret bool   // it holds a password or token
}

// mostLinks bounds the connections that are kept, one for each origin.
const mostLinks = 8

// link returns the connection to the origin of u, a kept one or a new one.
func (c *Client) link(ctx context.Context, u *url.URL) (l link, reused bool, err error) {
	key := origin(u)
	c.mu.Lock()
	closed := c.closed
	l = c.links[key]
	delete(c.links, key)
	c.mu.Unlock()
	if closed {
		return nil, false, &protocols.Error{Kind: protocols.KindUsage, Sentinel: protocols.ErrClosed}
	}
	if l != nil {
		if l.ready() {
			return l, true, c.working(l)
		}
		l.close()
	}
	if l, err = c.dial(ctx, u); err != nil {
		return nil, false, err
	}
	return l, false, c.working(l)
}

// working notes the link that Close must cut off.
func (c *Client) working(l link) error {
	c.mu.Lock()
	closed := c.closed
	if !closed {
		c.busy = l
	}
	c.mu.Unlock()
	if closed {
		l.close()
		return &protocols.Error{Kind: protocols.KindUsage, Sentinel: protocols.ErrClosed}
	}
	return nil
}

// keep takes a link back after its request, when it is good for another.
func (c *Client) keep(u *url.URL, l link) {
	keep := l.good()
	c.mu.Lock()
	if c.busy == l {
		c.busy = nil
	}
	if keep = keep && !c.closed && len(c.links) < mostLinks; keep {
		key := origin(u)
		if old := c.links[key]; old != nil && old != l {
			defer old.close()
		}
		c.links[key] = l
	}
	c.mu.Unlock()
	if !keep {
		l.close()
	}
}

// dial makes a connection in the version that is asked for.
func (c *Client) dial(ctx context.Context, u *url.URL) (link, error) {
	if c.Settings.Version == HTTP3 {
		return c.dialQUIC(ctx, u)
	}
	secure := u.Scheme == "https"
	if c.Settings.Version == HTTP2 && !secure {
		conn, err := c.connect(ctx, u)
		if err != nil {
			return nil, err
		}
		return newHTTP2(ctx, c, conn)
	}
	if proxy, err := c.plainProxy(u); err != nil || proxy != nil {
		if err != nil {
			return nil, err
		}
		return c.dialProxy(ctx, proxy)
	}
	offers := [][]string{{"http/1.1"}, {"h2"}}
	if c.Settings.Version == HTTP2 {
		offers = offers[1:]
	}
	if c.Settings.Version == HTTP1 || !secure {
		offers = offers[:1]
	}
	var err error
	for _, offer := range offers {
		var conn *transport.Conn
		if conn, err = c.connect(ctx, u, offer...); err == nil {
			return c.spoken(ctx, conn)
		}
		if !noSuchProtocol(err) {
			break
		}
	}
	return nil, err
}

// spoken makes the link of the version that the server chose.
func (c *Client) spoken(ctx context.Context, conn *transport.Conn) (link, error) {
	chosen := ""
	if state := conn.TLS(); state != nil {
		chosen = state.NegotiatedProtocol
	}
	switch {
	case chosen == "h2":
		return newHTTP2(ctx, c, conn)
	case c.Settings.Version == HTTP2:
		conn.Close()
		return nil, &protocols.Error{Kind: protocols.KindProtocol, Text: "the server does not speak HTTP/2", Hint: "leave --http2 away"}
	}
	return newHTTP1(c, conn), nil
}

// noSuchProtocol: the server takes none of the versions that were offered, and
// says so with an alert (RFC 7301 3.2), which crypto/tls gives as text only.
func noSuchProtocol(err error) bool {
	return protocols.KindOf(err) == protocols.KindTLS && strings.Contains(err.Error(), "no application protocol")
}

// connect opens the connection to the host of u, with TLS where the scheme says so.
func (c *Client) connect(ctx context.Context, u *url.URL, alpn ...string) (*transport.Conn, error) {
	d := transport.NewDialer(proto, u, c.optionsFor(u, alpn...))
	if c.Settings.UnixSocket == "" || !sameOrigin(u, c.url) {
		return open(ctx, d, u)
	}
	if u.Scheme == "https" {
		return nil, usage("TLS over a UNIX socket is not done: use an http URL")
	}
	return d.Dial(ctx, "", "unix", c.Settings.UnixSocket, "")
}

// open connects to the host of u.
func open(ctx context.Context, d *transport.Dialer, u *url.URL) (*transport.Conn, error) {
	conn, err := d.Dial(ctx, "", "tcp", hostOf(u), portOf(u))
	if err != nil || u.Scheme != "https" {
		return conn, err
	}
	if err := conn.StartTLS(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// optionsFor returns the options for an origin, with the versions that TLS offers.
// A client certificate is for the client's own server only.
func (c *Client) optionsFor(u *url.URL, alpn ...string) *protocols.Options {
	o := *c.opts
	conf := &tls.Config{}
	if o.TLS.Config != nil {
		conf = o.TLS.Config.Clone()
	}
	conf.NextProtos = slices.Clone(alpn)
	if !sameOrigin(u, c.url) {
		conf.Certificates, conf.GetClientCertificate = nil, nil
	}
	o.TLS.Config = conf
	return &o
}

// plainProxy returns the proxy that requests for u are handed to whole. That is
// how HTTP proxies serve http URLs (RFC 9112 3.2.2); all else goes through a tunnel.
func (c *Client) plainProxy(u *url.URL) (*url.URL, error) {
	if c.opts.Proxy == nil || u.Scheme != "http" || c.Settings.UnixSocket != "" {
		return nil, nil
	}
	p, err := c.opts.Proxy(u)
	if err != nil || p == nil || p.Scheme != "http" && p.Scheme != "https" {
		return nil, err
	}
	if p.Hostname() == "" {
		return nil, usage("proxy %q has no host", protocols.Redact(p))
	}
	return p, nil
}

// dialProxy connects to a proxy that takes whole requests.
func (c *Client) dialProxy(ctx context.Context, proxy *url.URL) (link, error) {
	proxy, err := transport.ProxyLogin(ctx, c.opts, proxy)
	if err != nil {
		return nil, err
	}
	at := *proxy
	if at.Port() == "" {
		at.Host += map[string]string{"http": ":1080", "https": ":443"}[at.Scheme] // as curl has it
	}
	o := c.optionsFor(&at, "http/1.1")
	o.Proxy, o.Resolve, o.ConnectTo = nil, nil, nil
	o.TLS.ServerName, o.TLS.Pins = "", nil
	conn, err := open(ctx, transport.NewDialer(proto, &at, o), &at)
	if err != nil {
		if e, ok := errors.AsType[*protocols.Error](err); ok {
			named := *e
			named.Text = strings.TrimSpace("proxy " + proxy.Host + ": " + named.Text)
			return nil, &named
		}
		return nil, err
	}
	conn.Event(protocols.EventProxy, protocols.Redact(proxy)+" takes the request", 0)
	l := newHTTP1(c, conn)
	l.proxy = proxy
	return l, nil
}

// readSome reads at most n bytes, as far as they come.
func readSome(r io.Reader, n int64) []byte {
	b, _ := io.ReadAll(io.LimitReader(r, n))
	return b
}
