// Package h3 adds HTTP/3 (RFC 9114) over QUIC (RFC 9000) to clients of package http, by
// quic-go. It stands alone so that only programs that use HTTP/3 contain QUIC:
//
//	c.Settings.Version, c.Settings.HTTP3 = http.HTTP3, h3.Start
package h3

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	nethttp "net/http"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
)

// conn is a connection of HTTP/3.
type conn struct {
	nethttp.RoundTripper
	quic *quic.Transport
	conn *quic.Conn
	udp  *packets
}

// Start starts HTTP/3 on a connected UDP socket, which it owns from then on. It is for
// [http.Settings].
func Start(ctx context.Context, socket net.Conn, conf *tls.Config, o *protocols.Options) (http.HTTP3Conn, error) {
	conf = conf.Clone()
	conf.NextProtos, conf.MinVersion = []string{http3.NextProtoH3}, tls.VersionTLS13
	if within := o.ConnectWithin(); within > 0 {
		late := &protocols.Error{Kind: protocols.KindTimeout, Retryable: true, Text: "connection to " + conf.ServerName + " timed out after " + within.String()}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, within, late)
		defer cancel()
	}
	udp := &packets{conn: socket}
	q := &quic.Transport{Conn: udp}
	c, err := q.Dial(ctx, socket.RemoteAddr(), conf, &quic.Config{MaxIdleTimeout: o.IdleWithin(), HandshakeIdleTimeout: o.ConnectWithin()})
	if err != nil {
		shut(q, udp)
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause
		}
		return nil, failure(err)
	}
	t := &http3.Transport{DisableCompression: true, MaxResponseHeaderBytes: int(o.Limits.WithDefaults().Header)}
	return &conn{RoundTripper: t.NewClientConn(c), quic: q, conn: c, udp: udp}, nil
}

// failure distinguishes a server that is not there, or shows a wrong certificate, from
// the rest.
func failure(err error) error {
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

// TLS returns the state of the connection's TLS, which QUIC always has.
func (c *conn) TLS() *tls.ConnectionState {
	s := c.conn.ConnectionState().TLS
	return &s
}

// Alive reports whether the connection stands, as far as is known.
func (c *conn) Alive() bool { return c.conn.Context().Err() == nil }

// Close closes the connection and its socket.
func (c *conn) Close() error {
	_ = c.conn.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeNoError), "") // the socket is closed anyhow
	shut(c.quic, c.udp)
	return nil
}

// shut closes the socket first: Close waits for the transport's reader, which it
// wakes with a deadline that a read of ours may have moved already.
func shut(q *quic.Transport, udp *packets) {
	udp.Close()
	q.Close()
}

// packets lets QUIC use a connected UDP socket. It does not show that this is a
// system's socket: the library would warn on standard error where the system does
// not give it the buffers it wants.
type packets struct{ conn net.Conn }

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
	if udp, ok := socketOf(p.conn).(*net.UDPConn); ok {
		_ = set(udp, n)
	}
	return nil
}

// socketOf returns the system's socket below a connection with limits and counters.
func socketOf(c net.Conn) net.Conn {
	if below, ok := c.(interface{ NetConn() net.Conn }); ok {
		return below.NetConn()
	}
	return c
}

// The rest of net.PacketConn.
func (p *packets) Close() error                       { return p.conn.Close() }
func (p *packets) LocalAddr() net.Addr                { return p.conn.LocalAddr() }
func (p *packets) SetDeadline(t time.Time) error      { return p.conn.SetDeadline(t) }
func (p *packets) SetReadDeadline(t time.Time) error  { return p.conn.SetReadDeadline(t) }
func (p *packets) SetWriteDeadline(t time.Time) error { return p.conn.SetWriteDeadline(t) }
