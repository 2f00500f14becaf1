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

// Conn is a connection that a [Dialer] made. It is a net.Conn; one goroutine may
// read while another writes. Its owner closes it.
type Conn struct {
	d       *Dialer
	id      int64
	channel string
	to      target
	sock    *socket
	tls     *tls.Conn // nil while in clear
	top     net.Conn  // sock, or tls
	timings Timings
	ctx     atomic.Pointer[context.Context] // of the innermost Use

	lax       bool  // a certificate that does not verify is no failure, see Lenient
	insist    bool  // unless that of the control connection did verify
	certified bool  // a certificate came
	verified  bool  // and was checked
	doubt     error // and does not verify

	read, written atomic.Int64
	closed        sync.Once
	closeErr      error
}

// target is what a connection was made to.
type target struct {
	network, host, port string // as asked for: the name in the certificate
	dialHost            string // as dialed or asked of the proxy
	proxied             bool
}

// Timings says how long the steps to a connection took. Connect includes the
// proxy's part.
type Timings struct{ Resolve, Connect, TLS time.Duration }

// Timings returns the durations of the steps done so far.
func (c *Conn) Timings() Timings { return c.timings }

// ID returns the number of the connection, from 1, as trace events carry it.
func (c *Conn) ID() int64 { return c.id }

// Event sends a trace event of this connection, with text and a count of bytes.
// Secrets in text must be masked already.
func (c *Conn) Event(kind protocols.EventKind, text string, n int64) {
	c.emit(protocols.Event{Kind: kind, Text: text, Bytes: n})
}

func (c *Conn) emit(e protocols.Event) {
	e.Conn, e.Channel = c.id, c.channel
	c.d.emit(e)
}

// Use ties the I/O of the connection to ctx until done is called: the end of ctx
// ends blocked I/O at once, and the connection is broken for good. Uses nest.
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
			<-ended // so that Broken tells the truth from here on
		}
	})
}

// context returns the context of the innermost Use, for waits that are no I/O.
func (c *Conn) context() context.Context {
	if ctx := c.ctx.Load(); ctx != nil {
		return *ctx
	}
	return context.Background()
}

// Broken reports whether the connection is of no use any more: a context ended,
// the idle time passed, or the network failed.
func (c *Conn) Broken() bool { return c.sock.err() != nil }

// Read reads content or lines. Silence beyond the idle time is an error of kind
// Timeout.
func (c *Conn) Read(p []byte) (int, error) {
	if l := c.d.o.Limiter; l != nil && len(p) > l.Burst() {
		p = p[:l.Burst()]
	}
	n, err := c.top.Read(p)
	if n > 0 {
		c.count(&c.read, n)
		if werr := c.pace(n); werr != nil && err == nil {
			return n, werr
		}
	}
	return n, c.ioError(err)
}

// Write writes all of p, or gives an error.
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

// pace waits for the limiter.
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

// ioError returns the reason that counts, where a layer above the socket has put
// its own words around it.
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

// Close frees the connection; with TLS it says goodbye first. More calls give
// the first one's error.
func (c *Conn) Close() error {
	c.closed.Do(func() {
		c.sock.close()
		c.closeErr = c.top.Close()
		if c.d.traced() {
			c.Event(protocols.EventClose, fmt.Sprintf("read %d, written %d bytes", c.read.Load(), c.written.Load()),
				c.read.Load()+c.written.Load())
		}
	})
	return c.closeErr
}

// CloseWrite tells the peer that nothing more comes: TLS's close_notify, or the
// end of the stream. An error of class [errors.ErrUnsupported] where the kind of
// connection has no half close.
func (c *Conn) CloseWrite() error {
	if c.tls != nil {
		return c.ioError(c.tls.CloseWrite())
	}
	h, ok := c.sock.Conn.(interface{ CloseWrite() error })
	if !ok {
		return protocols.Unsupported(c.d.proto, "", "this kind of connection cannot be closed for writing only")
	}
	return h.CloseWrite()
}

// NetConn returns the connection below TLS, counters and deadlines. Reading or
// writing it goes behind their back.
func (c *Conn) NetConn() net.Conn { return c.sock.Conn }

// SyscallConn returns access to socket options. What it returns is not taken by
// the standard library for a fast copy, which would go behind TLS and deadlines;
// [Conn.WriteTo] and [Conn.ReadFrom] are the fast copies.
func (c *Conn) SyscallConn() (syscall.RawConn, error) {
	s, ok := c.sock.Conn.(syscall.Conn)
	if !ok {
		return nil, protocols.Unsupported(c.d.proto, "", "this kind of connection is no socket")
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return nil, err
	}
	return struct{ syscall.RawConn }{raw}, nil
}

// LocalAddr returns the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.sock.LocalAddr() }

// RemoteAddr returns the address of the peer: of the proxy, where there is one.
func (c *Conn) RemoteAddr() net.Addr { return c.sock.RemoteAddr() }

// SetDeadline sets both deadlines; the idle time goes on beside them.
func (c *Conn) SetDeadline(t time.Time) error { return c.sock.SetDeadline(t) }

// SetReadDeadline sets the deadline of reads; zero takes it away.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.sock.SetReadDeadline(t) }

// SetWriteDeadline sets the deadline of writes; zero takes it away.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.sock.SetWriteDeadline(t) }
