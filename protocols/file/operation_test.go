package file

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestOneOperation: while an object, a listing or an upload is in progress every other verb
// fails at once; Close ends what is in progress.
func TestOneOperation(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/f", "123")
	c, ctx := open(t, dir), t.Context()
	busy := func(when string) {
		t.Helper()
		_, stat := c.Stat(ctx, "f")
		_, get := c.Get(ctx, "f", nil)
		_, put := c.Put(ctx, "g", strings.NewReader("x"), nil)
		_, probe := c.Probe(ctx)
		var list error
		for _, err := range c.List(ctx, "") {
			list = err
		}
		for verb, err := range map[string]error{"stat": stat, "get": get, "put": put, "probe": probe, "ls": list, "rm": c.Remove(ctx, "f"), "mkdir": c.Make(ctx, "d"), "mv": c.Move(ctx, "f", "h")} {
			if !errors.Is(err, protocols.ErrBusy) {
				t.Errorf("%s during %s: %v", verb, when, err)
			}
		}
	}
	obj, err := c.Get(ctx, "f", nil)
	check(t, err)
	busy("get")
	check(t, obj.Body.Close())
	for _, err := range c.List(ctx, "") {
		check(t, err)
		busy("ls")
	}
	_, err = c.Put(ctx, "new", readerFunc(func([]byte) (int, error) { busy("put"); return 0, io.EOF }), nil)
	check(t, err)
	obj, err = c.Get(ctx, "f", nil)
	check(t, err)
	check(t, c.Close())
	if _, err := io.ReadAll(obj.Body); !errors.Is(err, protocols.ErrClosed) {
		t.Errorf("read after Close: %v", err)
	}
	check(t, obj.Body.Close())
	if _, err := c.Stat(ctx, "f"); !errors.Is(err, protocols.ErrClosed) {
		t.Errorf("stat after Close: %v", err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
