package socket

import (
	"context"
	"io"
	"time"

	"github.com/netclients/netclients/protocols/expect"
)

// JoinOptions are for [Conn.Join]. Nil is all defaults.
type JoinOptions struct {
	// KeepOpen: the end of in is not told to the peer, who may then go on
	// without an end.
	KeepOpen bool
	// HalfClose: the end of in is told to the peer also under TLS, where many servers
	// take it for the end of both directions.
	HalfClose bool
	// Idle ends the talk when no byte has moved in either direction for that
	// long. It wants a client whose Options.Stats are its own. 0: no limit.
	Idle time.Duration
}

// Join copies in to the peer and the peer to out, at the same time, until the
// peer ends its stream. At the end of in it closes the stream for writing, so
// that the peer sees the end and can still answer, but not under TLS, as
// [expect.EndInput] says. Files, pipes and plain
// sockets are copied by the kernel where it can. A read of in that is under way
// at the end is left behind; to end it too, the caller closes in.
func (c *Conn) Join(ctx context.Context, in io.Reader, out io.Writer, o *JoinOptions) error {
	if o == nil {
		o = &JoinOptions{}
	}
	done := c.Use(ctx)
	defer done()
	if o.Idle > 0 && c.stats != nil {
		stop := c.watch(o.Idle)
		defer stop()
	}
	sent := make(chan error, 1)
	go func() { sent <- c.feed(in, o) }()
	_, err := io.Copy(out, c)
	if err != nil {
		return brokenOff(err)
	}
	return expect.Rest(sent, c.written)
}

func (c *Conn) written() int64 {
	if c.stats == nil {
		return 0
	}
	return c.stats.Written.Load()
}

// Join copies in to the peer and the peer to out, as [Conn.Join] does.
func (p *Peer) Join(in io.Reader, out io.Writer, keepOpen bool) error {
	sent := make(chan error, 1)
	go func() {
		_, err := io.Copy(p, in)
		if err == nil && !keepOpen {
			err = p.CloseWrite()
		}
		sent <- err
	}()
	var from io.Reader = p
	if !p.watched {
		from = p.Conn // which the kernel can copy from
	}
	n, err := io.Copy(out, from)
	if !p.watched {
		p.read.Add(n)
	}
	if err != nil {
		return err
	}
	return expect.Rest(sent, p.written.Load)
}

// feed sends all of in, and its end. A connection that has no half close is
// left open: the peer has to know the end by other means.
func (c *Conn) feed(in io.Reader, o *JoinOptions) error {
	// Not io.Copy: it would ask in first, and a file hides what it is from then on.
	if _, err := c.ReadFrom(in); err != nil || o.KeepOpen {
		return err
	}
	return expect.EndInput(c, o.HalfClose)
}

// watch cuts the connection when nothing has moved for a while; stop ends it.
func (c *Conn) watch(idle time.Duration) (stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	watched, quit := context.WithCancel(context.Background())
	done, ended := c.Use(ctx), make(chan struct{})
	go func() {
		defer close(ended)
		if err := expect.Silence(watched, idle, func() int64 { return c.stats.Read.Load() + c.stats.Written.Load() }); err != nil {
			cancel(err)
		}
	}()
	return func() {
		quit()
		<-ended
		done()
		cancel(nil)
	}
}
