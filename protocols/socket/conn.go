package socket

import (
	"context"
	"crypto/tls"
	"io"
	"math"
	"net"
	"syscall"
	"time"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/socket/internal/wsframe"
)

// Conn is an open stream, or a UNIX socket of another type: a [net.Conn] that has the
// time limits, counters and trace of the client's options. One goroutine may read while
// another writes. Its owner closes it; until then the client is busy.
type Conn struct {
	conn    *transport.Conn
	frames  *wsframe.Stream // of a WebSocket; nil: the bytes are the content
	stats   *protocols.Stats
	release func()
}

var _ net.Conn = (*Conn)(nil)

// Ended reports of a WebSocket whether the last Read has reached the end of a message, and
// whether that is one of text.
func (c *Conn) Ended() (end, text bool) {
	if c.frames == nil {
		return false, false
	}
	return c.frames.Ended()
}

// HalfCloses reports whether the end of what is sent ends one direction only, under TLS too.
func (c *Conn) HalfCloses() bool { return c.frames != nil }

// Read reads what the peer sends; from one message where there are such. Exceeding the
// idle timeout is an error of kind timeout.
func (c *Conn) Read(p []byte) (int, error) {
	if c.frames != nil {
		return c.frames.Read(p)
	}
	return c.conn.Read(p)
}

// Write sends all of p or returns an error; as one message where there are such.
func (c *Conn) Write(p []byte) (int, error) {
	if c.frames != nil {
		return c.frames.Write(p)
	}
	return c.conn.Write(p)
}

// WriteTo copies everything received to w, until the stream ends. A plain TCP or UNIX
// connection is spliced into an os.File.
func (c *Conn) WriteTo(w io.Writer) (int64, error) { return c.WriteToN(w, math.MaxInt64) }

// WriteToN is WriteTo for at most n bytes. Like [io.LimitReader] it returns no error
// when the stream ends earlier.
func (c *Conn) WriteToN(w io.Writer, n int64) (int64, error) {
	if c.frames != nil {
		return io.Copy(w, io.LimitReader(c.frames, n))
	}
	return c.conn.WriteToN(w, n)
}

// ReadFrom sends all of r. A regular file, also inside an [io.LimitedReader], is sent with
// sendfile on a plain TCP or UNIX connection to another machine; a pipe is spliced.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	if c.frames != nil {
		return io.Copy(struct{ io.Writer }{c.frames}, r)
	}
	return c.conn.ReadFrom(r)
}

// CloseWrite tells the peer that no more will be sent: it sends TLS's close_notify, or
// the end of the stream. If the connection does not support half-close, the error is of
// class [errors.ErrUnsupported].
func (c *Conn) CloseWrite() error {
	if c.frames != nil {
		return c.frames.CloseWrite()
	}
	return c.conn.CloseWrite()
}

// goodbyeWait is how long the last frame of a WebSocket may take.
const goodbyeWait = time.Second

// Close frees the connection and the client. It may be called many times.
func (c *Conn) Close() error {
	if c.frames != nil {
		c.conn.SetWriteDeadline(time.Now().Add(goodbyeWait))
		_ = c.frames.CloseWrite() // of a conversation that is over
	}
	err := c.conn.Close()
	c.release()
	return err
}

// Use ties the I/O of the connection to ctx until done is called: cancelling ctx
// unblocks I/O at once and breaks the connection for good. Uses nest.
func (c *Conn) Use(ctx context.Context) (done func()) { return c.conn.Use(ctx) }

// StartTLS performs the client's handshake within the connect timeout, and switches
// the connection to TLS. The certificate is verified for Options.TLS.ServerName or the
// requested host. The caller must reject bytes that it read from the connection before
// and still has buffered.
func (c *Conn) StartTLS(ctx context.Context) error { return c.conn.StartTLS(ctx) }

// TLS returns the state of the TLS session, or nil if the connection is unencrypted.
func (c *Conn) TLS() *tls.ConnectionState { return c.conn.TLS() }

// AllowSecret returns an error where a secret would go unencrypted to another machine and
// the options do not permit that. Scripts ask before they send one.
func (c *Conn) AllowSecret() error { return c.conn.AllowSecret() }

// Event adds an event to the trace of the client's options. Scripts show what they send and
// receive, with secrets masked.
func (c *Conn) Event(kind protocols.EventKind, text string, n int64) { c.conn.Event(kind, text, n) }

// LocalAddr returns the local address.
func (c *Conn) LocalAddr() net.Addr { return c.conn.LocalAddr() }

// RemoteAddr returns the address of the peer, or of the proxy if there is one.
func (c *Conn) RemoteAddr() net.Addr { return c.conn.RemoteAddr() }

// SetDeadline sets both deadlines; the idle timeout stays in effect.
func (c *Conn) SetDeadline(t time.Time) error { return c.conn.SetDeadline(t) }

// SetReadDeadline sets the deadline for reads; zero removes it.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.conn.SetReadDeadline(t) }

// SetWriteDeadline sets the deadline for writes; zero removes it.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.conn.SetWriteDeadline(t) }

// NetConn returns the connection below TLS, counters and deadlines. Reading or
// writing it directly bypasses them.
func (c *Conn) NetConn() net.Conn { return c.conn.NetConn() }

// SyscallConn returns access to socket options. For fast copies there are
// [Conn.WriteTo] and [Conn.ReadFrom].
func (c *Conn) SyscallConn() (syscall.RawConn, error) { return c.conn.SyscallConn() }
