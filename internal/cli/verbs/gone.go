package verbs

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
	"github.com/netclients/netclients/protocols/transfer/twoway"
)

// findGone finds the mailboxes of a two-way sync that were deleted on one side: both had
// them after an earlier run. INBOX is none of them: no account is without it.
func (s *Syncer) findGone(ctx context.Context, e *kit.Env, from, to *protocols.Target, pairs []MailPair) (err error) {
	if isAccount(to) && (!isAccount(from) || protocols.Redact(to.URL) < protocols.Redact(from.URL)) {
		from, to = to, from // the order that both ways to name them have in common
	}
	if s.boxes, err = s.openBoxes(ctx, e, from, to); err != nil {
		return err
	}
	s.name = func(t *protocols.Target) string {
		if isAccount(to) || t.Spec != to.Spec {
			return mailboxOf(t)
		}
		below, err := filepath.Rel(to.Name, t.Name)
		if err != nil {
			return t.Name
		}
		return below
	}
	if s.boxes.Len() == 0 {
		return nil
	}
	for i := range pairs {
		p := &pairs[i]
		if p.err != nil || p.alone == nil || s.name(p.From) == "INBOX" || s.name(p.To) == "INBOX" || s.name(p.alone) == "." {
			continue
		}
		p.gone, _ = s.boxes.Had(s.name(p.From), s.name(p.To))
	}
	return s.notEmptied(pairs)
}

// notEmptied refuses to go on where one side has none of the mailboxes: it is not there, or
// cannot be read.
func (s *Syncer) notEmptied(pairs []MailPair) error {
	gone := slices.ContainsFunc(pairs, func(p MailPair) bool { return p.gone != "" })
	if !gone || s.maxDelete < 0 || slices.ContainsFunc(pairs, func(p MailPair) bool { return p.alone == nil }) {
		return nil
	}
	s.closeBoxes()
	return &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrIncomplete,
		Text: "sync: one side has none of the mailboxes of the other: nothing was changed", Hint: "--max-delete -1 deletes them there too"}
}

// openBoxes opens the list of the mailboxes that both sides had, which lies in a folder on
// this machine, or where the state of accounts is.
func (s *Syncer) openBoxes(ctx context.Context, e *kit.Env, from, to *protocols.Target) (*twoway.Mailboxes, error) {
	keeps, name, other := to, to.Name, from
	if isAccount(to) {
		keeps, name, other = from, "INBOX", to
	}
	c, err := e.Endpoint(keeps).Open()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	keeper, ok := protocols.As[protocols.StateKeeper](c)
	if !ok {
		return nil, kit.Usage("sync: --remove-mailboxes is for IMAP accounts and maildirs")
	}
	sum := sha256.Sum256([]byte(protocols.Redact(other.URL)))
	path, err := keeper.StatePath(name, fmt.Sprintf("2way-mailboxes-%x", sum[:8]))
	if err != nil {
		return nil, err
	}
	return twoway.OpenMailboxes(ctx, path, &twoway.Options{Options: transfer.Options{Durability: durabilities[s.durability.Value]}, DryRun: s.DryRun})
}

func (s *Syncer) closeBoxes() {
	if s.boxes != nil {
		_ = s.boxes.Close() // what counts was written by Note
		s.boxes = nil
	}
}

// noteBoxes remembers what two mailboxes have in common; nothing, when they are gone.
func (s *Syncer) noteBoxes(p MailPair, c twoway.Contents) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.boxes.Note(s.name(p.From), s.name(p.To), c)
}

// removeGone deletes the mailboxes that were deleted on the other side, those below others
// first. It returns the rest, with those that come back.
func (s *Syncer) removeGone(ctx context.Context, e *kit.Env, j *kit.Job, pairs []MailPair, all *mailboxSum) (rest []MailPair) {
	var doomed []MailPair
	for _, p := range pairs {
		if p.gone != "" {
			doomed = append(doomed, p)
		} else {
			rest = append(rest, p)
		}
	}
	slices.SortStableFunc(doomed, func(a, b MailPair) int { return cmp.Compare(len(b.Name), len(a.Name)) })
	for _, p := range doomed {
		sum, err := twoway.Remove(ctx, e.Endpoint(p.alone), p.gone, s.twoWayOptions(e, j), all.adder(p))
		if errors.Is(err, protocols.ErrChanged) {
			e.WarnOnce(fmt.Sprintf("%s was deleted on one side and changed on the other: it comes back", p.Name))
			rest = append(rest, p)
			continue
		}
		if err == nil && !s.DryRun {
			err = s.noteBoxes(p, "")
		}
		all.ended(p, sum, kit.Named(err, "sync"))
	}
	return rest
}
