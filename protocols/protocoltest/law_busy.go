package protocoltest

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"sync"
	"syscall"
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
		if has, err := v.call(ctx, c, "x"); has && !errors.Is(err, protocols.ErrBusy) {
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
		t.Skip("the client is not a BulkGetter")
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
	t.Run("refused", func(t *testing.T) { h.bulkRefused(ctx, t, s) })
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

// bulkRefused: when the kept connection has ended and no new one can be made, BulkGet
// does not end well with names that it has said nothing about. The client works again
// when the server is back.
func (h *Harness) bulkRefused(ctx context.Context, t *testing.T, s *Server) {
	o := *s.Options
	gate := &dialGate{dial: o.Dial}
	o.Dial = gate.open
	c := h.open(t, s.URL, &o)
	defer c.Close()
	all := func(when string) (told int, err error) {
		err = protocols.BulkGet(ctx, c, sequence(s.Files), func(_ string, _ *protocols.Object, err error) error {
			told++
			return nil
		})
		if err == nil && told != len(s.Files) {
			t.Errorf("%s: success, and nothing was said about %d of %d names", when, len(s.Files)-told, len(s.Files))
		}
		return told, err
	}
	for range 2 { // requests go ahead only after a first answer
		if n, err := all("at first"); err != nil {
			t.Fatalf("%d of %d: %v", n, len(s.Files), err)
		}
	}
	gate.shut()
	all("without a server")
	gate.reopen()
	if _, err := readAll(ctx, c, s.Files[0]); err != nil {
		t.Errorf("when the server is back: %v", err)
	}
}

// dialGate makes connections until it is shut, which ends those there are.
type dialGate struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu     sync.Mutex
	closed bool
	conns  []net.Conn
}

func (g *dialGate) open(ctx context.Context, network, address string) (net.Conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	dial := g.dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	conn, err := dial(ctx, network, address)
	if err == nil {
		g.conns = append(g.conns, conn)
	}
	return conn, err
}

func (g *dialGate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for _, c := range g.conns {
		c.Close()
	}
	g.conns = nil
}

func (g *dialGate) reopen() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = false
}
