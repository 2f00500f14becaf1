package protocoltest

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// lawBusy: while an object or a listing is open every other verb fails at once.
func lawBusy(t *testing.T, h *Harness) {
	ctx, s, c := h.live(t)
	if can[protocols.Getter](c) {
		o, err := protocols.Get(ctx, c, s.Files[0], nil)
		if err != nil {
			t.Fatal(err)
		}
		allBusy(ctx, t, c, "while an object is open")
		o.Body.Close()
		if _, err := readAll(ctx, c, s.Files[0]); err != nil {
			t.Errorf("after Close: %v", err)
		}
	}
	if can[protocols.Lister](c) {
		for _, err := range protocols.List(ctx, c, s.Folder) {
			if err != nil {
				t.Fatal(err)
			}
			allBusy(ctx, t, c, "while a listing is open")
		}
		if n := len(collect(t, protocols.List(ctx, c, s.Folder))); n < 3 {
			t.Errorf("%d entries after all that", n)
		}
	}
}

func allBusy(ctx context.Context, t *testing.T, c protocols.Client, when string) {
	t.Helper()
	for _, v := range verbs {
		if err, has := v.call(ctx, c, "x"); has && !errors.Is(err, protocols.ErrBusy) {
			t.Errorf("%s %s: %v, want ErrBusy", v.name, when, err)
		}
	}
	if _, err := c.Probe(ctx); !errors.Is(err, protocols.ErrBusy) {
		t.Errorf("Probe %s: %v, want ErrBusy", when, err)
	}
}

// lawBulk: objects come in order, each with its own error, and the caller may
// stop, or leave a body unread.
func lawBulk(t *testing.T, h *Harness) {
	ctx, s, c := h.live(t)
	if !can[protocols.BulkGetter](c) {
		t.Skip("the client is no BulkGetter")
	}
	names := []string{s.Files[0], s.Missing, s.Files[1], "bad\r\nname", s.Files[2]}
	wantErr := []error{nil, fs.ErrNotExist, nil, nil, nil}
	i := 0
	err := protocols.BulkGet(ctx, c, sequence(names), func(name string, o *protocols.Object, err error) error {
		defer func() { i++ }()
		switch {
		case i >= len(names) || name != names[i]:
			t.Errorf("%q is number %d", name, i)
		case i == 3:
			if protocols.KindOf(err) != protocols.KindUsage {
				t.Errorf("%q: %v, want kind usage", name, err)
			}
		case wantErr[i] != nil:
			if !errors.Is(err, wantErr[i]) || o != nil {
				t.Errorf("%q: %v, want %v", name, err, wantErr[i])
			}
		default:
			checkBody(t, s, name, o, err)
		}
		return nil
	})
	if err != nil || i != len(names) {
		t.Errorf("%d of %d: %v", i, len(names), err)
	}
	h.bulkStop(ctx, t, s, c)
}

func checkBody(t *testing.T, s *Server, name string, o *protocols.Object, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%q: %v", name, err)
		return
	}
	got, err := io.ReadAll(o.Body)
	for i, f := range s.Files {
		if f == name && string(got) != string(s.Content[i]) {
			t.Errorf("%q: %d bytes, want %d: %v", name, len(got), len(s.Content[i]), err)
		}
	}
}

// bulkStop: the caller's error ends the work, and a body that was not read does
// not disturb the next one.
func (h *Harness) bulkStop(ctx context.Context, t *testing.T, s *Server, c protocols.Client) {
	stop := errors.New("enough")
	for _, at := range []int{0, 1} {
		n := 0
		err := protocols.BulkGet(ctx, c, sequence(s.Files), func(string, *protocols.Object, error) error {
			if n++; n > at {
				return stop
			}
			return nil
		})
		if !errors.Is(err, stop) || n != at+1 {
			t.Errorf("stopped at %d: %d calls, %v", at, n, err)
		}
	}
	if got, err := readAll(ctx, c, s.Files[1]); err != nil || got != string(s.Content[1]) {
		t.Errorf("after a stop: %d bytes, %v", len(got), err)
	}
}
