package twoway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
	"github.com/netclients/netclients/protocols/transfer/internal/state"
)

// Mailboxes remembers over runs which mailboxes of two accounts both had, so that one that
// only one account has now was deleted in the other, and is not new. It is for one goroutine
// at a time.
type Mailboxes struct {
	list    *state.Boxes
	durable transfer.Durability
	dry     bool
}

// OpenMailboxes opens or makes the file that remembers. The caller closes it. In a dry run
// nothing is written.
func OpenMailboxes(ctx context.Context, path string, o *Options) (*Mailboxes, error) {
	open := state.OpenBoxes
	if o.DryRun {
		open = state.ReadBoxes
	}
	list, err := open(ctx, path)
	if err != nil {
		return nil, err
	}
	return &Mailboxes{list, o.Durability, o.DryRun}, nil
}

// Close writes what was noted and frees the file.
func (m *Mailboxes) Close() error { return m.list.Close() }

// Len returns how many pairs of mailboxes both accounts had.
func (m *Mailboxes) Len() int { return m.list.Len() }

// mailboxKey stands for a pair of mailboxes, in either order.
func mailboxKey(a, b string) state.Key { return state.HashKey(min(a, b), max(a, b)) }

// Had returns what was in the mailboxes a and b when a run last ended; ok is false when it
// is not known that both existed.
func (m *Mailboxes) Had(a, b string) (c Contents, ok bool) {
	c = Contents(m.list.Get(mailboxKey(a, b)))
	return c, c != ""
}

// Note remembers what is in the mailboxes a and b now; nothing, when they are gone.
func (m *Mailboxes) Note(a, b string, c Contents) error {
	m.list.Put(mailboxKey(a, b), string(c))
	if m.dry {
		return nil
	}
	return m.list.Sync(m.durable)
}

// Contents says what two mailboxes held at the end of a [Sync].
type Contents string

// contents returns what is in both mailboxes: for each side which mailbox it is, and a sum
// of the keys of all its messages.
func (r *run) contents() Contents {
	var sums [2]state.Key
	for pair := range r.pairs.All() {
		for i, key := range pair.Keys {
			addKey(&sums[i], key)
		}
	}
	var parts []string
	for i, s := range r.sides {
		parts = append(parts, s.identity(), sums[i].String())
	}
	return Contents(strings.Join(parts, " "))
}

func addKey(sum *state.Key, key state.Key) {
	for i, b := range key {
		sum[i] ^= b
	}
}

// holds reports whether a mailbox is one of the two, with the same messages, or none.
func (c Contents) holds(identity string, sum state.Key, n int) bool {
	parts := strings.Fields(string(c))
	for i := 0; i+1 < len(parts); i += 2 {
		if parts[i] == identity && (n == 0 || parts[i+1] == sum.String()) {
			return true
		}
	}
	return false
}

// Remove deletes a mailbox that was deleted on the other side. had is what both sides held
// when they were last the same. When the mailbox holds anything else now the error has class
// [protocols.ErrChanged]: it is to come back on the other side.
//
// Its messages count as deleted: when they are more than the options allow, nothing is
// done, and the error is of kind Refused. Without a limit in the options only an empty
// mailbox is deleted.
func Remove(ctx context.Context, end transfer.Endpoint, had Contents, o *Options, each func(transfer.Result)) (transfer.Summary, error) {
	r := &run{o: o, tell: each, protocol: end.Protocol}
	s := newSide(end)
	defer s.close()
	err := o.Repeat(ctx, func() error { return r.removeAll(ctx, s, had) })
	return r.sum, protocols.Wrap(err, r.protocol, "sync", end.URL)
}

func (r *run) removeAll(ctx context.Context, s *side, had Contents) error {
	s.drop() // after a failure
	list := &state.List{}
	defer list.Close()
	if err := r.agree(ctx, s, had, list); err != nil {
		return err
	}
	limit := r.o.MaxDelete
	if n := list.N; limit >= 0 && n > limit {
		return &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrIncomplete,
			Text: fmt.Sprintf("%s was deleted on the other side: %d messages would be deleted with it; nothing was changed", s.end.URL, n), Hint: "--max-delete says how many may be"}
	}
	if !r.o.DryRun {
		if err := unmake(ctx, s, list); err != nil {
			return err
		}
	}
	err := each(list, func(w *state.Wanted) { r.emit(r.result(s, w, transfer.StatusDeleted, nil)) })
	r.emit(transfer.Result{Protocol: s.end.Protocol, Destination: s.end.URL, Name: s.end.Name, Status: transfer.StatusDeleted, Note: "mailbox, which was deleted on the other side"})
	return err
}

// agree lists the messages of a mailbox, which must be those that both sides had.
func (r *run) agree(ctx context.Context, s *side, had Contents, list *state.List) error {
	source, err := s.mirror()
	if err != nil {
		return err
	}
	if s.box, err = source.OpenMailbox(ctx, s.end.Name); err != nil {
		return err
	}
	var sum state.Key
	for e, err := range s.box.Changes(ctx, "") {
		if err != nil {
			return err
		}
		if e.Type == protocols.TypeGone {
			continue
		}
		w := state.NewWanted(&e, s.key(e.ID))
		addKey(&sum, w.Key)
		if err := list.Add(w); err != nil {
			return err
		}
	}
	if !s.box.Complete || !had.holds(s.identity(), sum, list.N) {
		return changed(nil)
	}
	return nil
}

// unmake deletes the messages, and then the mailbox, which must be empty: what has come in
// between stays.
func unmake(ctx context.Context, s *side, list *state.List) error {
	maker, ok := protocols.As[protocols.Maker](s.client)
	if !ok {
		return protocols.Unsupported(s.end.Protocol, "sync", "mailboxes cannot be deleted there")
	}
	var bad error // of the list
	err := protocols.BulkRemove(ctx, s.client, func(yield func(string) bool) {
		for w, err := range list.All() {
			if bad = err; err != nil || !yield(w.Path) {
				return
			}
		}
	}, func(_ string, err error) error {
		if gone(err) {
			return nil
		}
		return err
	})
	if err = cmp.Or(err, bad); err != nil {
		return err
	}
	err = maker.Unmake(ctx, s.end.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case protocols.KindOf(err) == protocols.KindRefused: // mail has come, or there are mailboxes below it
		return changed(err)
	}
	return err
}

// changed is the error for a mailbox that is to come back on the other side.
func changed(err error) error {
	return &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrChanged, Err: err, Text: "the mailbox was deleted on the other side, but has changed here: it comes back"}
}
