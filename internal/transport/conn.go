package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/netclients/netclients/protocols"
)

// ChannelData is the channel of connections that carry content only, as those of FTP.
const ChannelData = "data"

// Conn is a connection opened by a [Dialer]. It is a net.Conn; one goroutine may
// read while another writes. Its owner must close it.
type Conn struct {
	d       *Dialer
	id      int64
	channel string
	to      target
	sock    *socket
	tls     *tls.Conn // nil while unencrypted
	top     net.Conn  // sock, or tls
	timings Timings
	ctx     atomic.Pointer[context.Context] // of the innermost Use

	lax       bool  // a certificate that does not verify is accepted, see Lenient
	insist    bool  // unless the control connection's certificate did verify
	certified bool  // the server sent a certificate
	verified  bool  // and it was checked
	doubt     error // why it does not verify

	read, written atomic.Int64
	heads         heads
	release       func() // tells the guard that the connection is closed; nil: nobody wants to know
	closed        sync.Once
	closeErr      error
}

// target is what a connection was made to.
type target struct {
	network, host, port string // as requested: the name in the certificate
	dialHost            string // as dialed, or as requested from the proxy
	proxied             bool
}

// Timings are the durations of the steps to a connection. Connect includes the
// proxy's part.
type Timings struct{ Resolve, Connect, TLS time.Duration }

// Timings returns the durations of the completed steps.
func (c *Conn) Timings() Timings { return c.timings }

// ID returns the number of the connection, from 1, as shown in trace events.
func (c *Conn) ID() int64 { return c.id }

// Event emits a trace event of this connection, with text and a byte count.
// Secrets in text must already be masked.
func (c *Conn) Event(kind protocols.EventKind, text string, n int64) {
	c.emit(protocols.Event{Kind: kind, Text: text, Bytes: n})
}

// Received reports that n bytes of content came in, which no line shows. How it begins
// is what was sampled since the last report.
func Received(c *Conn, n int64) {
	if n > 0 && c != nil && c.d.traced() { // nil: what is read comes from no connection
		c.emit(protocols.Event{Kind: protocols.EventData, Text: "received", Bytes: n, Head: c.heads.take(&c.heads.in, n)})
	}
}

// Sent reports that n bytes of content went out.
func Sent(c *Conn, n int64) {
	if n > 0 && c != nil && c.d.traced() {
		c.emit(protocols.Event{Kind: protocols.EventData, Text: "sent", Bytes: n, Head: c.heads.take(&c.heads.out, n)})
	}
}

// Traced reports whether somebody wants to see the events of the connection.
func Traced(c *Conn) bool { return c.d.traced() }

// Sample takes received content for the trace, which keeps how it begins. Connections
// that carry content only do so themselves.
func Sample(c *Conn, p []byte) {
	if c != nil && c.d.traced() {
		c.heads.add(&c.heads.in, p)
	}
}

func (c *Conn) emit(e protocols.Event) {
	e.Conn, e.Channel = c.id, c.channel
	c.d.emit(e)
}

// Use ties the I/O of the connection to ctx until done is called: cancelling ctx
// unblocks I/O at once and breaks the connection for good. Uses nest.
func (c *Conn) Use(ctx context.Context) (done func()) {
	outer, sock := c.ctx.Swap(&ctx), c.sock
	if ctx.Err() != nil {
		sock.abort(causeError(ctx))
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		sock.abort(causeError(ctx))
	})
	return sync.OnceFunc(func() {
		c.ctx.Store(outer)
		if !stop() {
			<-ended // so that Broken is accurate from here on
		}
	})
}

// context returns the context of the innermost Use, for waits other than I/O.
func (c *Conn) context() context.Context {
	if ctx := c.ctx.Load(); ctx != nil {
		return *ctx
	}
	return context.Background()
}

// Broken reports whether the connection is unusable: a context ended, the idle
// timeout expired, or the network failed.
func (c *Conn) Broken() bool { return c.sock.err() != nil }

// Read reads into p. Exceeding the idle timeout is an error of kind timeout.
func (c *Conn) Read(p []byte) (int, error) {
	if l := c.d.o.Limiter; l != nil && len(p) > l.Burst() {
		p = p[:l.Burst()]
	}
	n, err := c.top.Read(p)
	if n > 0 {
		c.count(&c.read, n)
		if c.channel == ChannelData {
			Sample(c, p[:n])
		}
		if werr := c.pace(n); werr != nil && err == nil {
			return n, werr
		}
	}
	return n, c.ioError(err)
}

