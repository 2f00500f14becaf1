//go:build linux

package interop

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/pop3"
)

// popBox is the user whose maildrop the tests fill; nobody else uses it.
const popBox = "frank"

// popWay is one way to reach Dovecot.
type popWay struct {
	name, service, scheme, mechanism string
	mode                             protocols.TLSMode
	token                            bool
	set                              pop3.Settings
}

// popLab is what clients of Dovecot need, determined once per test.
type popLab struct {
	addrs Addrs
	pool  *x509.CertPool
	token string // alice's
}

func popServer(t *testing.T) popLab {
	t.Helper()
	addrs := Require(t, "POP3", "POP3S")
	token, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(CA(t))), "dovecot", "token"))
	if err != nil {
		t.Fatal(err)
	}
	return popLab{addrs, Pool(t), strings.TrimSpace(string(token))}
}

func (l popLab) open(t *testing.T, w popWay, user string, cred protocols.Credential) *pop3.Client {
	t.Helper()
	o := &protocols.Options{
		TLS: protocols.TLS{Mode: w.mode, Config: &tls.Config{RootCAs: l.pool}}, Mechanism: w.mechanism,
		Credentials: func(_ context.Context, r protocols.CredentialRequest) (protocols.Credential, error) {
			cred.User = r.User
			return cred, nil
		},
	}
	c, err := pop3.New(&url.URL{Scheme: w.scheme, Host: l.addrs[w.service], Path: "/", User: url.User(user)}, o)
	if err != nil {
		t.Fatal(err)
	}
	c.Settings = w.set
	t.Cleanup(func() { c.Close() })
	return c
}

// box opens the maildrop that the tests fill.
func (l popLab) box(t *testing.T, w popWay) *pop3.Client {
	t.Helper()
	return l.open(t, w, popBox, protocols.Credential{Password: Password})
}

// TestPOP3Logins: each mechanism, with each kind of TLS; and wrong passwords and
// tokens.
func TestPOP3Logins(t *testing.T) {
	l := popServer(t)
	for _, w := range []popWay{
		{name: "strongest without TLS", service: "POP3", scheme: "pop3", mode: protocols.TLSOff},
		{name: "strongest under STLS", service: "POP3", scheme: "pop3", mode: protocols.TLSRequire},
		{name: "strongest under TLS", service: "POP3S", scheme: "pop3s"},
		{name: "USER", service: "POP3", scheme: "pop3", mechanism: "USER", mode: protocols.TLSOff},
		{name: "USER under STLS", service: "POP3", scheme: "pop3", mechanism: "USER", mode: protocols.TLSRequire},
		{name: "APOP", service: "POP3", scheme: "pop3", mechanism: "APOP", mode: protocols.TLSOff},
		{name: "APOP under TLS", service: "POP3S", scheme: "pop3s", mechanism: "APOP"},
		{name: "PLAIN", service: "POP3", scheme: "pop3", mechanism: "PLAIN", mode: protocols.TLSOff},
		{name: "LOGIN", service: "POP3", scheme: "pop3", mechanism: "LOGIN", mode: protocols.TLSOff},
		{name: "CRAM-MD5", service: "POP3", scheme: "pop3", mechanism: "CRAM-MD5", mode: protocols.TLSOff},
		{name: "SCRAM-SHA-1", service: "POP3", scheme: "pop3", mechanism: "SCRAM-SHA-1", mode: protocols.TLSOff},
		{name: "SCRAM-SHA-256", service: "POP3", scheme: "pop3", mechanism: "SCRAM-SHA-256", mode: protocols.TLSOff},
		{name: "SCRAM-SHA-256 under TLS", service: "POP3S", scheme: "pop3s", mechanism: "SCRAM-SHA-256"},
		{name: "OAUTHBEARER under TLS", service: "POP3S", scheme: "pop3s", mechanism: "OAUTHBEARER", token: true},
		{name: "XOAUTH2 under STLS", service: "POP3", scheme: "pop3", mechanism: "XOAUTH2", mode: protocols.TLSRequire, token: true},
	} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel() // Dovecot delays a refusal by half a second
			right, wrong := protocols.Credential{Password: Password}, protocols.Credential{Password: "wrong"}
			if w.token {
				right, wrong = protocols.Credential{Token: l.token}, protocols.Credential{Token: "wrong"}
			}
			if count, size, err := l.open(t, w, Alice, right).Totals(t.Context()); err != nil || count < 0 || size < 0 {
				t.Errorf("%d messages of %d bytes, %v", count, size, err)
			}
			if _, _, err := l.open(t, w, Alice, wrong).Totals(t.Context()); protocols.KindOf(err) != protocols.KindAuth {
				t.Errorf("a wrong login: %v, want kind auth", err)
			}
		})
	}
}

