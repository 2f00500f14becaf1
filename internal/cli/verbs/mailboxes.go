package verbs

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/transfer"
	"github.com/netclients/netclients/protocols/transfer/twoway"
)

// MailPair is one mailbox of an account, and where it goes.
type MailPair struct {
	Name     string
	From, To *protocols.Target
	Done     func() // called when it is up to date; nil: nothing more to do
	err      error  // why it has no place

	alone *protocols.Target // of a two-way sync: the side that has it, and the other has not
	gone  twoway.Contents   // it is to be deleted there: both had it with this
}

// account is sync of all mailboxes of an IMAP account, or of those that a pattern
// fits, each to a place of its name; and the way back. done is false when the
// source is one mailbox.
func (s *Syncer) account(ctx context.Context, e *kit.Env, from, to *protocols.Target) (done bool, err error) {
	var pairs []MailPair
	accounts := isAccount(from) || isAccount(to) && kit.Is[mailFolder](kit.Sample(from.Spec))
	switch {
	case s.twoWay && accounts:
		pairs, err = s.bothWays(ctx, e, from, to)
	case isAccount(from):
		pairs, err = s.downward(ctx, e, from, to)
	case accounts:
		pairs, err = s.upward(ctx, e, from, to)
	default:
		return false, nil
	}
	if err == nil && !delivers(to) {
		err = apart(pairs)
	}
	if err != nil {
		return true, err
	}
	if s.removes {
		if err := s.findGone(ctx, e, from, to, pairs); err != nil {
			return true, err
		}
		defer s.closeBoxes()
	}
	if !s.subscribe || s.DryRun {
		return true, s.EachMailbox(ctx, e, pairs)
	}
	s.note(pairs)
	err = s.EachMailbox(ctx, e, pairs)
	return true, cmp.Or(err, s.subscribed(ctx, e, to))
}

// mailAccount is implemented by clients of accounts with many mailboxes.
type mailAccount interface {
	// AccountMailbox returns the name of a mailbox in the account that name stands
	// for: all mailboxes, or a pattern of them; else ok is false.
	AccountMailbox(name, plain string) (path string, ok bool)
}

// mailFolder is implemented by clients of a folder with mailboxes below it.
type mailFolder interface {
	Mailboxes(root string, each func(dir, name string) error) error
}

// isAccount reports whether a target is an account, or a pattern of mailboxes.
func isAccount(t *protocols.Target) bool {
	a, ok := protocols.As[mailAccount](kit.Sample(t.Spec))
	if ok {
		_, ok = a.AccountMailbox(t.Name, "")
	}
	return ok
}

// downward lists the account's mailboxes.
func (s *Syncer) downward(ctx context.Context, e *kit.Env, from, to *protocols.Target) ([]MailPair, error) {
	c, err := e.Dial(from)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	nameOf, err := s.namer(ctx, e, to)
	if err != nil {
		return nil, err
	}
	var pairs []MailPair
	seen := map[string]bool{} // some servers list a mailbox twice
	for entry, err := range protocols.List(ctx, c, from.Name) {
		if err != nil {
			return nil, err
		}
		if !entry.Parsed() || entry.Type != protocols.TypeMailbox || !s.Wanted(entry.Name) || seen[entry.Name] {
			continue
		}
		seen[entry.Name] = true
		p := MailPair{Name: entry.Name}
		if p.From, err = e.Reg.Parse(entry.URL, ""); err != nil {
			return nil, err
		}
		p.From.URL.User = from.URL.User
		name, err := nameOf(entry.Name, entry.Facts["use"])
		if err != nil {
			return nil, err
		}
		p.To, p.err = MailPlace(e, to, name, entry.Facts["delimiter"])
		pairs = append(pairs, p)
	}
	return pairs, nil
}

// Wanted applies --include and --exclude to the name of a mailbox.
func (s *Syncer) Wanted(name string) bool {
	matches := func(globs []string) bool {
		for _, g := range globs {
			if ok, err := path.Match(g, name); ok && err == nil {
				return true
			}
		}
		return false
	}
	return (len(s.include) == 0 || matches(s.include)) && !matches(s.exclude)
}

// MailPlace returns the place of a mailbox below a target: a mailbox of the same
// name, or a file or folder whose path has a part for each level of the name, made
// safe, since names come from the server.
func MailPlace(e *kit.Env, to *protocols.Target, name, delimiter string) (*protocols.Target, error) {
	if delivers(to) {
		return to, nil
	}
	if isAccount(to) {
		u := *to.URL
		return e.Reg.Target(u.JoinPath(url.PathEscape(name)), "")
	}
	parts := []string{name}
	if delimiter != "" {
		parts = strings.Split(name, delimiter)
	}
	local := to.Name
	for _, part := range parts {
		safe, err := file.SafeName(part)
		if err != nil {
			return nil, err
		}
		if safe == "cur" || safe == "new" || safe == "tmp" { // they would lie inside of another maildir
			safe = fmt.Sprintf("%%%02X%s", safe[0], safe[1:])
		}
		local = filepath.Join(local, safe)
	}
	if to.URL.Scheme == "mbox" {
		local += ".mbox"
	}
	return e.Reg.Target(&url.URL{Scheme: to.URL.Scheme, Path: local}, "")
}

