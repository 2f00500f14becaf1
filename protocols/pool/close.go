package pool

import (
	"context"
	"slices"
	"time"

	"github.com/netclients/netclients/protocols"
)

// wind sets the timer for the client that was idle for the longest time. The caller
// holds the lock.
func (p *Pool) wind() {
	if p.c.IdleFor < 0 || len(p.idle) == 0 || p.closed {
		return
	}
	in := time.Until(p.idle[0].since.Add(p.c.IdleFor))
	if p.timer == nil {
		p.timer = time.AfterFunc(in, p.expire)
	} else {
		p.timer.Reset(in)
	}
}

// expire closes the clients that were idle for long enough.
func (p *Pool) expire() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closers.Add(1) // before Close can wait
	defer p.closers.Done()
	n := 0
	for n < len(p.idle) && time.Since(p.idle[n].since) >= p.c.IdleFor {
		n++
	}
	old := slices.Clone(p.idle[:n])
	p.idle = slices.Delete(p.idle, 0, n)
	p.wind()
	for _, r := range old {
		p.forget(r.c)
	}
	p.mu.Unlock()
	for _, r := range old {
		_ = r.c.Close() // nobody waits for it
	}
}

// Shutdown closes the pool when all clients have come back: from now on Get fails, and
// those that wait for a client still get one. When ctx ends earlier, the error is its
// cause, and what goes on is cut off, as by Close.
func (p *Pool) Shutdown(ctx context.Context) error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return p.Close()
	}
	p.refuses = true
	empty := make(chan struct{})
	p.empty = empty
	p.admit()
	p.mu.Unlock()
	var err error
	select {
	case <-empty:
	case <-ctx.Done():
		err = protocols.Wrap(context.Cause(ctx), "", "close", "")
	}
	_ = p.Close() // always nil
	return err
}

// Close closes all clients, those that are lent too: their operations end at once with
// [protocols.ErrClosed], and so do those that wait. It always returns nil, and may be
// called more than once. Clients that are lent are still returned, by Put or Drop.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.refuses, p.closed = true, true
	select {
	case <-p.done:
	default:
		close(p.done)
	}
	if p.timer != nil {
		p.timer.Stop()
	}
	var all []protocols.Client
	for _, r := range p.idle {
		all = append(all, r.c)
	}
	p.idle = nil
	for c := range p.lent {
		all = append(all, c)
	}
	clear(p.used)
	p.mu.Unlock()
	for _, c := range all {
		p.closers.Go(func() { _ = c.Close() }) // there is nobody to tell
	}
	p.closers.Wait()
	return nil
}
