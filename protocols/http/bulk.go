package http

import (
	"context"
	"iter"

	"github.com/netclients/netclients/protocols"
)

// BulkGet reads many objects one after the other over kept connections. A body
// that each does not read to its end costs a connection.
func (c *Client) BulkGet(ctx context.Context, names iter.Seq[string], each func(string, *protocols.Object, error) error) error {
	for name := range names {
		obj, err := c.Get(ctx, name, nil)
		if err != nil && (ctx.Err() != nil || protocols.KindOf(err) == protocols.Connect) {
			return err
		}
		err = each(name, obj, err)
		if obj != nil {
			obj.Body.Close()
		}
		if err != nil {
			return err
		}
	}
	return nil
}
