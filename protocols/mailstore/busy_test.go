package mailstore

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// bothKinds returns both kinds of clients, with a path of each.
func bothKinds(t *testing.T) map[string]func() (protocols.Client, string) {
	dir := t.TempDir()
	return map[string]func() (protocols.Client, string){
		"maildir": func() (protocols.Client, string) { return NewMaildir(nil), filepath.Join(dir, "md") },
		"mbox":    func() (protocols.Client, string) { return NewMbox(nil), filepath.Join(dir, "mb") },
	}
}

// verbsOf calls every verb of a client once.
func verbsOf(ctx context.Context, c protocols.Client, name, message string) map[string]error {
	_, probe := c.Probe(ctx)
	_, stat := protocols.Stat(ctx, c, name)
	o, get := protocols.Get(ctx, c, message, nil)
	if o != nil {
		o.Body.Close()
	}
	_, put := protocols.Put(ctx, c, name, strings.NewReader("Subject: x\n\n"), nil)
	var list error
	for _, err := range protocols.List(ctx, c, name) {
		list = err
	}
	names := func(yield func(string) bool) { yield(message) }
	bulk := protocols.BulkGet(ctx, c, names, func(_ string, _ *protocols.Object, err error) error { return err })
	_, archive := c.(protocols.MessageTarget).OpenArchive(ctx, name, nil)
	_, mailbox := c.(protocols.MessageSource).OpenMailbox(ctx, name)
	return map[string]error{
		"Probe": probe, "Stat": stat, "Get": get, "Put": put, "List": list, "BulkGet": bulk,
		"Remove": protocols.Remove(ctx, c, message), "OpenArchive": archive, "OpenMailbox": mailbox,
	}
}

// TestOneOperation: while a message or a listing is open, every verb fails at once; after
// that the client works.
func TestOneOperation(t *testing.T) {
	for kind, open := range bothKinds(t) {
		c, name := open()
		e, err := protocols.Put(t.Context(), c, name, strings.NewReader("Subject: x\n\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		busy := func(when string) {
			for verb, err := range verbsOf(t.Context(), c, name, e.Path) {
				if !errors.Is(err, protocols.ErrBusy) {
					t.Errorf("%s: %s while %s is open: %v", kind, verb, when, err)
				}
			}
		}
		o, err := protocols.Get(t.Context(), c, e.Path, nil)
		if err != nil {
			t.Fatal(err)
		}
		busy("a message")
		if b, err := io.ReadAll(o.Body); !strings.HasPrefix(string(b), "Subject: x") || err != nil {
			t.Errorf("%s: %q, %v", kind, b, err)
		}
		o.Body.Close()
		o.Body.Close()
		for range protocols.List(t.Context(), c, name) {
			busy("a listing")
		}
		if _, err := protocols.Stat(t.Context(), c, name); err != nil {
			t.Errorf("%s: after that: %v", kind, err)
		}
	}
}

// TestCloseDuringGet: Close ends reading with an error of class ErrClosed that is not
// worth a retry, and no verb works after it.
func TestCloseDuringGet(t *testing.T) {
	for kind, open := range bothKinds(t) {
		c, name := open()
		e, err := protocols.Put(t.Context(), c, name, strings.NewReader("Subject: x\n\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		o, err := protocols.Get(t.Context(), c, e.Path, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		_, err = io.ReadAll(o.Body)
		o.Body.Close()
		all := verbsOf(t.Context(), c, name, e.Path)
		all["Read"] = err
		for verb, err := range all {
			if !errors.Is(err, protocols.ErrClosed) || !errors.Is(err, net.ErrClosed) || protocols.IsRetryable(err) {
				t.Errorf("%s: %s after Close: %v", kind, verb, err)
			}
		}
	}
}
