package pool

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/netclients/netclients/protocols"
)

// A place is the right to have a client. Goroutines get places in the order in which
// they asked.

// place takes a place, and waits for it.
func (p *Pool) place(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	p.mu.Lock()
	if p.refuses {
		p.mu.Unlock()
		return closedPool()
	}
	p.regrow()
	if len(p.waiters) == 0 && p.stats.InUse < p.stats.Limit {
		p.stats.InUse++
		p.mu.Unlock()
		return nil
	}
	turn, since := make(chan struct{}), time.Now()
	p.waiters = append(p.waiters, turn)
	p.stats.Waited++
	p.mu.Unlock()
	return p.wait(ctx, turn, since)
}

func (p *Pool) wait(ctx context.Context, turn chan struct{}, since time.Time) (err error) {
	select {
	case <-turn:
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-p.done:
		err = closedPool()
	}
	p.mu.Lock()
	p.stats.WaitTime += time.Since(since)
	i := slices.Index(p.waiters, turn)
	if i >= 0 {
		p.waiters = slices.Delete(p.waiters, i, i+1)
	}
	p.mu.Unlock()
	if err != nil && i < 0 { // the place came at the same time
		p.leave()
	}
	return err
}

// leave frees a place for the next.
func (p *Pool) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.InUse--
	p.admit()
}

// admit assigns the free places to those that wait. The caller holds the lock.
func (p *Pool) admit() {
	for len(p.waiters) > 0 && p.stats.InUse < p.stats.Limit {
		p.stats.InUse++
		close(p.waiters[0])
		p.waiters = p.waiters[1:]
	}
	if p.empty != nil && p.stats.InUse == 0 {
		close(p.empty)
		p.empty = nil
	}
}

// takeIdle lends the client that was idle for the shortest time, or returns nil when
// one is to be opened.
func (p *Pool) takeIdle() protocols.Client {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 || p.closed {
		p.opening++
		return nil
	}
	c := p.idle[n-1].c
	p.idle = p.idle[:n-1]
	p.lent[c] = true
	p.stats.Reused++
	return c
}

// lend registers a client that was opened for a place, unless that failed with err.
func (p *Pool) lend(c protocols.Client, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opening--
	if err != nil {
		return err
	}
	if !reflect.TypeOf(c).Comparable() {
		_ = c.Close() // nothing was done with it
		return &protocols.Error{Kind: protocols.KindUsage, Text: fmt.Sprintf("a pool cannot lend a %T, which cannot be compared: use a pointer", c)}
	}
	if p.closed {
		_ = c.Close() // nothing was done with it
		return closedPool()
	}
	p.lent[c] = true
	p.stats.Opened++
	return nil
}

// giveBack makes a client idle, unless there are enough.
func (p *Pool) giveBack(c protocols.Client, used bool) {
	p.mu.Lock()
	if p.isIdle(c) { // returned twice
		p.mu.Unlock()
		return
	}
	was := p.lent[c]
	if used {
		p.used[c] = true
	}
	others := p.clients()
	if _, ok := p.lent[c]; ok {
		others--
	}
	keep := !p.closed && len(p.idle) < p.c.MaxIdle && others < p.stats.Limit
	if keep {
		delete(p.lent, c)
		p.idle = append(p.idle, resting{c, time.Now()})
		p.wind()
	} else if was {
		p.closing(c)
	}
	p.mu.Unlock()
	switch {
	case !keep:
		p.end(c, was)
	case was:
		p.leave()
	}
}

// closing marks a client that is lent as one that is being closed: it counts as a client
// until that is done. The caller holds the lock.
func (p *Pool) closing(c protocols.Client) {
	if _, ok := p.lent[c]; ok {
		p.lent[c] = false
	}
}

// clients returns how many clients there are. The caller holds the lock.
func (p *Pool) clients() int { return len(p.idle) + len(p.lent) + p.opening }

// forget removes what is known of a client. The caller holds the lock.
func (p *Pool) forget(c protocols.Client) {
	delete(p.lent, c)
	delete(p.used, c)
}

func (p *Pool) isIdle(c protocols.Client) bool {
	return slices.ContainsFunc(p.idle, func(r resting) bool { return r.c == c })
}

func closedPool() error {
	return &protocols.Error{Kind: protocols.KindUsage, Sentinel: protocols.ErrClosed, Text: "the pool is closed"}
}

func (p *Pool) note(format string, args ...any) {
	if p.c.Note != nil {
		p.c.Note(fmt.Sprintf(format, args...))
	}
}
