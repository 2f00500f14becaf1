package protocols

import (
	"context"
	"errors"
	"net"
	"testing"
)

// TestGateClose: Close ends the operation that is in progress, and lets none in.
func TestGateClose(t *testing.T) {
	var g Gate
	ctx, leave, err := g.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := g.Begin(t.Context()); !errors.Is(err, ErrBusy) {
		t.Errorf("second operation: %v", err)
	}
	g.Close()
	cause := context.Cause(ctx)
	if !errors.Is(cause, ErrClosed) || !errors.Is(cause, net.ErrClosed) || IsRetryable(cause) || KindOf(cause) != KindUsage {
		t.Errorf("cause %v, kind %v", cause, KindOf(cause))
	}
	leave()
	leave()
	g.Close()
	if _, _, err := g.Begin(t.Context()); !errors.Is(err, ErrClosed) || !g.Closed() {
		t.Errorf("after Close: %v, closed %v", err, g.Closed())
	}
}

// TestGateBegin: the context of an operation ends with the caller's, or when the
// operation is over.
func TestGateBegin(t *testing.T) {
	var g Gate
	outer, cancel := context.WithCancel(t.Context())
	ctx, leave, err := g.Begin(outer)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if <-ctx.Done(); !errors.Is(context.Cause(ctx), context.Canceled) {
		t.Error(context.Cause(ctx))
	}
	leave()
	if _, _, err := g.Begin(outer); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
	ctx, leave, err = g.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leave()
	if ctx.Err() == nil {
		t.Error("the context outlives the operation")
	}
}
