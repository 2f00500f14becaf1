// Package twoway keeps two mailboxes the same: new messages, changes of flags and
// deletions on either side reach the other one. Each side is an IMAP mailbox or a
// maildir.
//
// # What it remembers
//
// A state file has the pairs: which message of one side is which of the other, and the
// flags that both had when they were last equal. What differs from that has changed
// since. A message that only one side has is new when it is of no pair, and was deleted
// on the other side when it is.
//
// Flags are merged one by one: the side that changed a flag has its way, and a side
// that cannot keep a flag has no say. A deletion and a change of flags of the same
// message are a conflict: the message comes back, or, if the options say so, goes.
//
// # Safety
//
// Messages are copied by [transfer.SyncMessages], under keys by which the next run finds
// what a killed one stored: nothing is lost and nothing stored twice, whenever a run ends.
// A listing that was cut short, or a side that looks emptied, deletes nothing. When the
// state was lost, or the ids of a side became void, messages are matched by their keys and
// their content, and nothing is deleted in that run.
package twoway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
	"github.com/netclients/netclients/protocols/transfer/internal/state"
)

// Options says how to sync. Nil is all defaults.
type Options struct {
	transfer.Options
	DeletionWins bool   // a message that was deleted on one side and flagged on the other is deleted; else it comes back
	MaxDelete    int    // change nothing when more messages would be deleted; 0: no limit, but a side without any message deletes none; negative: no limit
	SkipSize     int64  // new messages of more bytes are left where they are, without a failure; 0: none are
	DryRun       bool   // write nothing at all, report the same
	State        string // path of the file that remembers; empty: a side has a place of its own

	// Same is called when both mailboxes are the same, with what is in them, for
	// [Mailboxes.Note]; it may be nil.
	Same func(Contents)
}

// mirror is what each side must be able to do.
type mirror interface {
	protocols.MessageSource
	protocols.MessageTarget
	protocols.BulkFlagger
}

// Works reports whether two clients are of mailboxes that Sync can keep the same.
func Works(a, b protocols.Client) bool {
	_, first := protocols.As[mirror](a)
	_, second := protocols.As[mirror](b)
	return first && second
}

// Sync brings two mailboxes to the same state. Missing ones are made. each is called for
// every message that something was done with, by one goroutine at a time, and may be nil.
//
// What fails for good for one message is reported, the rest goes on, and the error is of
// kind Partial. Failures that may pass are tried again as the options say.
func Sync(ctx context.Context, a, b transfer.Endpoint, o *Options, each func(transfer.Result)) (transfer.Summary, error) {
	if o == nil {
		o = &Options{}
	}
	r := &run{o: o, tell: each, protocol: cmp.Or(a.Protocol, b.Protocol), sides: [2]*side{newSide(a), newSide(b)}, failed: map[state.Key]bool{}, merged: map[merging]*merger{}}
	defer r.close()
	err := r.sync(ctx)
	if ctx.Err() != nil {
		err = protocols.Wrap(context.Cause(ctx), "", "", "")
	}
	return r.sum, protocols.Wrap(err, r.protocol, "sync", a.URL)
}

// run is one Sync.
type run struct {
	o        *Options
	tell     func(transfer.Result)
	sum      transfer.Summary
	protocol string
	sides    [2]*side // in the order of the pairs' keys
	pairs    *state.Pairs
	afresh   bool // no pair of an earlier run is valid
	failed   map[state.Key]bool
	merged   map[merging]*merger
}

func (r *run) close() {
	for _, s := range r.sides {
		s.close()
	}
	if r.pairs != nil {
		_ = r.pairs.Close() // errors were reported by Sync
	}
}

func (r *run) sync(ctx context.Context) error {
	if err := r.o.Repeat(ctx, func() error { return r.prepare(ctx) }); err != nil {
		return err
	}
	if err := r.decide(); err != nil {
		return err
	}
	if err := r.mayDelete(); err != nil {
		return err
	}
	if r.o.DryRun {
		return r.pretend()
	}
	r.pairs.Set("open", "yes")
	if err := r.pairs.Sync(r.o.Durability); err != nil {
		return err
	}
	for i, from := range r.sides {
		if err := r.copy(ctx, from, r.sides[1-i]); err != nil {
			return err
		}
	}
	if err := r.apply(ctx); err != nil {
		return err
	}
	return r.finish()
}

