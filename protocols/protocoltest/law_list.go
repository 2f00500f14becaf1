package protocoltest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// liveLimit bounds what is done with a real server.
const liveLimit = 30 * time.Second

// live is a client of the harness's server.
func (h *Harness) live(t *testing.T) (context.Context, *Server, protocols.Client) {
	t.Helper()
	if h.Server == nil {
		t.Fatal("the harness has no server; Skip wants a reason")
	}
	s := h.Server(t)
	ctx, cancel := context.WithTimeout(t.Context(), liveLimit)
	t.Cleanup(cancel)
	return ctx, s, h.client(t, s)
}

func (h *Harness) client(t *testing.T, s *Server) protocols.Client {
	t.Helper()
	c := h.open(t, s.URL, s.Options)
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return c
}

// lawList: entries have URLs that lead back to them, breaking off leaves the
// client usable, ranging again lists again, and an error is the last pair.
func lawList(t *testing.T, h *Harness) {
	ctx, s, c := h.live(t)
	if !can[protocols.Lister](c) {
		t.Skip("the client is not a Lister")
	}
	seq := protocols.List(ctx, c, s.Folder)
	first := collect(t, seq)
	if len(first) < 3 {
		t.Fatalf("%d entries, want 3 or more", len(first))
	}
	for _, e := range first {
		h.checkEntry(t, e)
	}
	for range seq {
		break
	}
	if again := collect(t, seq); len(again) != len(first) {
		t.Errorf("%d entries the first time, %d after a break", len(first), len(again))
	}
	pairs := 0
	for e, err := range protocols.List(ctx, c, s.Missing) {
		if pairs++; err == nil || pairs > 1 || e.Name != "" {
			t.Errorf("pair %d of a folder that is not there: %v, %v", pairs, e, err)
		}
	}
	if pairs != 1 {
		t.Errorf("%d pairs of a folder that is not there, want 1", pairs)
	}
	h.listUnderDeadline(t, s)
}

func collect(t *testing.T, seq func(func(protocols.Entry, error) bool)) (all []protocols.Entry) {
	t.Helper()
	for e, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func (h *Harness) checkEntry(t *testing.T, e protocols.Entry) {
	t.Helper()
	if e.Protocol != h.Spec.Name || e.Type == "" || e.Name == "" && e.Raw == "" {
		t.Errorf("entry lacks something: %+v", e)
	}
	if !e.Parsed() {
		return
	}
	r, err := protocols.NewRegistry(h.Spec)
	if err != nil {
		t.Fatal(err)
	}
	target, err := r.Parse(e.URL, "")
	if err != nil {
		t.Errorf("URL %q of %q: %v", e.URL, e.Path, err)
		return
	}
	if trimSlash(target.Name) != trimSlash(e.Path) {
		t.Errorf("URL %q leads to %q, not to %q", e.URL, target.Name, e.Path)
	}
}

// trimSlash: the URL of a folder ends in a slash, its name may not.
func trimSlash(name string) string {
	for len(name) > 1 && name[len(name)-1] == '/' {
		name = name[:len(name)-1]
	}
	return name
}

// listUnderDeadline: a context that has ended is found out before anything else.
func (h *Harness) listUnderDeadline(t *testing.T, s *Server) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, v := range verbs {
		has, err := v.call(ctx, h.client(t, s), "x")
		if has && !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context: %v", v.name, err)
		}
	}
}
