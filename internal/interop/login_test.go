//go:build linux

package interop

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/netclients/netclients/internal/authlab"
	"github.com/netclients/netclients/internal/cli"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// browser is a standard error that follows the link to log in at, as a person would.
type browser struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (b *browser) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, at, ok := strings.Cut(string(p), "Log in at "); ok {
		go func() {
			if resp, err := http.Get(strings.TrimSpace(at)); err == nil {
				resp.Body.Close()
			}
		}()
	}
	return b.text.Write(p)
}

// TestLoginDovecot: tokens of an authorization server, got with a browser, open IMAP and
// POP3 of Dovecot, which asks that server about them; they are refreshed when they have
// run out, and are of no use after logout.
func TestLoginDovecot(t *testing.T) {
	Require(t, "IMAP")
	auth := labtest.Start(t, authlab.Start, authlab.Options{Client: "cli"})
	imap, pop3 := ownDovecot(t, auth.Issuer()+"/introspect")
	home := t.TempDir()
	t.Setenv("XDG_DATA_HOME", home)
	t.Setenv("NETCLIENTS_CONFIG", home+"/none.toml")
	t.Setenv("NETCLIENTS_KEYRING", "off")
	t.Setenv("NETCLIENTS_PASSWORD", "")
	run := func(args ...string) (int, string, string) {
		var out bytes.Buffer
		words := &browser{}
		code := cli.Main(context.WithoutCancel(t.Context()), append(args, "--ca-file", CA(t)), strings.NewReader(""), &out, words)
		return code, out.String(), words.text.String()
	}
	code, out, words := run("login", "--oauth", auth.Issuer(), "--client-id", "cli", "imap://alice@"+imap, "pop3://alice@"+pop3)
	if code != 0 || !strings.Contains(out, "token of "+auth.Issuer()) {
		t.Fatalf("exit code %d, %s%s", code, out, words)
	}
	for _, url := range []string{"imap://" + imap, "imap://alice@" + imap, "pop3://" + pop3} {
		if code, out, words = run("doctor", "--json", url); code != 0 || !strings.Contains(out, "BEARER, with a token until") {
			t.Errorf("%s: exit code %d, %s%s", url, code, out, words)
		}
	}
	if code, out, words = run("ls", "imap://"+imap); code != 0 || !strings.Contains(out, "INBOX") {
		t.Errorf("exit code %d, %s%s", code, out, words)
	}
	if code, out, words = run("ls", "--auth", "XOAUTH2", "imap://"+imap); code != 0 || !strings.Contains(out, "INBOX") {
		t.Errorf("XOAUTH2: exit code %d, %s%s", code, out, words)
	}
	if code, _, words = run("logout", "imap://alice@"+imap); code != 0 || auth.Refreshable() != 0 {
		t.Errorf("exit code %d, %s", code, words)
	}
	if code, _, _ = run("ls", "imap://alice@"+imap); code != 5 {
		t.Errorf("after logout: exit code %d", code)
	}
}

// TestRefreshDovecot: with tokens that have run out each command gets a new one.
func TestRefreshDovecot(t *testing.T) {
	Require(t, "IMAP")
	auth := labtest.Start(t, authlab.Start, authlab.Options{Lifetime: 1}) // each has ended when it comes
	home := t.TempDir()
	t.Setenv("XDG_DATA_HOME", home)
	t.Setenv("NETCLIENTS_CONFIG", home+"/none.toml")
	t.Setenv("NETCLIENTS_KEYRING", "off")
	imap, _ := ownDovecot(t, auth.Issuer()+"/introspect")
	run := func(args ...string) (int, string) {
		words := &browser{}
		var out bytes.Buffer
		code := cli.Main(context.WithoutCancel(t.Context()), append(args, "--ca-file", CA(t)), strings.NewReader(""), &out, words)
		return code, words.text.String()
	}
	if code, words := run("login", "--no-check", "--oauth", auth.Issuer(), "--client-id", "cli", "imap://alice@"+imap); code != 0 {
		t.Fatalf("exit code %d, %s", code, words)
	}
	auth.SetLifetime(0)
	for range 2 {
		if code, words := run("ls", "imap://"+imap); code != 0 {
			t.Errorf("exit code %d, %s", code, words)
		}
	}
	if n := auth.Count("refresh_token"); n != 1 {
		t.Errorf("%d refreshes", n)
	}
}
