package nntp

import (
	"errors"
	"io/fs"
	"net/url"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/newslab"
)

// TestCodes: what a refusal in the middle of a session means, and whether it is
// worth another attempt.
func TestCodes(t *testing.T) {
	for _, k := range []struct {
		reply string
		kind  protocols.Kind
		class error
		retry bool
	}{
		{"400 going down", protocols.KindTemporary, nil, true},
		{"400 too many connections", protocols.KindTemporary, protocols.ErrTooMany, true},
		{"403 disk full", protocols.KindTemporary, nil, true},
		{"411 no such group", protocols.KindRefused, fs.ErrNotExist, false},
		{"481 wrong", protocols.KindAuth, nil, false},
		{"483 encryption needed", protocols.KindTLS, protocols.ErrNeedsTLS, false},
		{"500 what?", protocols.KindRefused, errors.ErrUnsupported, false},
		{"502 not you", protocols.KindRefused, fs.ErrPermission, false},
		{"502 too many connections from your address", protocols.KindTemporary, protocols.ErrTooMany, true},
		{"503 not here", protocols.KindRefused, errors.ErrUnsupported, false},
		{"599 who knows", protocols.KindRefused, nil, false},
		{"299 who knows", protocols.KindProtocol, nil, false},
		{"211", protocols.KindProtocol, nil, false},
		{"no number", protocols.KindProtocol, nil, false},
	} {
		s := labtest.Start(t, newslab.Start, newslab.Options{ServerOptions: lab.ServerOptions{Faults: lab.Faults{{Kind: lab.FaultCode, Verb: "GROUP", Text: k.reply}}}})
		c := labtest.Connect(t, New, s, nil)
		_, err := c.Group(t.Context(), "local.test")
		if protocols.KindOf(err) != k.kind || k.class != nil && !errors.Is(err, k.class) || protocols.IsRetryable(err) != k.retry {
			t.Errorf("%s: %v, kind %v, retryable %v", k.reply, err, protocols.KindOf(err), protocols.IsRetryable(err))
		}
		if _, err := c.Date(t.Context()); err != nil {
			t.Errorf("behind %s the client is of no use: %v", k.reply, err)
		}
	}
}

// TestLoginOnce: a server that asks for a login in the middle of a session gets no
// second one.
func TestLoginOnce(t *testing.T) {
	s := labtest.Start(t, newslab.Start, newslab.Options{ServerOptions: lab.ServerOptions{Faults: lab.Faults{{Kind: lab.FaultCode, Verb: "GROUP", Text: "480 log in"}}}})
	c := labtest.Connect(t, New, s, nil)
	if _, err := c.Group(t.Context(), "local.test"); !errors.Is(err, protocols.ErrLoginNeeded) || protocols.KindOf(err) != protocols.KindAuth {
		t.Errorf("%v, want ErrLoginNeeded", err)
	}
	logins := 0
	for _, line := range s.Commands() {
		if strings.HasPrefix(line, "AUTHINFO USER") {
			logins++
		}
	}
	if logins != 1 {
		t.Errorf("%d logins, want 1: %q", logins, s.Commands())
	}
}

// TestLoginNotHad: a login that was asked for and that the server does not take is no
// success. Who names nobody is served.
func TestLoginNotHad(t *testing.T) {
	for _, legacy := range []bool{false, true} {
		s := labtest.Start(t, newslab.Start, newslab.Options{Legacy: legacy, Disable: []string{"AUTHINFO"}})
		c := labtest.Connect(t, New, s, nil)
		if _, err := c.Group(t.Context(), "local.test"); protocols.KindOf(err) != protocols.KindAuth {
			t.Errorf("legacy %v: %v", legacy, err)
		}
		u, err := url.Parse(s.URL())
		if err != nil {
			t.Fatal(err)
		}
		c, err = New(u, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Group(t.Context(), "local.test"); err != nil {
			t.Errorf("legacy %v, without a user: %v", legacy, err)
		}
	}
}

// TestNoSecretInClear: a server that wants TLS for a login gets no password without.
func TestNoSecretInClear(t *testing.T) {
	s := labtest.Start(t, newslab.Start, newslab.Options{ServerOptions: lab.ServerOptions{TLS: lab.TLSExplicit}, NeedTLS: true, NeedLogin: true})
	c := labtest.Connect(t, New, s, &protocols.Options{TLS: protocols.TLS{Mode: protocols.TLSOff}})
	_, err := c.Group(t.Context(), "local.test")
	if protocols.KindOf(err) != protocols.KindTLS || !errors.Is(err, protocols.ErrNeedsTLS) {
		t.Errorf("%v, want ErrNeedsTLS", err)
	}
	for _, line := range s.Commands() {
		if strings.HasPrefix(line, "AUTHINFO PASS") {
			t.Errorf("sent %q", line)
		}
	}
}