// prepare opens and lists both sides, and finds out which messages are the same. It may
// be called again after a failure.
func (r *run) prepare(ctx context.Context) error {
	for _, s := range r.sides {
		if err := s.open(ctx, r.o); err != nil {
			return err
		}
	}
	if err := r.remember(ctx); err != nil {
		return err
	}
	r.pairs.Unlist()
	for i, s := range r.sides {
		if err := s.list(ctx, r.pairs, i); err != nil {
			return err
		}
	}
	if err := r.match(ctx); err != nil {
		return err
	}
	for _, s := range r.sides {
		s.closeArchive()
	}
	return nil
}

// remember opens the state, once, and drops what it has of other mailboxes, or of ids that
// became void.
func (r *run) remember(ctx context.Context) error {
	if r.pairs == nil {
		if after(r.sides[0].box, r.sides[1].box) {
			r.sides[0], r.sides[1] = r.sides[1], r.sides[0]
		}
		path, err := r.statePath()
		if err != nil {
			return err
		}
		open := state.OpenPairs
		if r.o.DryRun {
			open = state.ReadPairs
		}
		if r.pairs, err = open(ctx, path); err != nil {
			return err
		}
	}
	for i, s := range r.sides {
		r.afresh = r.afresh || r.pairs.Value(sideValue(i)) != s.identity()
	}
	if r.afresh {
		r.pairs.Clear()
	}
	return nil
}

// sideValue is the name of the value that says which mailbox a side is. It is written when
// a run has come to its end: before, messages are matched anew.
func sideValue(i int) string { return fmt.Sprint("side-", i) }

// after orders mailboxes, so that A with B has the state of B with A: those of this
// machine come first, for the state to lie beside them.
func after(a, b *protocols.Mailbox) bool {
	if here := a.Account == protocols.AccountLocal; here != (b.Account == protocols.AccountLocal) {
		return !here
	}
	return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Name, b.Name)) > 0
}

// statePath returns where the state is.
func (r *run) statePath() (string, error) {
	if r.o.State != "" {
		return r.o.State, nil
	}
	for i, s := range r.sides {
		c, err := s.get()
		if err != nil {
			return "", err
		}
		if keeper, ok := protocols.As[protocols.StateKeeper](c); ok {
			other := r.sides[1-i].box
			return keeper.StatePath(s.end.Name, "2way-"+state.HashKey(state.ScopeOf(other), other.Name).String()[:16])
		}
	}
	return "", protocols.UsageError(r.protocol, "sync", "neither side has a place for the state of a sync: use --journal FILE")
}

// mayDelete refuses a run that would delete too much, before anything is changed.
func (r *run) mayDelete() error {
	all := r.sides[0].doomed.N + r.sides[1].doomed.N
	limit := r.o.MaxDelete
	for i, s := range r.sides {
		if n := r.sides[1-i].doomed.N; limit == 0 && n > 0 && s.listed == 0 {
			return &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrIncomplete,
				Text: fmt.Sprintf("%s has no messages: %d would be deleted from %s; nothing was changed", s.end.URL, n, r.sides[1-i].end.URL),
				Hint: "--max-delete says how many may be"}
		}
	}
	if limit > 0 && all > limit {
		return &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrIncomplete,
			Text: fmt.Sprintf("%d messages would be deleted; nothing was changed", all), Hint: "--max-delete says how many may be"}
	}
	return nil
}

// finish writes down that the run has come to its end.
func (r *run) finish() error {
	for i, s := range r.sides {
		r.pairs.Set(sideValue(i), s.identity())
	}
	r.pairs.Set("open", "")
	if err := r.pairs.Sync(r.o.Durability); err != nil {
		return err
	}
	if r.o.Same != nil && r.sum.Failed == 0 {
		r.o.Same(r.contents())
	}
	return r.verdict()
}

func (r *run) verdict() error {
	if r.sum.Failed == 0 {
		return nil
	}
	all := r.sum.Failed + r.sum.Done + r.sum.Skipped + r.sum.Updated + r.sum.Deleted
	return &protocols.Error{Kind: protocols.KindPartial, Text: fmt.Sprintf("%d of %d messages failed", r.sum.Failed, all)}
}

func (r *run) emit(result transfer.Result) {
	r.sum.Add(result)
	if r.tell != nil {
		r.tell(result)
	}
}

// result is what became of a message of a side.
func (r *run) result(s *side, w *state.Wanted, status transfer.Status, err error) transfer.Result {
	return transfer.Result{Protocol: s.end.Protocol, Destination: s.end.URL, Name: w.Name, Status: status, Err: err}
}

func (r *run) fail(s *side, w *state.Wanted, err error) {
	if r.failed[w.Key] {
		return
	}
	r.failed[w.Key] = true
	result := r.result(s, w, transfer.StatusFailed, err)
	result.Source = w.URL
	r.emit(result)
}

// gone reports whether an error says that a message does not exist.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) }
