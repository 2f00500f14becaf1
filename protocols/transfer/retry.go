package transfer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/netclients/netclients/protocols"
)

const (
	defaultRetries = 3
	firstWait      = time.Second
	longestWait    = 30 * time.Second
)

// retries returns the number of attempts after the first.
func (o *Options) retries() int {
	if o.Retries == 0 {
		return defaultRetries
	}
	return max(o.Retries, 0)
}

// wait returns the pause after failed attempt n, counted from 0: doubled each time,
// and shaken by half so that workers do not come back together.
func (o *Options) wait(n int) time.Duration {
	d := o.RetryWait
	if d <= 0 {
		d = firstWait
	}
	d = min(d<<min(n, 20), longestWait)
	return d/2 + rand.N(d/2+1)
}

// once is an error of something that must not be done twice.
type once struct{ error }

func (o once) Unwrap() error { return o.error }

// mayPass reports whether the same call may succeed when it is made again.
func mayPass(err error) bool {
	if _, never := errors.AsType[once](err); err == nil || never || errors.Is(err, errors.ErrUnsupported) {
		return false
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return false
	}
	if protocols.IsRetryable(err) || errors.Is(err, protocols.ErrTooMany) {
		return true
	}
	switch e := protocols.Wrap(err, "", "", "").(*protocols.Error); e.Kind {
	case protocols.KindConnect, protocols.KindTimeout, protocols.KindTemporary:
		return true
	default:
		return e.Retryable
	}
}

// note tells the trace something worth knowing.
func (o *Options) note(format string, args ...any) {
	if o.Trace != nil {
		o.Trace(protocols.Event{Time: time.Now(), Kind: protocols.EventNote, Text: fmt.Sprintf(format, args...)})
	}
}

// repeat calls try until it succeeds, fails for good, or has had its attempts.
func (o *Options) repeat(ctx context.Context, try func() error) error {
	return o.repeatFrom(ctx, func() int64 { return 0 }, try)
}

// enough is how much further an attempt must have come to count as none: a large
// object gets through a connection that breaks time and again.
const enough = 64 << 10

// repeatFrom is repeat for work that goes on where it stopped; at says where that is.
func (o *Options) repeatFrom(ctx context.Context, at func() int64, try func() error) error {
	best := at()
	for n := 0; ; n++ {
		err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return stopped(ctx)
		}
		if now := at(); now >= best+enough {
			best, n = now, 0
		}
		if n >= o.retries() || !mayPass(err) {
			return err
		}
		d := max(o.wait(n), protocols.RetryAfter(err))
		o.note("attempt %d failed, next in %v: %v", n+1, d.Round(time.Millisecond), err)
		if err := sleep(ctx, d); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return stopped(ctx)
	}
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
