package verbs

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
	"github.com/netclients/netclients/protocols/transfer/twoway"
)

// mutual makes a sync one in both directions.
type mutual struct {
	twoWay   bool
	removes  bool
	conflict kit.Choice

	lock  sync.Mutex // of the list
	boxes *twoway.Mailboxes
	name  func(*protocols.Target) string // of a mailbox in the list
}

func (m *mutual) flags(fs *pflag.FlagSet) {
	m.conflict = kit.OneOf("flags", "flags", "deletion")
	fs.BoolVar(&m.twoWay, "two-way", false, "messages: bring new messages, flags and deletions of IMAP mailboxes and maildirs to the other side, both ways")
	fs.BoolVar(&m.removes, "remove-mailboxes", false, "with --two-way, of accounts: delete mailboxes that were deleted on the other side; --max-delete says how many messages may go with one")
	fs.Var(&m.conflict, "conflict", "with --two-way, what wins where a message was deleted on one side and its flags changed on the other: flags (it comes back) or deletion")
}

// checkMutual refuses a two-way sync of what cannot take part, and flags that do not go
// with it.
func (s *Syncer) checkMutual(from, to *protocols.Target) error {
	if !s.twoWay {
		switch {
		case s.conflict.Value != "flags":
			return kit.Usage("sync: --conflict is for --two-way")
		case s.removes:
			return kit.Usage("sync: --remove-mailboxes is for --two-way")
		}
		return nil
	}
	if !twoway.Works(kit.Sample(from.Spec), kit.Sample(to.Spec)) {
		return kit.Usage("sync: --two-way is for IMAP mailboxes and maildirs")
	}
	if s.removes && !isAccount(from) && !isAccount(to) {
		return kit.Usage("sync: --remove-mailboxes is for accounts, not for one mailbox")
	}
	for _, f := range []struct {
		name string
		set  bool
	}{{"delete", s.delete}, {"delete-after", s.deleteAfter}, {"keep-days", s.keepDays > 0}, {"map", len(s.rules) > 0}, {"subscribe", s.subscribe}} {
		if f.set {
			return kit.Usage("sync: --%s is not for --two-way, where each side gets what the other has", f.name)
		}
	}
	return nil
}

// bring brings one mailbox up to date, or two.
func (s *Syncer) bring(ctx context.Context, e *kit.Env, j *kit.Job, p MailPair, add func(transfer.Result)) (transfer.Summary, error) {
	if !s.twoWay {
		return transfer.SyncMessages(ctx, e.Endpoint(p.From), s.destination(e, p.To), s.messageOptions(e, j), add)
	}
	o := s.twoWayOptions(e, j)
	var bad error
	if s.boxes != nil && !s.DryRun {
		o.Same = func(c twoway.Contents) { bad = s.noteBoxes(p, c) }
	}
	sum, err := twoway.Sync(ctx, e.Endpoint(p.From), e.Endpoint(p.To), o, add)
	return sum, cmp.Or(err, bad)
}

func (s *Syncer) twoWayOptions(e *kit.Env, j *kit.Job) *twoway.Options {
	o := s.messageOptions(e, j)
	return &twoway.Options{
		Options: o.Options, DeletionWins: s.conflict.Value == "deletion", MaxDelete: o.MaxDelete, SkipSize: o.SkipSize, DryRun: o.DryRun, State: o.State,
	}
}

// bothWays returns the mailboxes of two sides, at least one of which is an account: those
// that either has.
func (s *Syncer) bothWays(ctx context.Context, e *kit.Env, from, to *protocols.Target) ([]MailPair, error) {
	if !isAccount(from) {
		pairs, err := s.bothWays(ctx, e, to, from)
		return swapped(pairs), err
	}
	pairs, err := s.downward(ctx, e, from, to)
	if err != nil {
		return nil, err
	}
	var back []MailPair
	switch {
	case isAccount(to):
		back, err = s.downward(ctx, e, to, from)
	case kit.Is[mailFolder](kit.Sample(to.Spec)):
		if back, err = s.upward(ctx, e, to, from); errors.Is(err, fs.ErrNotExist) {
			err = nil // it is made
		}
	}
	return joined(pairs, swapped(back)), err
}

// swapped returns pairs with their sides exchanged.
func swapped(pairs []MailPair) []MailPair {
	for i := range pairs {
		p := &pairs[i]
		p.From, p.To = p.To, p.From
	}
	return pairs
}

// joined adds the pairs of which no mailbox is in one already. One of which only one is
// has no partner of its own.
func joined(pairs, more []MailPair) []MailPair {
	from, to := map[string]bool{}, map[string]int{}
	for i := range pairs {
		if p := &pairs[i]; p.err == nil {
			p.alone = p.From
			from[mailboxOf(p.From)], to[mailboxOf(p.To)] = true, i+1
		}
	}
	for _, p := range more {
		if p.err == nil {
			a, b := from[mailboxOf(p.From)], to[mailboxOf(p.To)] > 0
			if a && b {
				pairs[to[mailboxOf(p.To)]-1].alone = nil
				continue
			}
			p.alone = p.To
			if a || b {
				p.err = kit.Usage("sync: the mailbox %q has no partner: the one that would be it has another (--no-special-use, if their uses are the reason)", p.Name)
			}
		}
		pairs = append(pairs, p)
	}
	return pairs
}

// mailboxOf returns the name that a mailbox has whatever way it is written.
func mailboxOf(t *protocols.Target) string {
	if strings.EqualFold(t.Name, "INBOX") {
		return "INBOX"
	}
	return t.Name
}