// upward finds the mailboxes below a folder.
func (s *Syncer) upward(ctx context.Context, e *kit.Env, from, to *protocols.Target) ([]MailPair, error) {
	below, _ := protocols.As[mailFolder](kit.Sample(from.Spec))
	account, _ := protocols.As[mailAccount](kit.Sample(to.Spec))
	nameOf, err := s.namer(ctx, e, to)
	if err != nil {
		return nil, err
	}
	var pairs []MailPair
	err = below.Mailboxes(from.Name, func(dir, name string) error {
		if !s.Wanted(name) {
			return nil
		}
		mapped, err := nameOf(name, "")
		if err != nil {
			return err
		}
		src, dst := *from, *to
		src.Name = dir
		dst.Name, _ = account.AccountMailbox(to.Name, mapped)
		src.URL = &url.URL{Scheme: from.URL.Scheme, Path: dir}
		dst.URL = to.URL.JoinPath(url.PathEscape(mapped))
		pairs = append(pairs, MailPair{Name: name, From: &src, To: &dst})
		return nil
	})
	return pairs, err
}

// EachMailbox brings mailboxes up to date, several at the same time, each with
// connections of its own.
func (s *Syncer) EachMailbox(ctx context.Context, e *kit.Env, pairs []MailPair) error {
	j := e.NewJob("sync", 1)
	defer j.Close()
	sum := &SyncSum{Job: j, dry: s.DryRun}
	all := &mailboxSum{SyncSum: sum, many: len(pairs) > 1}
	pairs = s.removeGone(ctx, e, j, pairs, all)
	queue := make(chan MailPair)
	var wait sync.WaitGroup
	for range min(max(1, s.parallel.Value), len(pairs)) {
		wait.Go(func() {
			for p := range queue {
				t, err := s.oneMailbox(ctx, e, j, p, all.adder(p))
				all.ended(p, t, err)
			}
		})
	}
	for _, p := range pairs {
		queue <- p
	}
	close(queue)
	wait.Wait()
	j.Close()
	return sum.End(all.total, kit.CauseOf(ctx, all.first))
}

// mailboxSum gathers what becomes of many mailboxes.
type mailboxSum struct {
	*SyncSum
	many  bool
	lock  sync.Mutex // of what follows, and of SyncSum
	total transfer.Summary
	first error
}

// adder returns what reports the messages of a mailbox.
func (m *mailboxSum) adder(p MailPair) func(transfer.Result) {
	return func(r transfer.Result) {
		m.lock.Lock()
		defer m.lock.Unlock()
		r.Name = p.Name + "/" + r.Name
		m.Add(r)
	}
}

// ended takes what a mailbox ended with.
func (m *mailboxSum) ended(p MailPair, t transfer.Summary, err error) {
	m.lock.Lock()
	defer m.lock.Unlock()
	worked := err == nil
	if m.many && ofOneMailbox(p, err) {
		r := transfer.Result{Protocol: p.From.Spec.Name, Source: protocols.Redact(p.From.URL), Name: p.Name, Status: transfer.StatusFailed, Err: err}
		m.Add(r)
		t.Add(r)
		err = nil
	}
	total := &m.total
	total.Done, total.Skipped, total.Deleted, total.Failed = total.Done+t.Done, total.Skipped+t.Skipped, total.Deleted+t.Deleted, total.Failed+t.Failed
	total.Updated, total.Bytes = total.Updated+t.Updated, total.Bytes+t.Bytes
	if m.first == nil {
		m.first = err
	}
	if worked && p.Done != nil {
		p.Done()
	}
}

// ofOneMailbox reports whether an error says nothing of the other mailboxes.
func ofOneMailbox(p MailPair, err error) bool {
	return err != nil && (p.err != nil || protocols.KindOf(err) == protocols.KindRefused)
}

func (s *Syncer) oneMailbox(ctx context.Context, e *kit.Env, j *kit.Job, p MailPair, add func(transfer.Result)) (transfer.Summary, error) {
	if p.err != nil {
		return transfer.Summary{}, kit.Named(protocols.Wrap(p.err, p.From.Spec.Name, "sync", protocols.Redact(p.From.URL)), "sync")
	}
	t, err := s.bring(ctx, e, j, p, add)
	return t, kit.Named(protocols.Wrap(err, p.From.Spec.Name, "sync", protocols.Redact(p.From.URL)), "sync")
}
