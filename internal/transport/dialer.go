package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netclients/netclients/internal/httpauth"
	"github.com/netclients/netclients/protocols"
)

// Dialer opens the connections of one client to one server. It holds the client's
// options and its only TLS session cache. It is safe for concurrent use.
type Dialer struct {
	proto string
	url   *url.URL
	o     *protocols.Options
	conns atomic.Int64

	loginMu  sync.Mutex // guards the next two
	login    *httpauth.Proxy
	loginFor string // the proxy

	tlsBase     func() *tls.Config            // built at the first handshake
	laxSessions func() tls.ClientSessionCache // for unverified servers

	// Hooks into the system, replaced in tests.
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
}

// NewDialer returns a dialer for the server of u. It does no I/O. Nil options
// mean all defaults; the dialer reads o and never modifies it.
func NewDialer(proto string, u *url.URL, o *protocols.Options) *Dialer {
	if o == nil {
		o = &protocols.Options{}
	}
	d := &Dialer{proto: proto, url: u, o: o, lookup: net.DefaultResolver.LookupNetIP}
	if o.Resolver != nil {
		d.lookup = o.Resolver.LookupNetIP
	}
	d.dial = d.dialSystem
	d.tlsBase = sync.OnceValue(d.makeTLS)
	d.laxSessions = sync.OnceValue(func() tls.ClientSessionCache { return tls.NewLRUClientSessionCache(sessions) })
	return d
}

// Dial connects to host and port. channel names the connection in traces, such as
// "control" or "data". network is tcp, udp, or unix with a path as host. The
// options determine how: resolve and connect-to maps, proxy, address families,
// local address, connect timeout. The caller must close the connection.
func (d *Dialer) Dial(ctx context.Context, channel, network, host, port string) (*Conn, error) {
	t := target{network: network, host: host, port: port}
	proxy, err := d.proxyFor(ctx, network)
	if err != nil {
		return nil, err
	}
	release, err := d.admit(ctx, t)
	if err != nil {
		return nil, err
	}
	c, err := d.connect(ctx, channel, t, func(ctx context.Context, c *Conn) error {
		to, err := d.redirect(c.to)
		if err != nil {
			return err
		}
		c.to.dialHost = to.dialHost
		if proxy != nil {
			return d.throughProxy(ctx, c, proxy, to.dialHost, to.port)
		}
		return d.direct(ctx, c, network, to.dialHost, to.port)
	})
	if err != nil {
		release()
		return nil, err
	}
	c.release = release
	return c, nil
}

// admit asks the guard for a connection.
func (d *Dialer) admit(ctx context.Context, t target) (release func(), err error) {
	if d.o.Guard == nil {
		return func() {}, nil
	}
	return d.o.Guard.Admit(ctx, t.host, t.port)
}

// DialPeer connects to another port of the host that ctl is connected to, as FTP
// data connections do: to the same address as the peer's, or through the same
// proxy to the same target. It ignores the address that the server reports.
func (d *Dialer) DialPeer(ctx context.Context, ctl *Conn, port int) (*Conn, error) {
	if port < 1 || port > 65535 {
		return nil, protocols.ProtocolError(d.proto, "", "invalid port "+portText(port))
	}
	t := ctl.to
	t.port = portText(port)
	proxy, err := d.proxyFor(ctx, t.network)
	if err != nil {
		return nil, err
	}
	return d.connect(ctx, "data", t, func(ctx context.Context, c *Conn) error {
		c.lax, c.insist = ctl.lax, ctl.doubt == nil
		if ctl.to.proxied && proxy != nil {
			return d.throughProxy(ctx, c, proxy, t.dialHost, t.port)
		}
		host := t.dialHost
		if ip := peerIP(ctl); ip.IsValid() {
			host = ip.String()
		}
		return d.direct(ctx, c, t.network, host, t.port)
	})
}

// connect creates the Conn that do sets up, within the connect timeout.
func (d *Dialer) connect(ctx context.Context, channel string, t target, do func(context.Context, *Conn) error) (*Conn, error) {
	ctx, cancel := d.within(ctx, "connection to "+t.address())
	defer cancel()
	c := &Conn{d: d, id: d.number(), channel: channel, to: t}
	if ctx.Err() != nil {
		return nil, causeError(ctx)
	}
	if err := do(ctx, c); err != nil {
		c.Event(protocols.EventError, err.Error(), 0)
		return nil, err
	}
	if g := d.o.Guard; g != nil {
		c.sock.alive = g.Alive
	}
	c.top = c.sock
	return c, nil
}

// direct connects without a proxy.
func (d *Dialer) direct(ctx context.Context, c *Conn, network, host, port string) error {
	raw, err := d.open(ctx, c, network, host, port)
	if err != nil {
		return err
	}
	c.sock = newSocket(raw, d.o.IdleWithin())
	return nil
}

// open resolves and connects, and records trace events and timings.
func (d *Dialer) open(ctx context.Context, c *Conn, network, host, port string) (net.Conn, error) {
	addresses, err := d.addresses(ctx, c, network, host, port)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	raw, err := d.race(ctx, host, network, addresses)
	took := time.Since(start)
	c.timings.Connect += took
	if err != nil {
		return nil, err
	}
	c.emit(protocols.Event{Kind: protocols.EventConnect, Text: addrText(raw.RemoteAddr()), Took: took})
	return raw, nil
}

// within applies the connect timeout to ctx; what names the step in the error.
func (d *Dialer) within(ctx context.Context, what string) (context.Context, context.CancelFunc) {
	limit := d.o.ConnectWithin()
	if limit == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, limit, connectTimeout(limit, what))
}

func (d *Dialer) number() int64 {
	if d.o.Stats != nil {
		return d.o.Stats.Conns.Add(1)
	}
	return d.conns.Add(1)
}

func (d *Dialer) traced() bool { return d.o.Trace != nil }

func (d *Dialer) emit(e protocols.Event) {
	if e.Kind == protocols.EventWarning && d.o.Warn != nil {
		d.o.Warn(e.Text)
	}
	if d.o.Trace == nil {
		return
	}
	e.Time, e.Protocol = time.Now(), d.proto
	if d.url != nil {
		e.Host = d.url.Host
	}
	d.o.Trace(e)
}

// dialSystem opens one socket.
func (d *Dialer) dialSystem(ctx context.Context, network, address string) (net.Conn, error) {
	if d.o.Dial != nil {
		c, err := d.o.Dial(ctx, network, address)
		if c == nil && err == nil {
			err = &protocols.Error{Kind: protocols.KindUsage, Text: "Options.Dial returned neither a connection nor an error"}
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			return c, err
		}
	}
	nd := net.Dialer{FallbackDelay: -1}
	if network != "unix" {
		local, err := d.local(network, address)
		if err != nil {
			return nil, err
		}
		if local != nil {
			nd.LocalAddr = local
		}
	}
	return nd.DialContext(ctx, network, address)
}

func (t target) address() string {
	if t.port == "" {
		return t.host
	}
	return net.JoinHostPort(t.host, t.port)
}

func addrText(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

// peerIP returns the IP address of the peer, or an invalid one if it has none.
func peerIP(c *Conn) netip.Addr { return addrIP(c.RemoteAddr()) }

func addrIP(a net.Addr) netip.Addr {
	var ip netip.Addr
	switch a := a.(type) {
	case *net.TCPAddr:
		ip = a.AddrPort().Addr()
	case *net.UDPAddr:
		ip = a.AddrPort().Addr()
	}
	return ip.Unmap()
}
