package protocols

import (
	"context"
	"iter"
)

// Lister lists the entries of a folder, menu, mailbox, group, or of the whole
// server for the empty name. Entries are streamed in the server's order.
type Lister interface {
	List(ctx context.Context, name string) iter.Seq2[Entry, error]
}

// List lists name with a client that is a [Lister].
func List(ctx context.Context, c Client, name string) iter.Seq2[Entry, error] {
	l, err := need[Lister](c, "ls")
	if err != nil {
		return func(yield func(Entry, error) bool) { yield(Entry{}, err) }
	}
	return l.List(ctx, name)
}
