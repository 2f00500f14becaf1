package http

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// http3Conn is a connection of HTTP/3 (RFC 9114) over QUIC, by quic-go.
type http3Conn struct {
	quic *quic.Transport
	conn *quic.Conn
	udp  *packets
	streams
}

// dialQUIC connects to the host of u.
func (k *connector) dialQUIC(ctx context.Context, u *url.URL) (connection, error) {
	if u.Scheme != "https" {
		return nil, usage("HTTP/3 is for https URLs only")
	}
	d := transport.NewDialer(proto, u, k.optionsFor(u, http3.NextProtoH3))
	sock, err := d.Dial(ctx, "quic", "udp", hostOf(u), portOf(u))
	if err != nil {
		return nil, err
	}
	conf, err := d.TLSConfig(hostOf(u))
	if err != nil {
		sock.Close()
		return nil, err
	}
	conf.MinVersion = tls.VersionTLS13
	if within := k.opts.ConnectWithin(); within > 0 {
		late := &protocols.Error{Kind: protocols.KindTimeout, Retryable: true, Text: "connection to " + u.Host + " timed out after " + within.String()}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, within, late)
		defer cancel()
	}
	return k.handshakeQUIC(ctx, u, &packets{conn: sock}, conf)
}

func (k *connector) handshakeQUIC(ctx context.Context, u *url.URL, udp *packets, conf *tls.Config) (connection, error) {
	q := &quic.Transport{Conn: udp}
	start := time.Now()
	conn, err := q.Dial(ctx, udp.conn.RemoteAddr(), conf, &quic.Config{MaxIdleTimeout: k.opts.IdleWithin(), HandshakeIdleTimeout: k.opts.ConnectWithin()})
	if err != nil {
		shut(q, udp)
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause
		}
		return nil, quicError(err)
	}
	l := &http3Conn{quic: q, conn: conn, udp: udp}
	t := &http3.Transport{DisableCompression: true, MaxResponseHeaderBytes: int(k.headLimit)}
	timings := udp.conn.Timings()
	timings.TLS = time.Since(start)
	l.streams = streams{
		roundTrip: t.NewClientConn(conn).RoundTrip, state: l.tls, address: udp.conn.RemoteAddr().String(), traced: k.opts.Trace != nil, event: udp.conn.Event, timings: timings,
		interim: newInterim(k.opts, k.headLimit),
	}
	udp.conn.Event(protocols.EventTLS, "QUIC with "+u.Host+", "+tls.VersionName(conn.ConnectionState().TLS.Version), 0)
	return l, nil
}

// quicError distinguishes a server that is not there, or shows a wrong certificate, from
// the rest.
func quicError(err error) error {
	if te, ok := errors.AsType[*quic.TransportError](err); ok && te.ErrorCode.IsCryptoError() {
		return &protocols.Error{Kind: protocols.KindTLS, Err: err}
	}
	if _, ok := errors.AsType[*quic.HandshakeTimeoutError](err); ok {
		return &protocols.Error{Kind: protocols.KindTimeout, Retryable: true, Text: "no answer over QUIC", Hint: "the server may have no HTTP/3: leave --http3 away"}
	}
	if protocols.KindOf(err) == protocols.KindInternal {
		return &protocols.Error{Kind: protocols.KindConnect, Retryable: true, Err: err}
	}
	return err
}

func (l *http3Conn) tls() *tls.ConnectionState {
	s := l.conn.ConnectionState().TLS
	return &s
}

func (l *http3Conn) usable() bool { return !l.spent }

func (l *http3Conn) ready() bool { return l.usable() && l.conn.Context().Err() == nil }

func (l *http3Conn) close() {
	_ = l.conn.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "")
	shut(l.quic, l.udp)
}

// shut closes the socket first: Close waits for the transport's reader, which it
// wakes with a deadline that a read of ours may have moved already.
func shut(q *quic.Transport, udp *packets) {
	udp.Close()
	q.Close()
}

// allowSecret returns nil: QUIC is always under TLS.
func (l *http3Conn) allowSecret() error { return nil }

func (l *http3Conn) private() bool { return len(l.tls().VerifiedChains) > 0 }

// packets lets QUIC use a connected UDP socket. It does not show that this is a
// system's socket: the library would warn on standard error where the system does
// not give it the buffers it wants.
type packets struct{ conn *transport.Conn }

// ReadFrom reads one packet.
func (p *packets) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := p.conn.Read(b)
	return n, p.conn.RemoteAddr(), err
}

// WriteTo writes one packet to the peer, whatever the address.
func (p *packets) WriteTo(b []byte, _ net.Addr) (int, error) { return p.conn.Write(b) }

// SetReadBuffer asks for a larger buffer, as far as the system allows.
func (p *packets) SetReadBuffer(n int) error { return p.buffer((*net.UDPConn).SetReadBuffer, n) }

// SetWriteBuffer asks for a larger buffer, as far as the system allows.
func (p *packets) SetWriteBuffer(n int) error { return p.buffer((*net.UDPConn).SetWriteBuffer, n) }

func (p *packets) buffer(set func(*net.UDPConn, int) error, n int) error {
	if udp, ok := p.conn.NetConn().(*net.UDPConn); ok {
		_ = set(udp, n)
	}
	return nil
}

// The rest of net.PacketConn.
func (p *packets) Close() error                       { return p.conn.Close() }
func (p *packets) LocalAddr() net.Addr                { return p.conn.LocalAddr() }
func (p *packets) SetDeadline(t time.Time) error      { return p.conn.SetDeadline(t) }
func (p *packets) SetReadDeadline(t time.Time) error  { return p.conn.SetReadDeadline(t) }
func (p *packets) SetWriteDeadline(t time.Time) error { return p.conn.SetWriteDeadline(t) }
