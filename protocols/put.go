package protocols

import (
	"context"
	"io"
	"io/fs"
	"time"
)

// PutOptions says how to store. Nil means: replace, from the start.
type PutOptions struct {
	Offset   int64       // resume: the server has this many bytes, the reader gives the rest
	Append   bool        // add to the end of what is there
	Unique   bool        // the server chooses a name that is free
	InPlace  bool        // write under the final name at once, without a temporary one
	Size     int64       // bytes the reader will give; -1 or 0 when not known
	Modified time.Time   // modification time to set, when not zero
	Mode     fs.FileMode // permission bits to set, when HasMode
	HasMode  bool
	Flags    []string // of a message
}

// Putter stores under a name. The entry tells the name that the server chose and
// how much is there now. A reader that fails leaves nothing under the final name.
type Putter interface {
	Put(ctx context.Context, name string, r io.Reader, o *PutOptions) (Entry, error)
}

// PartSuffix ends the temporary name of an upload that is under way; a later
// upload of the same name goes on from it, or replaces it.
const PartSuffix = ".ncpart"

// Put stores r under name with a client that is a [Putter].
func Put(ctx context.Context, c Client, name string, r io.Reader, o *PutOptions) (Entry, error) {
	p, err := need[Putter](c, "put")
	if err != nil {
		return Entry{}, err
	}
	return p.Put(ctx, name, r, o)
}
