package all

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// TestNothingGiven: every operation of every adapter, with nil options, nil hooks and what
// hooks return as nil, at a port where nobody listens: each ends with an error or a
// result, none panics, and a receipt is there in any case.
func TestNothingGiven(t *testing.T) {
	for _, at := range []string{
		"http://127.0.0.1:1/", "ftp://127.0.0.1:1/", "smtp://127.0.0.1:1/", "pop3://127.0.0.1:1/", "imap://127.0.0.1:1/", "nntp://127.0.0.1:1/",
		"telnet://127.0.0.1:1/", "gopher://127.0.0.1:1/", "xmlrpc+http://127.0.0.1:1/", "tcp://127.0.0.1:1", "maildir:" + t.TempDir() + "/none", "mbox:" + t.TempDir() + "/none",
	} {
		for name, o := range map[string]*protocols.Options{
			"nil": nil, "zero": {},
			"hooks of nothing": {
				Observe: func(context.Context, protocols.Op) (context.Context, func(error)) { return nil, nil },
				Credentials: func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
					return protocols.Credential{}, nil
				},
				Trace: func(protocols.Event) {}, Wait: true,
			},
		} {
			c, _, err := Open(at, o)
			if err != nil {
				t.Errorf("%s, options %s: %v", at, name, err)
				continue
			}
			everything(t, at, c)
			if err := errors.Join(c.Close(), c.Close()); err != nil {
				t.Errorf("%s: Close: %v", at, err)
			}
			everything(t, at, c)
		}
	}
}

// everything calls all functions of package protocols with as little as they take.
func everything(t *testing.T, at string, c protocols.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			t.Errorf("%s panicked: %v", at, v)
		}
	}()
	for _, list := range []func(){
		func() {
			for range protocols.List(ctx, c, "") {
			}
		},
		func() {
			for range protocols.Search(ctx, c, "", "") {
			}
		},
		func() { _, _ = protocols.Stat(ctx, c, "") },
		func() { _, _ = protocols.Get(ctx, c, "x", nil) },
		func() {
			_ = protocols.BulkGet(ctx, c, slices.Values([]string{"x"}), func(string, *protocols.Object, error) error { return nil })
		},
		func() { _ = protocols.Remove(ctx, c, "x") },
		func() { _ = protocols.Move(ctx, c, "x", "y") },
		func() { _ = protocols.Make(ctx, c, "x") },
		func() { _, _ = protocols.Do(ctx, c, "NOOP") },
	} {
		list()
	}
	for _, m := range []*protocols.Message{nil, {}} {
		if r, err := protocols.Send(ctx, c, m); r == nil || err == nil {
			t.Errorf("%s: receipt %v, %v", at, r, err)
		}
	}
	if r, err := c.Probe(ctx); r == nil {
		t.Errorf("%s: no report, %v", at, err)
	}
}
