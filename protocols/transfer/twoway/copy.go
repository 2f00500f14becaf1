package twoway

import (
	"context"
	"iter"
	"os"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
	"github.com/netclients/netclients/protocols/transfer/internal/state"
)

// copy stores the new messages of one side on the other, and makes pairs of them.
func (r *run) copy(ctx context.Context, from, to *side) error {
	if from.fresh.N == 0 {
		return nil
	}
	path := r.pairs.Path + "-copy" // what it must know of earlier runs is in the keys of messages
	_ = os.Remove(path)
	o := &transfer.MessageOptions{Options: r.o.Options, SkipSize: r.o.SkipSize, State: path, KeysAlone: true}
	source, target := from.end, to.end
	source.Open = func() (protocols.Client, error) { return lendSource(from) }
	target.Open = func() (protocols.Client, error) { return lendTarget(to) }
	sum, err := transfer.SyncMessages(ctx, source, target, o, r.tell)
	r.sum.Done, r.sum.Skipped, r.sum.Failed, r.sum.Bytes = r.sum.Done+sum.Done, r.sum.Skipped+sum.Skipped, r.sum.Failed+sum.Failed, r.sum.Bytes+sum.Bytes
	if err != nil && protocols.KindOf(err) != protocols.KindPartial {
		return err
	}
	_ = os.Remove(path)
	return r.o.Repeat(ctx, func() error {
		err := r.pairUp(ctx, from, to)
		if err != nil {
			to.drop()
		}
		return err
	})
}

// pairUp finds the copies by the keys of their originals. A new pair has the flags with
// which its message was copied.
func (r *run) pairUp(ctx context.Context, from, to *side) error {
	var originals state.Keys
	for w, err := range from.fresh.All() {
		if err != nil {
			return err
		}
		originals.Put(w.Key, r.pairs.Number(w.Flags))
	}
	if err := to.openArchive(ctx, r.o); err != nil {
		return err
	}
	defer to.closeArchive()
	i := 0
	if from == r.sides[1] {
		i = 1
	}
	for e, err := range to.archive.Keys(ctx) {
		if err != nil {
			return err
		}
		key, ok := state.ParseKey(e.ID)
		original := originals.Get(key)
		if !ok || original == nil || e.MessageInfo == nil {
			continue
		}
		var keys [2]state.Key
		keys[i], keys[1-i] = key, to.key(e.UID)
		r.pairs.Put(keys, r.pairs.Text(original.Bits))
	}
	return r.pairs.Sync(r.o.Durability)
}

// lent is a client of a side that another sync uses for a while: closing it leaves it to
// the side.
type lent struct{ protocols.Client }

func (lent) Close() error { return nil }

// Unwrap returns the client itself.
func (l lent) Unwrap() protocols.Client { return l.Client }

func lendTarget(s *side) (protocols.Client, error) {
	c, err := s.get()
	return lent{c}, err
}

// fresh is a side as the source of its new messages alone.
type fresh struct {
	protocols.Client
	s      *side
	source mirror
	failed bool
}

func lendSource(s *side) (protocols.Client, error) {
	source, err := s.mirror()
	if err != nil {
		return nil, err
	}
	return &fresh{Client: s.client, s: s, source: source}, nil
}

// Close leaves the client to its side, unless it has failed.
func (f *fresh) Close() error {
	if f.failed {
		f.s.drop()
	}
	return nil
}

// OpenMailbox returns the mailbox as it was listed, with its new messages.
func (f *fresh) OpenMailbox(context.Context, string) (*protocols.Mailbox, error) {
	box := *f.s.box
	box.State, box.Complete = "", false
	box.Changes = func(context.Context, string) iter.Seq2[protocols.Entry, error] {
		return func(yield func(protocols.Entry, error) bool) {
			for w, err := range f.s.fresh.All() {
				if err != nil {
					yield(protocols.Entry{}, err)
					return
				}
				if !yield(*w.Entry(), nil) {
					return
				}
			}
		}
	}
	return &box, nil
}

// BulkGet reads messages.
func (f *fresh) BulkGet(ctx context.Context, names iter.Seq[string], each func(string, *protocols.Object, error) error) error {
	err := f.source.BulkGet(ctx, names, each)
	f.failed = f.failed || err != nil
	return err
}

// Stat describes a message.
func (f *fresh) Stat(ctx context.Context, name string) (protocols.Entry, error) {
	return protocols.Stat(ctx, f.Client, name)
}
