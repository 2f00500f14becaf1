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
	if !errors.Is(missing, fs.ErrNotExist) || t.id == "" {
		return nil, missing
	}
	for _, other := range c.Fill {
		o, err := other.Part(ctx, t.id, part, nil)
		if err == nil {
			return o, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
	}
	return nil, missing
}