// Write writes all of p or returns an error.
func (c *Conn) Write(p []byte) (total int, err error) {
	for {
		part := p[total:]
		if l := c.d.o.Limiter; l != nil && len(part) > 0 {
			part = part[:min(len(part), l.Burst())]
			if err := c.pace(len(part)); err != nil {
				return total, err
			}
		}
		n, err := c.top.Write(part)
		c.count(&c.written, n)
		if c.channel == ChannelData && c.d.traced() {
			c.heads.add(&c.heads.out, part[:n])
		}
		total += n
		if err != nil || total == len(p) {
			return total, c.ioError(err)
		}
	}
}

func (c *Conn) count(of *atomic.Int64, n int) {
	of.Add(int64(n))
	s := c.d.o.Stats
	switch {
	case s == nil:
	case of == &c.read:
		s.Read.Add(int64(n))
	default:
		s.Written.Add(int64(n))
	}
}

// pace waits for the rate limiter.
func (c *Conn) pace(n int) error {
	if c.d.o.Limiter == nil {
		return nil
	}
	if err := c.d.o.Limiter.Wait(c.context(), n); err != nil {
		if e := c.sock.err(); e != nil {
			return e
		}
		return err
	}
	return nil
}

// ioError returns the original error where a layer above the socket has wrapped
// it in its own text.
func (c *Conn) ioError(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*protocols.Error](err); ok {
		return e
	}
	if c.tls != nil {
		return tlsIOError(err, c)
	}
	return err
}

// Close closes the connection, with TLS after sending close_notify. Later calls
// return the error of the first.
func (c *Conn) Close() error {
	c.closed.Do(func() {
		c.sock.close()
		c.closeErr = c.top.Close()
		if c.channel == ChannelData { // all of it is content
			Received(c, c.read.Load())
			Sent(c, c.written.Load())
		}
		if c.release != nil {
			c.release()
		}
		if c.d.traced() {
			c.Event(protocols.EventClose, fmt.Sprintf("read %d, written %d bytes", c.read.Load(), c.written.Load()),
				c.read.Load()+c.written.Load())
		}
	})
	return c.closeErr
}

// CloseWrite half-closes the connection: it sends TLS's close_notify, or the end
// of the stream. If the connection does not support half-close, the error is of
// class [errors.ErrUnsupported].
func (c *Conn) CloseWrite() error {
	if c.tls != nil {
		return c.ioError(c.tls.CloseWrite())
	}
	h, ok := c.sock.Conn.(interface{ CloseWrite() error })
	if !ok {
		return protocols.Unsupported(c.d.proto, "", "this connection does not support half-close")
	}
	return h.CloseWrite()
}

// NetConn returns the connection below TLS, counters and deadlines. Reading or
// writing it directly bypasses them.
func (c *Conn) NetConn() net.Conn { return c.sock.Conn }

// SyscallConn returns access to socket options. Its result hides the socket from
// the standard library's fast copy paths, which would bypass TLS and deadlines;
// use [Conn.WriteTo] and [Conn.ReadFrom] for fast copies.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	s, ok := c.sock.Conn.(syscall.Conn)
	if !ok {
		return nil, protocols.Unsupported(c.d.proto, "", "this connection is not a socket")
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil, err
	}
	return struct{ syscall.RawConn }{raw}, nil
}

// LocalAddr returns the local address.
func (c *Conn) LocalAddr() net.Addr { return c.sock.LocalAddr() }

// RemoteAddr returns the address of the peer, or of the proxy if there is one.
func (c *Conn) RemoteAddr() net.Addr { return c.sock.RemoteAddr() }

// SetDeadline sets both deadlines; the idle timeout stays in effect.
func (c *Conn) SetDeadline(t time.Time) error { return c.sock.SetDeadline(t) }

// SetReadDeadline sets the deadline for reads; zero removes it.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.sock.SetReadDeadline(t) }

// SetWriteDeadline sets the deadline for writes; zero removes it.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.sock.SetWriteDeadline(t) }
