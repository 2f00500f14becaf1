package nntp

import (
	"context"
	"iter"
	"time"

	"github.com/netclients/netclients/protocols"
)

// defaultPoll is how often Watch looks.
const defaultPoll = 30 * time.Second

// Watch returns the articles that come to a group from now on, until the context
// ends: it asks every Settings.Poll, and is not busy in between.
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
			if seen, more = c.look(ctx, name, seen, yield); !more {
				return
			}
		}
	}
}

// look returns what has come behind the article seen last.
func (c *Client) look(ctx context.Context, name string, seen int64, yield func(protocols.Entry, error) bool) (int64, bool) {
	g, err := c.Group(ctx, name)
	if err != nil {
		yield(protocols.Entry{}, err)
		return seen, false
	}
	if g.High <= seen {
		return g.High, true // a server that was renumbered starts anew
	}
	for e, err := range c.Overview(ctx, name+"/"+span(seen+1, g.High)) {
		if protocols.KindOf(err) == protocols.KindRefused {
			break // cancelled meanwhile
		}
		if !yield(e, err) || err != nil {
			return seen, false
		}
	}
	return g.High, true
}
