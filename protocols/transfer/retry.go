package transfer

import (
	"context"
	"fmt"
	"time"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
)

const defaultRetries = 3

// retries returns the number of attempts after the first.
func (o *Options) retries() int {
	if o.Retries == 0 {
		return defaultRetries
	}
	return max(o.Retries, 0)
}

// policy is how the options say that things are tried again.
func (o *Options) policy() retry.Policy {
	return retry.Policy{Retries: o.retries(), First: o.RetryWait, Jitter: true, Note: o.noteRetry}
}

func (o *Options) noteRetry(attempt int, pause time.Duration, err error) {
	o.note("attempt %d failed, next in %v: %v", attempt, pause.Round(time.Millisecond), err)
}

// note reports something worth knowing to the trace.
func (o *Options) note(format string, args ...any) {
	if o.Trace != nil {
		o.Trace(protocols.Event{Time: time.Now(), Kind: protocols.EventNote, Text: fmt.Sprintf(format, args...)})
	}
}

// warn reports what the user should know.
func (o *Options) warn(format string, args ...any) {
	if o.Warn != nil {
		o.Warn(fmt.Sprintf(format, args...))
	}
	o.note(format, args...)
}

// Repeat calls try until it succeeds, fails for good, or has had its attempts.
func (o *Options) Repeat(ctx context.Context, try func() error) error {
	return o.repeatFrom(ctx, func() int64 { return 0 }, try)
}

// minAdvance is how much further an attempt must have come to count as none: a large
// object gets through a connection that breaks time and again.
const minAdvance = 64 << 10

// repeatFrom is Repeat for work that resumes where it stopped; at returns where that is.
func (o *Options) repeatFrom(ctx context.Context, at func() int64, try func() error) error {
	p, best := o.policy(), at()
	p.Advanced = func() bool {
		now := at()
		if now < best+minAdvance {
			return false
		}
		best = now
		return true
	}
	err := p.Do(ctx, try)
	if err != nil && ctx.Err() != nil {
		return stopped(ctx)
	}
	return err
}

// stopped is the error of a context that has ended, by its cause.
func stopped(ctx context.Context) error {
	return protocols.Wrap(context.Cause(ctx), "", "", "")
}

// conn is one client of an endpoint, opened when first needed and again after a failure.
type conn struct {
	end Endpoint
	c   protocols.Client
}

func (k *conn) get() (protocols.Client, error) {
	if k.c == nil {
		c, err := k.end.Open()
		if err != nil {
			return nil, err
		}
		k.c = c
	}
	return k.c, nil
}

// drop closes the client; the next get makes another.
func (k *conn) drop() {
	if k.c != nil {
		k.c.Close()
		k.c = nil
	}
}
