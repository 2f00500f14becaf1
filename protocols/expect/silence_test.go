package expect

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/netclients/netclients/protocols"
)

// TestSilence: only time without a byte counts, and the end of the context is none.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		moved := func() int64 { return min(int64(time.Since(start)/time.Second), 30) } // for 30 seconds
		err := Silence(t.Context(), 8*time.Second, moved)
		if d := time.Since(start); protocols.KindOf(err) != protocols.KindTimeout || d < 38*time.Second || d > 40*time.Second {
			t.Errorf("after %v: %v", d, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		if err := Silence(ctx, 8*time.Second, func() int64 { return 0 }); err != nil {
			t.Error(err)
		}
	})
}

// TestRest: input that moves is waited for, and so is what became of it.
func TestRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		sent, gone := make(chan error, 1), errors.New("gone")
		time.AfterFunc(5*time.Second, func() { sent <- gone })
		if err := Rest(sent, func() int64 { return int64(time.Since(start)) }); err != gone || time.Since(start) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if err := Rest(sent, func() int64 { return 7 }); err != nil || time.Since(start) > 6*time.Second {
			t.Errorf("input that stands still: after %v: %v", time.Since(start), err)
		}
	})
}
