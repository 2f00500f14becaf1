package protocols

import (
	"context"
	"io/fs"
	"path"
)

// Statter describes one entry without its content.
type Statter interface {
	Stat(ctx context.Context, name string) (Entry, error)
}

// Stat describes name. A client that is no [Statter] but a [Lister] is asked for
// the listing that holds it.
func Stat(ctx context.Context, c Client, name string) (Entry, error) {
	if s, ok := As[Statter](c); ok {
		return s.Stat(ctx, name)
	}
	l, err := need[Lister](c, "stat")
	if err != nil {
		return Entry{}, err
	}
	dir, base := path.Split(name)
	for e, err := range l.List(ctx, dir) {
		if err != nil {
			return Entry{}, err
		}
		if e.Name == base {
			return e, nil
		}
	}
	return Entry{}, &Error{Op: "stat", Kind: KindRefused, Sentinel: fs.ErrNotExist, Text: "no such entry in the listing"}
}