// popTexts returns messages that dot-stuffing and line ends might corrupt.
func popTexts(stamp string) []string {
	var texts []string
	for i, body := range []string{
		"one line\r\n", ".\r\n..\r\n.x\r\n\r\n.\r\n", "\r\n\r\n", "", "8 bits: \xff\xfe Gr\xc3\xbc\xc3\x9fe\r\n",
		strings.Repeat("y", 5000) + "\r\n", "From here\r\n>From there\r\n", strings.Repeat(".a line that begins with a dot\r\n", 40_000),
	} {
		texts = append(texts, fmt.Sprintf("From: a@example.org\r\nSubject: message %d\r\nMessage-ID: <%d.%s@interop>\r\n\r\n%s", i, i, stamp, body))
	}
	return texts
}

// popFill puts messages into the maildrop, and removes the remaining ones at the
// end.
func popFill(t *testing.T, texts []string) {
	t.Helper()
	c := imapClient(t, "IMAP", "imap", popBox, func(o *protocols.Options) { o.TLS.Mode = protocols.TLSOff })
	c.Settings.Force = true
	var paths []string
	t.Cleanup(func() {
		for _, path := range paths {
			if err := c.Remove(context.Background(), path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("clean up: %v", err)
			}
		}
	})
	ups := func(yield func(imap.Upload, error) bool) {
		for _, text := range texts {
			if !yield(imap.Upload{Body: strings.NewReader(text), Date: time.Now()}, nil) {
				return
			}
		}
	}
	err := c.PutAll(t.Context(), "INBOX", ups, func(_ int, e protocols.Entry, err error) error {
		paths = append(paths, e.Path)
		return err
	})
	if err != nil || len(paths) != len(texts) {
		t.Fatalf("%d messages stored: %v", len(paths), err)
	}
}

// popIDs returns the unique ids of the maildrop.
func popIDs(t *testing.T, l popLab, w popWay) []string {
	t.Helper()
	var ids []string
	for _, e := range gathered(t, l.box(t, w).UIDs(t.Context())) {
		ids = append(ids, e.ID)
	}
	return ids
}

func popNames(ids []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, id := range ids {
			if !yield(";UID=" + id) {
				return
			}
		}
	}
}

// TestPOP3Maildrop: stored messages are listed, read byte for byte and deleted,
// over each way to reach the server, and other messages stay.
func TestPOP3Maildrop(t *testing.T) {
	l := popServer(t)
	for _, w := range []popWay{
		{name: "without TLS", service: "POP3", scheme: "pop3", mode: protocols.TLSOff},
		{name: "lock-step", service: "POP3", scheme: "pop3", mode: protocols.TLSOff, set: pop3.Settings{NoPipelining: true}},
		{name: "STLS", service: "POP3", scheme: "pop3", mode: protocols.TLSRequire},
		{name: "TLS", service: "POP3S", scheme: "pop3s", set: pop3.Settings{Headers: true}},
	} {
		t.Run(w.name, func(t *testing.T) {
			before := popIDs(t, l, w)
			texts := popTexts(fmt.Sprint(time.Now().UnixNano()))
			popFill(t, texts)
			ids := slices.DeleteFunc(popIDs(t, l, w), func(id string) bool { return slices.Contains(before, id) })
			if len(ids) != len(texts) {
				t.Fatalf("%d new ids for %d messages", len(ids), len(texts))
			}
			c := l.box(t, w)
			checkDrop(t, c, ids, texts, w.set.Headers)
			checkReset(t, c, ids[0], int64(len(before)+len(texts)))
			checkRemoval(t, l, w, c, before, ids)
		})
	}
}

