package protocols

import (
	"context"
	"iter"
)

// GetOptions says which part of an object to read. Nil means all of it.
type GetOptions struct {
	Offset int64  // first byte wanted, 0 or more
	Length int64  // bytes wanted; 0 means to the end
	Same   *Entry // the object must still be this one (size, time, id), else ErrChanged
}

// Getter reads one object as a stream.
type Getter interface {
	Get(ctx context.Context, name string, o *GetOptions) (*Object, error)
}

// Get opens name with a client that is a [Getter]. The caller closes the
// object's Body. The context covers reading too.
func Get(ctx context.Context, c Client, name string, o *GetOptions) (*Object, error) {
	g, err := need[Getter](c, "get")
	if err != nil {
		return nil, err
	}
	return g.Get(ctx, name, o)
}

// BulkGetter reads many objects on one connection, pipelined, in order.
//
// each is called once for every name, either with an object whose Body it reads
// (and need not close) before it returns, or with that object's own error. When
// each returns an error the work stops and that error is returned; names already
// asked for are then not reported. BulkGet's own error means that the connection
// failed: names not yet reported were not transferred.
type BulkGetter interface {
	BulkGet(ctx context.Context, names iter.Seq[string], each func(name string, o *Object, err error) error) error
}

// BulkGet reads many objects; a client that is only a [Getter] is asked for one
// after the other.
func BulkGet(ctx context.Context, c Client, names iter.Seq[string], each func(string, *Object, error) error) error {
	if b, ok := As[BulkGetter](c); ok {
		return b.BulkGet(ctx, names, each)
	}
	g, err := need[Getter](c, "get")
	if err != nil {
		return err
	}
	for name := range names {
		o, err := g.Get(ctx, name, nil)
		err = each(name, o, err)
		if o != nil {
			o.Body.Close()
		}
		if err != nil {
			return err
		}
	}
	return nil
}
