package socket

import (
	"context"
	"io"
	"time"

	"github.com/netclients/netclients/protocols"
)

// JoinOptions are for [Conn.Join]. Nil is all defaults.
type JoinOptions struct {
	// KeepOpen: the end of in is not told to the peer, who may then go on
	// without an end.
	KeepOpen bool
	// Idle ends the talk when no byte has moved in either direction for that
	// long. It wants a client whose Options.Stats are its own. 0: no limit.
	Idle time.Duration
}

// Join copies in to the peer and the peer to out, at the same time, until the
// peer ends its stream. At the end of in it closes the stream for writing, so
// that the peer sees the end and can still answer. Files, pipes and plain
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
	go func() { sent <- c.feed(in, o.KeepOpen) }()
	_, err := io.Copy(out, c)
	if err != nil {
		return brokenOff(err)
	}
	return rest(sent, c.written)
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
	if p.idle == 0 {
		from = p.Conn // which the kernel can copy from
	}
	n, err := io.Copy(out, from)
	if p.idle == 0 {
		p.read.Add(n)
	}
	if err != nil {
		return err
	}
	return rest(sent, p.written.Load)
}

// restWait is how long, after the end of the peer's stream, input that does not
// move is waited for.
const restWait = 500 * time.Millisecond

// rest waits for the end of the input after the end of the peer's stream: a peer
// may close one direction and read on. Input that does not come, as that of a
// person at a terminal, is not waited for.
func rest(sent <-chan error, written func() int64) error {
	for last := written(); ; {
		t := time.NewTimer(restWait)
		select {
		case err := <-sent:
			t.Stop()
			return err
		case <-t.C:
		}
		now := written()
		if now == last {
			return nil
		}
		last = now
	}
}

// feed sends all of in, and its end. A connection that has no half close is
// left open: the peer has to know the end by other means.
func (c *Conn) feed(in io.Reader, keepOpen bool) error {
	// Not io.Copy: it would ask in first, and a file hides what it is from then on.
	if _, err := c.ReadFrom(in); err != nil || keepOpen {
		return err
	}
	err := c.CloseWrite()
	if protocols.KindOf(err) == protocols.Usage {
		return nil
	}
	return err
}

// watch cuts the connection when nothing has moved for a while; stop ends it.
func (c *Conn) watch(idle time.Duration) (stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	done := c.Use(ctx)
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		if c.still(idle, quit) {
			cancel(&protocols.Error{Kind: protocols.Timeout, Text: "no byte moved for " + idle.String()})
		}
	}()
	return func() {
		close(quit)
		<-ended
		done()
		cancel(nil)
	}
}

// still waits for a silence, or for the end of the talk.
func (c *Conn) still(idle time.Duration, quit <-chan struct{}) bool {
	t := time.NewTicker(max(idle/8, time.Millisecond))
	defer t.Stop()
	last, since := int64(-1), time.Now()
	for {
		select {
		case <-quit:
			return false
		case <-t.C:
		}
		if now := c.stats.Read.Load() + c.stats.Written.Load(); now != last {
			last, since = now, time.Now()
		} else if time.Since(since) >= idle {
			return true
		}
	}
}
