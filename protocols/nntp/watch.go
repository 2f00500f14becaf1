package nntp

import (
	"context"
	"iter"
	"time"

	"github.com/netclients/netclients/protocols"
)

// defaultPoll is the interval of Watch.
const defaultPoll = 30 * time.Second

// Watch returns the articles that arrive in a group from now on, until the context
// ends. It polls every Settings.Poll and leaves the client free in between.
func (c *Client) Watch(ctx context.Context, name string) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		g, err := c.Group(ctx, name)
		if err != nil {
			yield(protocols.Entry{}, err)
			return
		}
		poll := c.Settings.Poll
		if poll <= 0 {
			poll = defaultPoll
		}
		tick := time.NewTicker(poll)
		defer tick.Stop()
		for seen := g.High; ; {
			select {
			case <-tick.C:
			case <-ctx.Done():
				yield(protocols.Entry{}, c.wrap(context.Cause(ctx), "watch", name))
				return
			}
			var more bool
			if seen, more = newSince(ctx, c, name, seen, yield); !more {
				return
			}
		}
	}
}

// newSince yields the articles after number seen and returns the last number.
func newSince(ctx context.Context, c *Client, name string, seen int64, yield func(protocols.Entry, error) bool) (int64, bool) {
	g, err := c.Group(ctx, name)
	if err != nil {
		yield(protocols.Entry{}, err)
		return seen, false
	}
	if g.High <= seen {
		return g.High, true // a renumbered group starts again
	}
	for e, err := range c.Overview(ctx, name+"/"+span(seen+1, g.High)) {
		if protocols.KindOf(err) == protocols.KindRefused {
			break // cancelled or expired in the meantime
		}
		if !yield(e, err) || err != nil {
			return seen, false
		}
	}
	return g.High, true
}
