package http

import (
	"context"
	"crypto/tls"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/netclients/netclients/internal/httpauth"
	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
)

// maxConnections bounds the connections that are kept, one for each origin.
const maxConnections = 8

// connector makes connections and keeps those that can carry another request.
type connector struct {
	own       *url.URL // of the client's server
	settings  *Settings
	opts      *protocols.Options
	headLimit int64 // bytes of the head of an answer

	proxyLogin *httpauth.Proxy // to the proxy that takes requests in absolute form
	proxyFor   string          // its URL

	mu     sync.Mutex // guards what Close shares with a verb
	idle   map[string]connection
	busy   connection // of the request in progress
	closed bool
}

// take returns the connection to the origin of u, a kept one or a new one.
func (k *connector) take(ctx context.Context, u *url.URL) (conn connection, reused bool, err error) {
	key := origin(u)
	k.mu.Lock()
	closed := k.closed
	conn = k.idle[key]
	delete(k.idle, key)
	k.mu.Unlock()
	if closed {
		return nil, false, closedError()
	}
	if k.settings.Through != nil {
		return k.through(u), false, nil
	}
	if s := k.settings.Share; s != nil && k.settings.Version >= HTTP2 {
		conn, err = s.take(ctx, key, func() (connection, error) { return k.dial(ctx, u) })
		return conn, true, err
	}
	if conn != nil {
		if conn.ready() {
			return conn, true, k.use(conn)
		}
		conn.close()
	}
	if conn, err = k.dial(ctx, u); err != nil {
		return nil, false, err
	}
	return conn, false, k.use(conn)
}

func closedError() error {
	return &protocols.Error{Kind: protocols.KindUsage, Sentinel: protocols.ErrClosed}
}

// use notes the connection that close must cut off.
func (k *connector) use(conn connection) error {
	k.mu.Lock()
	closed := k.closed
	if !closed {
		k.busy = conn
	}
	k.mu.Unlock()
	if closed {
		conn.close()
		return closedError()
	}
	return nil
}

// giveBack takes a connection back after its request, and keeps it when it is good for
// another.
func (k *connector) giveBack(u *url.URL, conn connection) {
	if c, ok := conn.(*shared); ok {
		c.leave()
		return
	}
	keep := conn.usable()
	k.mu.Lock()
	if k.busy == conn {
		k.busy = nil
	}
	if keep = keep && !k.closed && len(k.idle) < maxConnections; keep {
		key := origin(u)
		if old := k.idle[key]; old != nil && old != conn {
			defer old.close()
		}
		k.idle[key] = conn
	}
	k.mu.Unlock()
	if !keep {
		conn.close()
	}
}

// pipelined returns the kept connection to the client's own server if requests may be
// sent ahead over it, or nil.
func (k *connector) pipelined() *http1 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if conn, ok := k.idle[origin(k.own)].(*http1); ok && conn.window > 0 {
		return conn
	}
	return nil
}

// close closes all connections, and cuts the request in progress off.
func (k *connector) close() {
	k.mu.Lock()
	idle, busy := k.idle, k.busy
	k.idle, k.busy, k.closed = map[string]connection{}, nil, true
	k.mu.Unlock()
	for _, conn := range idle {
		conn.close()
	}
	if busy != nil {
		busy.close()
	}
}

// dial makes a connection with the version that the settings ask for.
func (k *connector) dial(ctx context.Context, u *url.URL) (connection, error) {
	if k.settings.Version == HTTP3 {
		return k.dialQUIC(ctx, u)
	}
	secure := u.Scheme == "https"
	if k.settings.Version == HTTP2 && !secure {
		conn, err := k.connect(ctx, u)
		if err != nil {
			return nil, err
		}
		return k.newHTTP2(ctx, conn)
	}
	if proxy, err := k.plainProxy(u); err != nil || proxy != nil {
		if err != nil {
			return nil, err
		}
		return k.dialProxy(ctx, u, proxy)
	}
	offers := [][]string{{"http/1.1"}, {"h2"}}
	if k.settings.Version == HTTP2 {
		offers = offers[1:]
	}
	if k.settings.Version == HTTP1 || !secure {
		offers = offers[:1]
	}
	var err error
	for _, offer := range offers {
		var conn *transport.Conn
		if conn, err = k.connect(ctx, u, offer...); err == nil {
			return k.negotiated(ctx, conn)
		}
		if !isNoSuchProtocol(err) {
			break
		}
	}
	return nil, err
}

