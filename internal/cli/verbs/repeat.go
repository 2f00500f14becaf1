package verbs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
)

// repeating keeps a sync running.
type repeating struct {
	every kit.Duration
	watch bool
}

func (r *repeating) flags(fs *pflag.FlagSet) {
	fs.Var(&r.every, "every", "repeat the sync at this interval, until stopped, a `DURATION`")
	fs.BoolVar(&r.watch, "watch", false, "repeat the sync when SRC changes (IDLE, NOTIFY), until stopped; of an account without NOTIFY up to 10 mailboxes are watched")
}

// Plain refuses the flags of a sync that is kept running, and those of mail accounts.
func (s *Syncer) Plain() error {
	if s.every != 0 || s.watch {
		return kit.Usage("sync: --every and --watch are not for news; repeat the command instead")
	}
	if flag := s.given(); flag != "" {
		return kit.Usage("sync: --%s is for mail accounts", flag)
	}
	return nil
}

// The pauses of a sync that is repeated.
const (
	watchEvery  = 10 * time.Minute // with --watch, whatever SRC says
	mostWatched = 10               // mailboxes: each has a connection, of which servers allow few
	mostBackoff = 5 * time.Minute  // after failures
)

// repeat runs once again and again. Failures are reported, and the next run waits longer
// after each. It ends when ctx does, and with an error that no later run would be without.
func (s *Syncer) repeat(ctx context.Context, e *kit.Env, from, to *protocols.Target, once func() error) error {
	every, changed := time.Duration(s.every), make(chan struct{}, 1)
	if s.watch {
		if every <= 0 {
			every = watchEvery
		}
		inner, stop := context.WithCancel(ctx)
		var watchers sync.WaitGroup
		for _, side := range s.watchedSides(from, to) {
			watchers.Go(func() { s.watchAll(inner, e, side, changed) })
		}
		defer func() { stop(); watchers.Wait() }()
	}
	back := retry.Policy{First: time.Second, Max: mostBackoff, Jitter: true}
	for failures := 0; ; {
		err := once()
		if kit.Final(ctx, err) || protocols.KindOf(err) == protocols.KindUsage {
			return err
		}
		pause, news := every, changed
		if err != nil {
			e.Tell(err)
			pause, news = back.Pause(failures, err), nil
			failures++
		} else {
			failures = 0
		}
		if err := e.Out.Flush(); err != nil {
			return err
		}
		if rest(ctx, pause, news) != nil {
			return kit.CauseOf(ctx, protocols.Wrap(ctx.Err(), from.Spec.Name, "sync", protocols.Redact(from.URL)))
		}
		if err := e.Renew(ctx); err != nil {
			e.Tell(kit.Named(protocols.Wrap(err, "", "sync", ""), "sync"))
		}
	}
}

// rest waits for d, or until there is news.
func rest(ctx context.Context, d time.Duration, news <-chan struct{}) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-news:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// watchedSides returns the sides that can be watched: the source, and of a two-way sync both.
func (s *Syncer) watchedSides(from, to *protocols.Target) []*protocols.Target {
	var sides []*protocols.Target
	for _, side := range []*protocols.Target{from, to} {
		if kit.Is[protocols.Watcher](kit.Sample(side.Spec)) && (side == from || s.twoWay) {
			sides = append(sides, side)
		}
	}
	return sides
}

// watchAll watches a mailbox, or those of an account, until ctx ends.
func (s *Syncer) watchAll(ctx context.Context, e *kit.Env, side *protocols.Target, changed chan<- struct{}) {
	if !isAccount(side) {
		watchSource(ctx, e, side, changed)
		return
	}
	if s.watchAccount(ctx, e, side, changed); ctx.Err() != nil {
		return
	}
	var boxes []*protocols.Target
	back := retry.Policy{First: time.Second, Max: mostBackoff, Jitter: true}
	for failures := 0; boxes == nil; failures++ {
		var err error
		if boxes, err = s.mailboxes(ctx, e, side); err != nil && retry.Sleep(ctx, back.Pause(failures, err)) != nil {
			return
		}
	}
	if len(boxes) > mostWatched {
		e.WarnOnce(fmt.Sprintf("%d of %d mailboxes are watched; the others are looked at when one of these changes, or after the time of --every", mostWatched, len(boxes)))
		boxes = boxes[:mostWatched]
	}
	var watchers sync.WaitGroup
	for _, box := range boxes {
		watchers.Go(func() { watchSource(ctx, e, box, changed) })
	}
	watchers.Wait()
}

// mailboxes returns the mailboxes of an account that are synced, never nil without an
// error. New mail comes to INBOX: it is the first.
func (s *Syncer) mailboxes(ctx context.Context, e *kit.Env, account *protocols.Target) ([]*protocols.Target, error) {
	c, err := e.Dial(account)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	boxes := []*protocols.Target{}
	for entry, err := range protocols.List(ctx, c, account.Name) {
		if err != nil {
			return nil, err
		}
		if !entry.Parsed() || entry.Type != protocols.TypeMailbox || !s.Wanted(entry.Name) {
			continue
		}
		box, err := e.Reg.Parse(entry.URL, "")
		if err != nil {
			return nil, err
		}
		box.URL.User = account.URL.User
		if strings.EqualFold(entry.Name, "INBOX") {
			boxes = slices.Insert(boxes, 0, box)
		} else {
			boxes = append(boxes, box)
		}
	}
	return boxes, nil
}

// watchAccount watches all mailboxes of an account on one connection. It returns before ctx
// ends only where that cannot be.
func (s *Syncer) watchAccount(ctx context.Context, e *kit.Env, account *protocols.Target, changed chan<- struct{}) {
	watchFor(ctx, changed, func(tell func()) error {
		c, err := e.Dial(account)
		if err != nil {
			return err
		}
		defer c.Close()
		for entry, err := range protocols.Watch(ctx, c, "") {
			if err != nil {
				return err
			}
			if entry.Name == "" || s.Wanted(entry.Name) {
				tell()
			}
		}
		return nil
	})
}

// watchSource signals that a mailbox has changed, until ctx ends.
func watchSource(ctx context.Context, e *kit.Env, from *protocols.Target, changed chan<- struct{}) {
	watchFor(ctx, changed, func(tell func()) error { return watchOnce(ctx, e, from, tell) })
}

// watchFor signals what a watch tells, until ctx ends or that cannot be watched. A connection
// that is lost is made anew; what happened meanwhile is a change.
func watchFor(ctx context.Context, changed chan<- struct{}, watch func(tell func()) error) {
	back := retry.Policy{First: time.Second, Max: mostBackoff, Jitter: true}
	for failures := 0; ctx.Err() == nil; failures++ {
		err := watch(func() {
			failures = 0
			select {
			case changed <- struct{}{}:
			default: // it is known
			}
		})
		if errors.Is(err, errors.ErrUnsupported) || retry.Sleep(ctx, back.Pause(failures, err)) != nil {
			return
		}
	}
}

func watchOnce(ctx context.Context, e *kit.Env, from *protocols.Target, changed func()) error {
	c, err := e.Dial(from)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, err := range protocols.Watch(ctx, c, from.Name) {
		if err != nil {
			return err
		}
		changed()
	}
	return nil
}
