package nntp

import (
	"context"
	"errors"
	"io/fs"

	"github.com/netclients/netclients/protocols"
)

// fill looks for an article that the server has not at the servers of Fill, one
// after the other, by its message-id. Without success it gives back the error.
func (c *Client) fill(ctx context.Context, t target, part Part, missing error) (*protocols.Object, error) {
	if len(c.Fill) == 0 || !errors.Is(missing, fs.ErrNotExist) {
		return nil, missing
	}
	id := t.id
	if id == "" {
		id = c.idOf(ctx, t)
	}
	if id == "" {
		return nil, missing
	}
	for _, other := range c.Fill {
		o, err := other.Part(ctx, id, part, nil)
		if err == nil {
			return o, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
	}
	return nil, missing
}

// idOf returns the message-id that an article of a group has in the overview, which
// servers keep for longer than the article; empty when it is not to be had. It
// asks on a connection of its own: on the client's answers may be under way.
func (c *Client) idOf(ctx context.Context, t target) (id string) {
	finder := c.finder.Load()
	if finder == nil {
		var err error
		if finder, err = New(c.line.URL, c.line.Opts); err != nil {
			return ""
		}
		finder.Settings = c.Settings
		c.finder.Store(finder)
	}
	if c.line.Closed() != nil {
		return "" // closed meanwhile, which the finder may have missed
	}
	for e, err := range finder.Overview(ctx, articleName(t.group, t.low)) {
		if err == nil && e.Parsed() && e.Number == t.low {
			id = e.MessageID
		}
	}
	if checkID(id) != nil {
		return ""
	}
	return id
}