// checkDrop lists the messages and reads them with each command.
func checkDrop(t *testing.T, c *pop3.Client, ids, texts []string, headers bool) {
	t.Helper()
	ctx := t.Context()
	listed := 0
	for _, e := range gathered(t, c.List(ctx, "")) {
		i := slices.Index(ids, e.ID)
		if i < 0 {
			continue
		}
		listed++
		if e.Size != int64(len(texts[i])) || headers && e.Subject != fmt.Sprintf("message %d", i) {
			t.Errorf("message %d is listed as %+v", i, e)
		}
	}
	if listed != len(ids) {
		t.Errorf("%d of %d listed", listed, len(ids))
	}
	n := 0
	err := c.BulkGet(ctx, popNames(ids), func(name string, o *protocols.Object, err error) error {
		if got := labtest.Object(t, o, err); got != texts[n] {
			t.Errorf("%s: %d bytes, want the %d of message %d", name, len(got), len(texts[n]), n)
		}
		n++
		return nil
	})
	if err != nil || n != len(ids) {
		t.Errorf("%d messages in bulk: %v", n, err)
	}
	for i, id := range ids {
		o, err := c.Get(ctx, ";UID="+id, nil)
		if got := labtest.Object(t, o, err); got != texts[i] {
			t.Errorf("message %d alone: %d bytes, want %d", i, len(got), len(texts[i]))
		}
	}
	o, err := c.Get(ctx, ";UID="+ids[7], &protocols.GetOptions{Offset: 1000, Length: 500})
	if got := labtest.Object(t, o, err); got != texts[7][1000:1500] {
		t.Errorf("a part: %q", got)
	}
	head, body, _ := strings.Cut(texts[1], "\r\n\r\n")
	for lines, want := range map[int]string{0: "", 2: ".\r\n..\r\n", 100: body} {
		o, err := c.Top(ctx, ";UID="+ids[1], lines)
		if got := labtest.Object(t, o, err); got != head+"\r\n\r\n"+want {
			t.Errorf("the top %d lines: %q", lines, got)
		}
	}
}

// checkReset marks a message as deleted, and undoes that.
func checkReset(t *testing.T, c *pop3.Client, id string, count int64) {
	t.Helper()
	ctx := t.Context()
	e, err := c.Stat(ctx, ";UID="+id)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		command string
		left    int64
	}{{fmt.Sprint("DELE ", e.Number), count - 1}, {"RSET", count}} {
		if _, err := c.Do(ctx, step.command); err != nil {
			t.Fatal(err)
		}
		if got, _, err := c.Totals(ctx); err != nil || got != step.left {
			t.Errorf("after %s: %d messages, want %d: %v", step.command, got, step.left, err)
		}
	}
}

// checkRemoval deletes one message, then all others but the last at once.
func checkRemoval(t *testing.T, l popLab, w popWay, c *pop3.Client, before, ids []string) {
	t.Helper()
	ctx := t.Context()
	if err := c.Remove(ctx, ";UID="+ids[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(ctx, ";UID="+ids[0], nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a deleted message: %v, want ErrNotExist", err)
	}
	last := len(ids) - 1
	n := 0
	err := c.BulkRemove(ctx, popNames(ids[1:last]), func(_ string, err error) error {
		n++
		return err
	})
	if err != nil || n != last-1 {
		t.Errorf("%d deleted: %v", n, err)
	}
	if left := popIDs(t, l, w); !slices.Equal(left, append(slices.Clone(before), ids[last])) {
		t.Errorf("remaining: %q, want %q and the last of %q", left, before, ids)
	}
}

// TestPOP3Answers: what the server reports about itself, and what it refuses.
func TestPOP3Answers(t *testing.T) {
	l := popServer(t)
	w := popWay{service: "POP3", scheme: "pop3", mode: protocols.TLSOff}
	ctx := t.Context()
	c := l.box(t, w)
	if text, err := c.Greeting(ctx); err != nil || !strings.Contains(text, "<") {
		t.Errorf("greeting %q, %v", text, err)
	}
	caps, err := c.Capabilities(ctx)
	for _, want := range []string{"TOP", "UIDL", "PIPELINING"} {
		if err != nil || !slices.ContainsFunc(caps, func(p protocols.Capability) bool { return p.Name == want }) {
			t.Errorf("no %s in %v, %v", want, caps, err)
		}
	}
	for _, name := range []string{"999999", ";UID=no-such-id"} {
		if _, err := c.Get(ctx, name, nil); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("get %s: %v, want ErrNotExist", name, err)
		}
		if err := c.Remove(ctx, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("rm %s: %v, want ErrNotExist", name, err)
		}
	}
	if r, err := c.Do(ctx, "NOSUCH"); err != nil || r.Word != "-ERR" {
		t.Errorf("an unknown command: %+v, %v", r, err)
	}
	if _, _, err := c.Totals(ctx); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	for _, w := range []popWay{w, {service: "POP3S", scheme: "pop3s"}} {
		if r, err := l.box(t, w).Probe(ctx); err != nil || !r.Up || len(r.Capabilities) < 5 {
			t.Errorf("probe: %+v, %v", r, err)
		}
	}
}
