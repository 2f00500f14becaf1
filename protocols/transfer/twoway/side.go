package twoway

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
	"github.com/netclients/netclients/protocols/transfer/internal/state"
)

// side is one of the two mailboxes.
type side struct {
	end     transfer.Endpoint
	client  protocols.Client
	box     *protocols.Mailbox
	archive protocols.Archive // open while messages are matched
	keeps   func(flag string) bool

	listed   int
	complete bool       // all there is was listed
	unnamed  []string   // what is there and has no id
	all      state.List // messages
	loose    state.Keys // those of no pair

	fresh  state.List          // to be copied to the other side
	doomed state.List          // to be deleted
	flags  map[string]*flagJob // by what is changed
}

// flagJob is one change of flags, of many messages.
type flagJob struct {
	change protocols.FlagChange
	list   state.List
}

func newSide(end transfer.Endpoint) *side { return &side{end: end, flags: map[string]*flagJob{}} }

// get returns the client, which stays open over the phases of a run.
func (s *side) get() (protocols.Client, error) {
	if s.client == nil {
		c, err := s.end.Open()
		if err != nil {
			return nil, err
		}
		s.client = c
	}
	return s.client, nil
}

// drop closes the client; the next get makes another.
func (s *side) drop() {
	s.closeArchive()
	if s.client != nil {
		s.client.Close()
		s.client = nil
	}
}

func (s *side) closeArchive() {
	if s.archive != nil {
		s.archive.Close()
		s.archive = nil
	}
}

func (s *side) close() {
	s.drop()
	s.all.Close()
	s.fresh.Close()
	s.doomed.Close()
	for _, job := range s.flags {
		job.list.Close()
	}
}

// identity says what the ids of the side belong to.
func (s *side) identity() string {
	return state.HashKey(state.ScopeOf(s.box), s.box.Name, s.box.Validity).String()
}

func (s *side) key(id string) state.Key { return state.KeyOf(s.box, id) }

// open opens the mailbox as an archive, which makes it and finds what a killed run
// stored, and as a source.
func (s *side) open(ctx context.Context, o *Options) error {
	s.drop() // after a failure
	if err := s.openArchive(ctx, o); err != nil {
		return err
	}
	source, err := s.mirror()
	if err != nil {
		return err
	}
	s.keeps = func(string) bool { return true }
	if keeper, ok := s.archive.(protocols.FlagKeeper); ok {
		s.keeps = keeper.KeepsFlag
	}
	s.box, err = source.OpenMailbox(ctx, s.end.Name)
	if o.DryRun && gone(err) { // it would be made
		s.box, err = &protocols.Mailbox{Name: s.end.Name, Complete: true, Changes: nothing}, nil
	}
	return err
}

func nothing(context.Context, string) iter.Seq2[protocols.Entry, error] {
	return func(func(protocols.Entry, error) bool) {}
}

func (s *side) openArchive(ctx context.Context, o *Options) error {
	target, err := s.mirror()
	if err != nil {
		return err
	}
	s.archive, err = target.OpenArchive(ctx, s.end.Name, &protocols.ArchiveOptions{ReadOnly: o.DryRun, NoSync: o.Durability == transfer.DurabilityNone})
	return err
}

func (s *side) mirror() (mirror, error) {
	c, err := s.get()
	if err != nil {
		return nil, err
	}
	m, ok := protocols.As[mirror](c)
	if !ok {
		return nil, protocols.Unsupported(s.end.Protocol, "sync", "two-way syncs are for IMAP mailboxes and maildirs")
	}
	return m, nil
}

// list lists all messages, and marks the pairs of which this side has its message.
func (s *side) list(ctx context.Context, pairs *state.Pairs, i int) error {
	s.listed, s.complete, s.unnamed, s.loose = 0, false, nil, state.Keys{}
	s.all.Close()
	if pairs.Path != "" {
		s.all.Dir = filepath.Dir(pairs.Path)
	}
	for e, err := range s.box.Changes(ctx, "") {
		switch {
		case err != nil:
			return err
		case e.Type == protocols.TypeGone:
			continue
		case e.ID == "":
			if s.unnamed = append(s.unnamed, e.URL); len(s.unnamed) > maxUnnamed {
				return protocols.ProtocolError(s.end.Protocol, "sync", fmt.Sprintf("more than %d messages have no unique id", maxUnnamed))
			}
			continue
		}
		known := e.MessageInfo != nil && e.Flags != nil
		if err := s.take(state.NewWanted(&e, s.key(e.ID)), known, pairs, i); err != nil {
			return err
		}
	}
	s.complete = s.box.Complete
	return nil
}

// maxUnnamed bounds the messages without an id that are reported.
const maxUnnamed = 10_000

// take takes one listed message. One that is listed twice counts once. Flags that are not
// known have not changed.
func (s *side) take(w *state.Wanted, known bool, pairs *state.Pairs, i int) error {
	pair := pairs.At(i, w.Key)
	switch {
	case pair != nil && pair.Seen[i] || s.loose.Get(w.Key) != nil:
		return nil
	case pair != nil && known:
		pair.Seen[i], pair.Now[i] = true, pairs.Number(w.Flags)
	case pair != nil:
		pair.Seen[i], pair.Now[i] = true, pair.Base
	default:
		s.loose.Put(w.Key, pairs.Number(w.Flags))
	}
	s.listed++
	return s.all.Add(w)
}
