// Package adopt recognises the messages of a mailbox that an archive holds under no key:
// those of a restored backup, or what another program has stored. They are known by their
// content.
package adopt

import (
	"context"
	"errors"
	"io/fs"
	"iter"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer/internal/content"
	"github.com/netclients/netclients/protocols/transfer/internal/state"
)

// Finder finds copies of new messages in an archive. It keeps about a hundred bytes of a
// message in memory. Find may be called again after a failure: what was read is not read
// again.
type Finder struct {
	texts  *state.Messages // numbers the flags
	reader *content.Reader
	listed bool
	list   state.List // of what the archive holds under no key
	sizes  [2]meaning // those that the source and the archive announce

	copies []found
	first  state.Keys    // by digest: the number of a copy
	there  content.Sizes // of the copies
	read   state.Keys    // messages of either side that need not be read again
	same   state.Keys    // new messages: the number of their copy

	Read    int // messages, of both sides
	suspect *state.Key
	failed  map[state.Key]int  // how often the connection was lost at a message
	skipped map[state.Key]bool // messages at which that was too often
}

// found is a message of the archive.
type found struct {
	id    state.Key
	flags uint32
	next  int32 // number of another one of the same content, or -1
}

// Copy is a message of an archive that has no key there.
type Copy struct {
	ID    state.Key // hash of its id; zero where ids do not last
	Flags string
}

// Mailbox is a side that messages can be read from.
type Mailbox struct {
	protocols.MessageSource
	Box     *protocols.Mailbox
	lasting bool // ids are those of the message, not of its place in a file
}

func (m *Mailbox) local() bool { return m.Box.Account == protocols.AccountLocal }

// meaning says what the sizes are worth that a side announces.
type meaning byte

const (
	unknown   meaning = iota
	exact             // they are those of the content
	estimates         // they say nothing: of local files, which are read fast, or of servers that estimate them
)

// NewFinder returns a Finder whose long lists lie in dir; empty is that of the system.
func NewFinder(st *state.Messages, dir string) *Finder {
	return &Finder{texts: st, reader: content.New(), list: state.List{Dir: dir}, there: content.Sizes{}, failed: map[state.Key]int{}, skipped: map[state.Key]bool{}}
}

// Close frees what the Finder has.
func (f *Finder) Close() {
	if f != nil {
		f.list.Close()
	}
}

// N returns how many messages were found.
func (f *Finder) N() int {
	if f == nil {
		return 0
	}
	return f.same.N
}

// Copy returns the copy of a new message.
func (f *Finder) Copy(key state.Key) (c Copy, ok bool) {
	if f == nil {
		return c, false
	}
	e := f.same.Get(key)
	if e == nil {
		return c, false
	}
	copy := f.copies[e.Bits]
	return Copy{copy.id, f.texts.Text(copy.flags)}, true
}

// messages is a list of them.
type messages = iter.Seq2[*state.Wanted, error]

// Find looks for the new messages of a mailbox in the archive name of the client to. Each
// copy stands for one of them. ours has the hashes of the ids of the messages there that
// have a key: they are copies of something else.
func (f *Finder) Find(ctx context.Context, from Mailbox, fresh messages, to protocols.Client, name string, ours *state.Keys) error {
	archive, err := Open(ctx, to, name)
	if err != nil || archive == nil {
		return err
	}
	if err := f.listThere(ctx, archive, ours); err != nil || f.list.N == 0 {
		return err
	}
	if f.sizes[0], err = f.judge(ctx, &from, fresh, f.sizes[0]); err != nil {
		return err
	}
	if f.sizes[1], err = f.judge(ctx, archive, f.list.All(), f.sizes[1]); err != nil {
		return err
	}
	wanted, err := f.wanted(ctx, &from, fresh)
	if err != nil {
		return err
	}
	if err := f.readAll(ctx, archive, only(f.list.All(), wanted), f.offer); err != nil {
		return err
	}
	return f.readAll(ctx, &from, only(fresh, f.mayBeThere), f.claim)
}

