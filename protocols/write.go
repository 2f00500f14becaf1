package protocols

import (
	"context"
	"io"
	"io/fs"
	"iter"
	"time"
)

// PutOptions says how to store. Nil means: replace, from the start.
type PutOptions struct {
	Offset   int64       // resume: the server has this many bytes, the reader has the rest
	Append   bool        // add to the end of what is there
	Unique   bool        // the server chooses a name that is free
	InPlace  bool        // write under the final name at once, without a temporary one
	Size     int64       // bytes of the reader; 0 or SizeUnknown when not known
	Modified time.Time   // modification time to set, when not zero
	Mode     fs.FileMode // permission bits to set, when HasMode
	HasMode  bool
	Flags    []string // of a message

	// TempName returns the name under which an upload to name is stored until it is
	// complete, in the same folder, where the adapter uses one; nil: name and [PartSuffix].
	TempName func(name string) string
	// RemovePartial: what an upload that failed has left under that name is removed, as
	// far as the server can still be reached. Else it stays, to go on from.
	RemovePartial bool
}

// Temporary returns the name for what is not complete yet. A nil o has the default.
func (o *PutOptions) Temporary(name string) string {
	if o != nil && o.TempName != nil {
		return o.TempName(name)
	}
	return name + PartSuffix
}

// Putter stores under a name. The entry has the name that the server chose and
// how much is there now. A reader that fails leaves nothing under the final name.
type Putter interface {
	Put(ctx context.Context, name string, r io.Reader, o *PutOptions) (Entry, error)
}

// PartSuffix ends the temporary name of an upload that is under way; a later
// upload of the same name goes on from it, or replaces it.
const PartSuffix = ".ncpart"

// Put stores r under name with a client that is a [Putter].
func Put(ctx context.Context, c Client, name string, r io.Reader, o *PutOptions) (e Entry, err error) {
	p, err := need[Putter](c, "put")
	if err != nil {
		return Entry{}, err
	}
	err = during(ctx, c, "put", name, func(ctx context.Context) error {
		e, err = p.Put(ctx, name, r, o)
		return err
	})
	return e, err
}

// Remover deletes a file or message; folders are the [Maker]'s.
type Remover interface {
	Remove(ctx context.Context, name string) error
}

// Remove deletes name with a client that is a [Remover].
func Remove(ctx context.Context, c Client, name string) error {
	r, err := need[Remover](c, "rm")
	if err != nil {
		return err
	}
	return during(ctx, c, "rm", name, func(ctx context.Context) error { return r.Remove(ctx, name) })
}

// BulkRemover deletes many messages on one connection, pipelined.
//
// each is called once for every name that was asked for, with nil or with that
// message's own error, and may be nil; its error stops the work. When BulkRemove
// itself returns nil, the deletions reported with nil are final at the server, a
// session that has to end well for that (POP3's QUIT) included. With an error
// nothing is known of any of them.
type BulkRemover interface {
	BulkRemove(ctx context.Context, names iter.Seq[string], each func(name string, err error) error) error
}

// BulkRemove deletes many messages with a client that is a [BulkRemover], or one
// after the other with a [Remover].
func BulkRemove(ctx context.Context, c Client, names iter.Seq[string], each func(name string, err error) error) error {
	if each == nil {
		each = func(string, error) error { return nil }
	}
	return during(ctx, c, "rm", "", func(ctx context.Context) error { return bulkRemove(ctx, c, names, each) })
}

func bulkRemove(ctx context.Context, c Client, names iter.Seq[string], each func(name string, err error) error) error {
	if b, ok := As[BulkRemover](c); ok {
		return b.BulkRemove(ctx, names, each)
	}
	r, ok := As[Remover](c)
	if !ok {
		return Unsupported("", "rm", "the protocol does not support deleting")
	}
	for name := range names {
		if err := each(name, r.Remove(ctx, name)); err != nil {
			return err
		}
	}
	return nil
}

// Mover renames, and moves between folders.
type Mover interface {
	Move(ctx context.Context, from, to string) error
}

// Move renames with a client that is a [Mover].
func Move(ctx context.Context, c Client, from, to string) error {
	m, err := need[Mover](c, "mv")
	if err != nil {
		return err
	}
	return during(ctx, c, "mv", from, func(ctx context.Context) error { return m.Move(ctx, from, to) })
}

// Maker makes and removes empty folders or mailboxes.
type Maker interface {
	Make(ctx context.Context, name string) error
	Unmake(ctx context.Context, name string) error
}

// Make makes the folder or mailbox name with a client that is a [Maker].
func Make(ctx context.Context, c Client, name string) error {
	m, err := need[Maker](c, "mkdir")
	if err != nil {
		return err
	}
	return during(ctx, c, "mkdir", name, func(ctx context.Context) error { return m.Make(ctx, name) })
}

// Unmake removes the empty folder or mailbox name with a client that is a [Maker].
func Unmake(ctx context.Context, c Client, name string) error {
	m, err := need[Maker](c, "rmdir")
	if err != nil {
		return err
	}
	return during(ctx, c, "rmdir", name, func(ctx context.Context) error { return m.Unmake(ctx, name) })
}

// Relayer copies an object straight from its server to another server, without
// the bytes passing through here (FTP's FXP).
type Relayer interface {
	// Relay copies name to dst's toName. The error is of class
	// errors.ErrUnsupported when the pair of servers cannot do it.
	Relay(ctx context.Context, name string, dst Client, toName string) error
}

// Relay copies between two servers with a client that is a [Relayer].
func Relay(ctx context.Context, src Client, name string, dst Client, toName string) error {
	r, err := need[Relayer](src, "cp")
	if err != nil {
		return err
	}
	return during(ctx, src, "cp", name, func(ctx context.Context) error { return r.Relay(ctx, name, dst, toName) })
}
