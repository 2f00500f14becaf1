package transfer

import (
	"cmp"
	"context"
	"path/filepath"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer/internal/adopt"
	"github.com/netclients/netclients/protocols/transfer/internal/state"
)

// restored are the messages that the archive holds and the state does not know: a killed
// run stored them, the state was lost, or another program stored them, under no key.
type restored struct {
	finder  *adopt.Finder
	changes adopt.Changes // of messages under no key
	earlier int           // messages that earlier finders read
}

// The value "adopting" of a state says that messages are being recorded which are in the
// archive: a run that finds it drops them and looks for them anew. Two messages never
// stand for one so.
const (
	adopting    = "adopting"
	adoptingAll = "all"        // nothing else was known
	adoptingNew = "under none" // those without a key; others are known
)

// undo drops what a run recorded that was killed meanwhile.
func (f *restored) undo(s *messageSync) {
	switch s.state.Value(adopting) {
	case adoptingAll:
		s.state.ForgetAll()
	case adoptingNew:
		s.state.ForgetAdopted()
	}
}

// adopt records the messages that are there.
func (f *restored) adopt(ctx context.Context, s *messageSync, source protocols.MessageSource) error {
	how := s.state.Value(adopting)
	switch {
	case how != "":
	case s.state.Blank():
		how = adoptingAll
	case s.plan.remade && s.state.Adopted() > 0: // they have no key to be known by
		how = adoptingNew
	case s.state.Value("open") == "":
		return nil
	}
	if s.plan.fetch.N == 0 || s.marked {
		return nil
	}
	there, ours := &state.Keys{}, &state.Keys{}
	for e, err := range s.archive.Keys(ctx) {
		if err != nil {
			return err
		}
		key, ok := state.ParseKey(e.ID)
		if ok {
			there.Put(key, 0)
		}
		if how != "" {
			ours.Put(state.HashKey(idThere(&e)), 0)
		}
	}
	if how != "" && !s.o.KeysAlone {
		if err := f.find(ctx, s, source, there, ours); err != nil {
			return err
		}
	}
	if there.N+f.finder.N() > 0 {
		if err := f.take(s, there, how); err != nil {
			return err
		}
	}
	f.earlier = f.read()
	f.finder.Close()
	f.finder = nil
	return nil
}

// idThere returns the id under which the archive, as a source, lists a message with a key.
func idThere(e *protocols.Entry) string {
	if e.MessageInfo == nil {
		return e.ID
	}
	return cmp.Or(e.UID, e.ID)
}

// find looks for the new messages among those that have no key in the archive.
func (f *restored) find(ctx context.Context, s *messageSync, source protocols.MessageSource, there, ours *state.Keys) error {
	to, err := s.to.get()
	if err != nil {
		return err
	}
	if f.finder == nil {
		f.finder = adopt.NewFinder(s.state, s.plan.fetch.Dir)
	}
	fresh := func(yield func(*state.Wanted, error) bool) {
		for w, err := range s.plan.fetch.All() {
			if err == nil && (there.Get(w.Key) != nil || s.o.MaxSize > 0 && w.Size > s.o.MaxSize) {
				continue
			}
			if !yield(w, err) {
				return
			}
		}
	}
	return f.finder.Find(ctx, adopt.Mailbox{MessageSource: source, Box: s.mailbox}, fresh, to, s.to.end.Name, ours)
}

// take records the messages that are there, and takes them out of the new ones.
func (f *restored) take(s *messageSync, there *state.Keys, how string) error {
	if how != "" {
		s.state.Set(adopting, how)
		s.state.Set("unsynced", "yes") // it is not known how they were stored
		if err := s.save(); err != nil {
			return err
		}
	}
	kept := state.List{Dir: s.plan.fetch.Dir}
	for w, err := range s.plan.fetch.All() {
		if err == nil {
			err = f.sort(s, w, there, how, &kept)
		}
		if err != nil {
			kept.Close()
			return err
		}
	}
	s.plan.fetch.Close()
	s.plan.fetch = kept
	s.state.Set(adopting, "")
	return s.save()
}

// sort records a message that is there; others are kept.
func (f *restored) sort(s *messageSync, w *state.Wanted, there *state.Keys, how string, kept *state.List) error {
	note := "stored by an earlier run"
	copy, found := f.finder.Copy(w.Key)
	switch {
	case there.Get(w.Key) != nil && how != "":
		if err := s.plan.flags.Add(w); err != nil { // those in the archive may be older
			return err
		}
	case there.Get(w.Key) != nil:
	case found:
		note = "stored by another program"
		s.state.Adopt(w.Key, copy.ID)
		// What was done with the message there is not undone.
		if flags, more := adopt.Union(copy.Flags, w.Flags); more {
			f.changes.SetFlags(s.state, copy.ID, flags)
		}
	default:
		return kept.Add(w)
	}
	s.state.Add(w.Key, w.Flags)
	s.plan.bytes -= max(w.Size, 0)
	r := s.result(w, StatusSkipped)
	r.Note = note
	s.emit(r)
	return s.doom(s.plan, w)
}

// read returns how many messages were read to be compared.
func (f *restored) read() int {
	if f.finder == nil {
		return f.earlier
	}
	return f.earlier + f.finder.Read
}

// apply makes the changes of messages under no key.
func (f *restored) apply(ctx context.Context, s *messageSync) error {
	to, err := s.to.get()
	if err != nil {
		return err
	}
	var keeps func(string) bool
	if keeper, ok := s.archive.(protocols.FlagKeeper); ok {
		keeps = keeper.KeepsFlag
	}
	return f.changes.Apply(ctx, s.state, to, s.to.end.Name, filepath.Dir(s.state.Path), keeps)
}