// Open opens the archive name as a mailbox to read from; nil when it is not made yet, or
// cannot be read so.
func Open(ctx context.Context, c protocols.Client, name string) (*Mailbox, error) {
	source, ok := protocols.As[protocols.MessageSource](c)
	if !ok {
		return nil, nil
	}
	box, err := source.OpenMailbox(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	_, lasting := protocols.As[protocols.BulkFlagger](c)
	return &Mailbox{source, box, lasting}, err
}

// id returns what a copy is known by, over runs.
func (m *Mailbox) id(id string) state.Key {
	if !m.lasting {
		return state.Key{}
	}
	return state.KeyOf(m.Box, id)
}

// listThere lists what the archive holds under no key, once.
func (f *Finder) listThere(ctx context.Context, archive *Mailbox, ours *state.Keys) error {
	if f.listed {
		return nil
	}
	f.list.Close()
	for e, err := range archive.Box.Changes(ctx, "") {
		if err != nil {
			return err
		}
		if e.Type == protocols.TypeGone || e.ID == "" || ours.Get(state.HashKey(e.ID)) != nil {
			continue
		}
		if err := f.list.Add(state.NewWanted(&e, state.HashKey("archive", e.ID))); err != nil {
			return err
		}
	}
	f.listed = true
	return nil
}

// sampled is how many messages show whether a server announces the sizes of their content.
const sampled = 4

// judge finds out what the sizes are worth that a side announces, if it is not known yet.
func (f *Finder) judge(ctx context.Context, m *Mailbox, list messages, known meaning) (meaning, error) {
	if m.local() {
		return estimates, nil
	}
	if known != unknown {
		return known, nil
	}
	n, result := 0, exact
	some := only(list, func(w *state.Wanted) bool { n++; return n <= sampled && w.Size >= 0 })
	err := f.digest(ctx, m, some, func(w *state.Wanted, sum content.Sum) {
		if !sum.Exact(w.Size) {
			result = estimates
		}
	})
	return result, err
}

// wanted returns which messages of the archive must be read: where both sides announce
// sizes, those of the size of a new message. Local messages are read for their sizes.
func (f *Finder) wanted(ctx context.Context, from *Mailbox, fresh messages) (func(*state.Wanted) bool, error) {
	sizes := content.Sizes{}
	switch {
	case f.sizes[1] == exact && from.local():
		err := f.digest(ctx, from, fresh, func(_ *state.Wanted, sum content.Sum) { sizes.Add(sum) })
		if err != nil {
			return nil, err
		}
	case f.sizes[1] == exact && f.sizes[0] == exact:
		for w, err := range fresh {
			if err != nil {
				return nil, err
			}
			if w.Size < 0 {
				return all, nil
			}
			sizes.Announced(w.Size)
		}
	default:
		return all, nil
	}
	return func(w *state.Wanted) bool { return w.Size < 0 || sizes.Has(w.Size) }, nil
}

func all(*state.Wanted) bool { return true }

// mayBeThere reports whether a new message must be read: the archive may have it.
func (f *Finder) mayBeThere(w *state.Wanted) bool {
	return len(f.there) > 0 && (w.Size < 0 || f.sizes[0] != exact || f.there.Has(w.Size))
}

// offer notes a message of the archive.
func (f *Finder) offer(m *Mailbox, w *state.Wanted, sum content.Sum) {
	c := found{id: m.id(w.ID()), flags: f.texts.Number(w.Flags), next: -1}
	digest := state.Key(sum.Digest)
	if e := f.first.Get(digest); e != nil {
		c.next = int32(e.Bits)
	}
	f.first.Put(digest, uint32(len(f.copies)))
	f.copies = append(f.copies, c)
	f.there.Add(sum)
}

// claim takes a copy of a new message, if there is one that stands for no other.
func (f *Finder) claim(_ *Mailbox, w *state.Wanted, sum content.Sum) {
	digest := state.Key(sum.Digest)
	e := f.first.Get(digest)
	if e == nil {
		return
	}
	n := e.Bits
	if next := f.copies[n].next; next >= 0 {
		e.Bits = uint32(next)
	} else {
		f.first.Drop(digest)
	}
	f.same.Put(w.Key, n)
}

// only returns the messages of a list that are meant.
func only(list messages, meant func(*state.Wanted) bool) messages {
	return func(yield func(*state.Wanted, error) bool) {
		for w, err := range list {
			if (err != nil || meant(w)) && !yield(w, err) {
				return
			}
		}
	}
}
