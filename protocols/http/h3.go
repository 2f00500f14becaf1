package http

import (
	"context"
	"crypto/tls"
	"net"
	nethttp "net/http"
	"net/url"
	"time"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
)

// HTTP3Conn is a connection of HTTP/3 (RFC 9114), as [Settings].HTTP3 opens it.
type HTTP3Conn interface {
	nethttp.RoundTripper
	TLS() *tls.ConnectionState
	Alive() bool // it stands, as far as is known
	Close() error
}

// StartHTTP3 starts HTTP/3 on a connected UDP socket, which it owns from then on. The
// socket has the time limits, counters and trace of o.
type StartHTTP3 func(ctx context.Context, socket net.Conn, conf *tls.Config, o *protocols.Options) (HTTP3Conn, error)

// http3Conn is a connection of HTTP/3 with what is known of it.
type http3Conn struct {
	HTTP3Conn
	streams
}

// dialQUIC connects to the host of u.
func (k *connector) dialQUIC(ctx context.Context, u *url.URL) (connection, error) {
	if u.Scheme != "https" {
		return nil, usage("HTTP/3 is for https URLs only")
	}
	if k.settings.HTTP3 == nil {
		return nil, usage("this program has no HTTP/3: Settings.HTTP3 is not set, see package http/h3")
	}
	o := k.optionsFor(u)
	o.Limits.Header = k.headLimit
	d := transport.NewDialer(proto, u, o)
	sock, err := d.Dial(ctx, "quic", "udp", transport.HostOf(u), portOf(u))
	if err != nil {
		return nil, err
	}
	conf, err := d.TLSConfig(transport.HostOf(u))
	if err != nil {
		sock.Close()
		return nil, err
	}
	start := time.Now()
	conn, err := k.settings.HTTP3(ctx, sock, conf, o)
	if err != nil {
		return nil, err
	}
	timings := sock.Timings()
	timings.TLS = time.Since(start)
	l := &http3Conn{HTTP3Conn: conn}
	l.streams = streams{
		many: k.settings.Share != nil, roundTrip: conn.RoundTrip, state: conn.TLS, address: sock.RemoteAddr().String(), traced: k.opts.Trace != nil, event: sock.Event, timings: timings,
		interim: newInterim(k.opts, k.headLimit),
	}
	sock.Event(protocols.EventTLS, "QUIC with "+u.Host+", "+tls.VersionName(conn.TLS().Version), 0)
	return l, nil
}

func (l *http3Conn) usable() bool { return !l.spent.Load() }

func (l *http3Conn) ready() bool { return l.usable() && l.Alive() }

func (l *http3Conn) close() { _ = l.Close() } // nothing is lost with it

// allowSecret returns nil: QUIC is always under TLS.
func (l *http3Conn) allowSecret() error { return nil }

func (l *http3Conn) private() bool { return len(l.TLS().VerifiedChains) > 0 }
