package protocoltest

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// noNetwork returns options whose Dial fails the test.
func noNetwork(t *testing.T) *protocols.Options {
	return &protocols.Options{Dial: func(_ context.Context, _, address string) (net.Conn, error) {
		t.Errorf("dialed %s", address)
		return nil, errors.New("no network here")
	}}
}

// lawShape checks the catalog entry, and a client that never connects.
func lawShape(t *testing.T, h *Harness) {
	checkSpec(t, h.Spec)
	c := h.open(t, h.URL, noNetwork(t))
	for range 2 {
		if err := c.Close(); err != nil {
			t.Errorf("Close of a client that was never used: %v", err)
		}
	}
	for _, v := range verbs {
		has, err := v.call(t.Context(), c, "x")
		if has && !errors.Is(err, protocols.ErrClosed) {
			t.Errorf("%s after Close: %v, want ErrClosed", v.name, err)
		}
	}
	if c := h.open(t, h.URL, nil); c.Close() != nil {
		t.Error("Close with nil options fails")
	}
}

func checkSpec(t *testing.T, s *protocols.Spec) {
	if s.Name == "" || s.Summary == "" || len(s.RFCs) == 0 || len(s.Schemes) == 0 || s.New == nil || s.Path == nil {
		t.Errorf("the catalog entry lacks something: %+v", s)
	}
	seen := map[string]bool{}
	for _, sc := range s.Schemes {
		if seen[sc.Name] || sc.Name == "" {
			t.Errorf("scheme %q twice, or empty", sc.Name)
		}
		seen[sc.Name] = true
	}
	if _, err := protocols.NewRegistry(s); err != nil {
		t.Error(err)
	}
}

// verb is a capability with one string argument or more, all of them the same.
type verb struct {
	name string
	run  func(ctx context.Context, c protocols.Client, arg string) error
	has  func(c protocols.Client) bool
}

func (v verb) call(ctx context.Context, c protocols.Client, arg string) (has bool, err error) {
	if !v.has(c) {
		return false, nil
	}
	return true, v.run(ctx, c, arg)
}

func can[T any](c protocols.Client) bool {
	_, ok := protocols.As[T](c)
	return ok
}