// negotiated makes the connection of the version that the server has chosen.
func (k *connector) negotiated(ctx context.Context, conn *transport.Conn) (connection, error) {
	chosen := ""
	if state := conn.TLS(); state != nil {
		chosen = state.NegotiatedProtocol
	}
	switch {
	case chosen == "h2":
		return k.newHTTP2(ctx, conn)
	case k.settings.Version == HTTP2:
		conn.Close()
		return nil, &protocols.Error{Kind: protocols.KindProtocol, Text: "the server does not speak HTTP/2", Hint: "leave --http2 out"}
	}
	return newHTTP1(conn, k.opts, k.headLimit), nil
}

// isNoSuchProtocol reports whether the server takes none of the versions that were
// offered. It says so with an alert (RFC 7301 3.2), which crypto/tls returns as text
// only.
func isNoSuchProtocol(err error) bool {
	return protocols.KindOf(err) == protocols.KindTLS && strings.Contains(err.Error(), "no application protocol")
}

// connect opens the connection to the host of u, with TLS where the scheme says so.
func (k *connector) connect(ctx context.Context, u *url.URL, alpn ...string) (*transport.Conn, error) {
	d := transport.NewDialer(proto, u, k.optionsFor(u, alpn...))
	if k.settings.UnixSocket == "" || !sameOrigin(u, k.own) {
		return open(ctx, d, u)
	}
	if u.Scheme == "https" {
		return nil, usage("TLS over a UNIX socket is not supported: use an http URL")
	}
	return d.Dial(ctx, "", "unix", k.settings.UnixSocket, "")
}

// open connects to the host of u.
func open(ctx context.Context, d *transport.Dialer, u *url.URL) (*transport.Conn, error) {
	conn, err := d.Dial(ctx, "", "tcp", transport.HostOf(u), portOf(u))
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
func (k *connector) optionsFor(u *url.URL, alpn ...string) *protocols.Options {
	o := *k.opts
	conf := &tls.Config{}
	if o.TLS.Config != nil {
		conf = o.TLS.Config.Clone()
	}
	conf.NextProtos = slices.Clone(alpn)
	if !sameOrigin(u, k.own) {
		conf.Certificates, conf.GetClientCertificate = nil, nil
	}
	o.TLS.Config = conf
	return &o
}

// plainProxy returns the proxy that requests for u are sent to in absolute form, or
// nil. That is how HTTP proxies serve http URLs (RFC 9112 3.2.2); all else goes through
// a tunnel.
func (k *connector) plainProxy(u *url.URL) (*url.URL, error) {
	if k.opts.Proxy == nil || u.Scheme != "http" || k.settings.UnixSocket != "" {
		return nil, nil
	}
	p, err := k.opts.Proxy(u)
	if err != nil || p == nil || p.Scheme != "http" && p.Scheme != "https" {
		return nil, err
	}
	if p.Hostname() == "" {
		return nil, usage("proxy %q has no host", protocols.Redact(p))
	}
	return p, nil
}

// dialProxy connects to a proxy that takes requests for u in absolute form.
func (k *connector) dialProxy(ctx context.Context, u, proxy *url.URL) (connection, error) {
	fields, err := transport.ProxyHeader(k.opts)
	if err != nil {
		return nil, err
	}
	at := *proxy
	if at.Port() == "" {
		at.Host += map[string]string{"http": ":1080", "https": ":443"}[at.Scheme] // as in curl
	}
	o := k.optionsFor(&at, "http/1.1")
	o.Proxy, o.Resolve, o.ConnectTo = nil, nil, nil
	if first := k.opts.PreProxy; first != nil {
		o.PreProxy, o.Proxy = nil, func(*url.URL) (*url.URL, error) { return first, nil }
	}
	o.TLS.ServerName, o.TLS.Pins = "", nil
	conn, err := open(ctx, transport.NewDialer(proto, &at, o), &at)
	if err != nil {
		if e, ok := errors.AsType[*protocols.Error](err); ok {
			named := *e
			named.Text = strings.TrimSuffix("proxy "+proxy.Host+": "+named.Text, ": ")
			if named.Hint == "" {
				named.Hint = transport.ProxyHint(u, proxy)
			}
			return nil, &named
		}
		return nil, err
	}
	conn.Event(protocols.EventProxy, protocols.Redact(proxy)+" takes the request", 0)
	l := newHTTP1(conn, k.opts, k.headLimit)
	if k.proxyLogin == nil || k.proxyFor != proxy.String() {
		k.proxyLogin, k.proxyFor = transport.NewProxyLogin(k.opts, proxy), proxy.String()
	}
	l.proxy, l.proxyHeader = k.proxyLogin, fields
	return l, nil
}
