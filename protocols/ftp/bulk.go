package ftp

import (
	"context"
	"iter"

	"github.com/netclients/netclients/protocols"
)

// BulkGet reads many files on one session, each with its commands in one flight.
// The next flight goes out as soon as the data of a file has ended, ahead of the
// reply that confirms it. Nothing is sent while data flows: some servers take
// that for an attempt to abort.
func (c *Client) BulkGet(ctx context.Context, names iter.Seq[string], each func(string, *protocols.Object, error) error) error {
	ctx, leave, err := c.line.Enter(ctx)
	if err != nil {
		return c.line.Wrap(err, "get", "")
	}
	defer leave()
	for name := range names {
		if err := c.bulkOne(ctx, name, each); err != nil {
			return c.line.Wrap(err, "get", name)
		}
	}
	return nil
}

// bulkOne reads one file. Its error ends the whole: the caller's, or that of a
// connection that is lost.
func (c *Client) bulkOne(ctx context.Context, name string, each func(string, *protocols.Object, error) error) error {
	if err := checkName(name); err != nil {
		return each(name, nil, c.line.Wrap(err, "get", name))
	}
	freed := false
	o, err := c.get(ctx, name, &protocols.GetOptions{}, func() { freed = true })
	if err != nil {
		if !c.line.Held() {
			return err // the connection is lost
		}
		return each(name, nil, c.line.Wrap(err, "get", name))
	}
	err = each(name, o, nil)
	if !freed {
		o.Body.Close()
	}
	return err
}
