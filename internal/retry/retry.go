// Package retry is the one rule for what is tried again, how often, and after which
// pause. It implements no RFC; a pause that a server asks for (RFC 9110 section
// 10.2.3) is honoured.
package retry

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net"
	"time"

	"github.com/netclients/netclients/protocols"
)

// Forever is a number of attempts without end.
const Forever = math.MaxInt

// The defaults of a [Policy].
const (
	DefaultFirst = time.Second
	DefaultMax   = 30 * time.Second
)

// Policy says how often and how soon something is tried again. The zero value tries
// once.
type Policy struct {
	Retries int           // attempts after the first; 0 or less: none
	First   time.Duration // pause after the first attempt; 0: DefaultFirst
	Max     time.Duration // the pause doubles up to this; 0: DefaultMax
	Jitter  bool          // the pause is shortened by up to half, so that many do not come back together

	// Again reports whether an error may pass; nil: [MayPass].
	Again func(err error) bool
	// Advanced reports whether the last attempt came further than those before it:
	// attempts are then counted anew. Nil: never.
	Advanced func() bool
	// Note is called before each pause, with the number of the failed attempt, from 1.
	Note func(attempt int, pause time.Duration, err error)
}

// Do calls try until it succeeds, fails with an error that may not pass, or has had
// its attempts, and returns the last error. When ctx ends, the error is its cause.
func (p Policy) Do(ctx context.Context, try func() error) error {
	again := p.Again
	if again == nil {
		again = MayPass
	}
	for n := 0; ; n++ {
		err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if p.Advanced != nil && p.Advanced() {
			n = 0
		}
		if n >= p.Retries || !again(err) {
			return err
		}
		pause := p.Pause(n, err)
		if p.Note != nil {
			p.Note(n+1, pause, err)
		}
		if err := Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// Pause returns how long to wait after failed attempt n, counted from 0: not less than
// the server asked for with err.
func (p Policy) Pause(n int, err error) time.Duration {
	first, limit := p.First, p.Max
	if first <= 0 {
		first = DefaultFirst
	}
	if limit <= 0 {
		limit = DefaultMax
	}
	d := limit
	if n < 20 && first < limit>>n {
		d = first << n
	}
	if p.Jitter {
		d = d/2 + rand.N(d/2+1)
	}
	return max(d, protocols.RetryAfter(err))
}

// permanent is an error of something that must not be done twice.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent returns err as one for which [MayPass] is false, whatever its kind; nil
// stays nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// MayPass reports whether the call that returned err may succeed when it is made
// again: an error that says so, that of one connection too many, and those of
// connections, time limits and a temporary refusal. A name that does not exist, a thing
// that is not supported, and what [Permanent] returned are not among them.
func MayPass(err error) bool {
	if _, never := errors.AsType[permanent](err); err == nil || never || errors.Is(err, errors.ErrUnsupported) {
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

// Sleep waits for d, or until ctx ends: then it returns the cause.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
