package verbs

import (
	"context"
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
	fs.BoolVar(&r.watch, "watch", false, "repeat the sync when SRC, a mailbox, changes (IDLE), until stopped")
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
	mostBackoff = 5 * time.Minute  // after failures
)

// repeat runs once again and again. Failures are reported, and the next run waits longer
// after each. It ends when ctx does, and with an error that no later run would be without.
func (r *repeating) repeat(ctx context.Context, e *kit.Env, from *protocols.Target, once func() error) error {
	every, changed := time.Duration(r.every), make(chan struct{}, 1)
	if r.watch {
		if every <= 0 {
			every = watchEvery
		}
		inner, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() { defer close(done); watchSource(inner, e, from, changed) }()
		defer func() { stop(); <-done }()
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

// watchSource signals that a mailbox has changed, until ctx ends. A connection that is lost is
// made anew; what happened meanwhile is a change.
func watchSource(ctx context.Context, e *kit.Env, from *protocols.Target, changed chan<- struct{}) {
	back := retry.Policy{First: time.Second, Max: mostBackoff, Jitter: true}
	for failures := 0; ctx.Err() == nil; failures++ {
		err := watchOnce(ctx, e, from, func() {
			failures = 0
			select {
			case changed <- struct{}{}:
			default: // it is known
			}
		})
		if retry.Sleep(ctx, back.Pause(failures, err)) != nil {
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
