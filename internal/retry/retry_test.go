package retry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/netclients/netclients/protocols"
)

var errPasses = &protocols.Error{Kind: protocols.KindTemporary, Text: "later"}

// later is an error with the pause that a server asks for.
type later struct{ error }

func (l later) Unwrap() error           { return l.error }
func (later) RetryAfter() time.Duration { return time.Minute }

// TestDo: how often and when something that fails is tried.
func TestDo(t *testing.T) {
	for name, c := range map[string]struct {
		policy Policy
		err    error
		want   []time.Duration // of the attempts, from the start
	}{
		"once":             {Policy{}, errPasses, []time.Duration{0}},
		"negative":         {Policy{Retries: -1}, errPasses, []time.Duration{0}},
		"defaults":         {Policy{Retries: 2}, errPasses, []time.Duration{0, time.Second, 3 * time.Second}},
		"up to a limit":    {Policy{Retries: 3, First: 3 * time.Second, Max: 5 * time.Second}, errPasses, []time.Duration{0, 3e9, 8e9, 13e9}},
		"refused for good": {Policy{Retries: 3}, &protocols.Error{Kind: protocols.KindRefused}, []time.Duration{0}},
		"permanent":        {Policy{Retries: 3}, fmt.Errorf("x: %w", Permanent(errPasses)), []time.Duration{0}},
		"asked to wait":    {Policy{Retries: 1}, later{errPasses}, []time.Duration{0, time.Minute}},
		"own rule":         {Policy{Retries: 1, Again: func(error) bool { return true }}, errors.New("x"), []time.Duration{0, time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var got []time.Duration
				err := c.policy.Do(t.Context(), func() error {
					got = append(got, time.Since(began))
					return c.err
				})
				if err != c.err || !slices.Equal(got, c.want) {
					t.Errorf("attempts at %v, error %v; want %v", got, err, c.want)
				}
			})
		})
	}
}

// TestAdvanced: an attempt that made progress resets the count for the next ones.
func TestAdvanced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries, noted := 0, []int{}
		p := Policy{Retries: 2, Advanced: func() bool { return tries == 2 }, Note: func(n int, _ time.Duration, _ error) { noted = append(noted, n) }}
		p.Do(t.Context(), func() error {
			tries++
			return errPasses
		})
		if tries != 4 || !slices.Equal(noted, []int{1, 1, 2}) {
			t.Errorf("%d attempts, noted %v", tries, noted)
		}
	})
}

// TestForever: such a policy ends by success, or with the context.
func TestForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		tries := 0
		err := Policy{Retries: Forever}.Do(ctx, func() error {
			if tries++; tries == 100 {
				cancel(cause)
			}
			return errPasses
		})
		if err != cause || tries != 100 {
			t.Errorf("%v after %d", err, tries)
		}
		ctx, stop := context.WithTimeoutCause(t.Context(), time.Second, cause)
		defer stop()
		if err := Sleep(ctx, time.Hour); err != cause {
			t.Errorf("a pause ended with %v", err)
		}
	})
}

// TestJitter: between half of the pause and all of it.
func TestJitter(t *testing.T) {
	p := Policy{Jitter: true, First: 8 * time.Second}
	for n, whole := range []time.Duration{8e9, 16e9, 30e9, 30e9} {
		for range 100 {
			if d := p.Pause(n, nil); d < whole/2 || d > whole {
				t.Fatalf("after attempt %d: %v", n, d)
			}
		}
	}
	if d := p.Pause(1000, nil); d > 30*time.Second {
		t.Errorf("after many attempts: %v", d)
	}
}

func TestMayPass(t *testing.T) {
	for err, want := range map[error]bool{
		nil:                      false,
		errors.New("x"):          false,
		errors.ErrUnsupported:    false,
		protocols.ErrTooMany:     true,
		context.Canceled:         false,
		&net.DNSError{Err: "no"}: true,
		&net.OpError{Op: "dial", Err: errors.New("refused")}:                           true,
		&net.DNSError{IsNotFound: true}:                                                false,
		&protocols.Error{Kind: protocols.KindAuth}:                                     false,
		&protocols.Error{Kind: protocols.KindAuth, Retryable: true}:                    true,
		&protocols.Error{Kind: protocols.KindConnect, Sentinel: errors.ErrUnsupported}: false,
		Permanent(&protocols.Error{Kind: protocols.KindConnect, Retryable: true}):      false,
	} {
		if got := MayPass(err); got != want {
			t.Errorf("%v: %v", err, got)
		}
	}
	if Permanent(nil) != nil {
		t.Error("no error became one")
	}
}
