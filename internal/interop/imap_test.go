//go:build linux

package interop

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap"
)

// imapClient returns a client of Dovecot.
func imapClient(t *testing.T, service, scheme, user string, change func(o *protocols.Options)) *imap.Client {
	t.Helper()
	addrs := Require(t, service)
	o := &protocols.Options{TLS: protocols.TLS{Config: &tls.Config{RootCAs: Pool(t)}}}
	if change != nil {
		change(o)
	}
	c, err := imap.New(&url.URL{Scheme: scheme, Host: addrs[service], Path: "/", User: url.UserPassword(user, Password)}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// imapBox creates an empty mailbox for one test.
func imapBox(t *testing.T, c *imap.Client, name string) string {
	t.Helper()
	c.Settings.Force = true
	c.Unmake(t.Context(), name) // left by an interrupted run
	if err := c.Make(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Unmake(context.Background(), name) })
	return name
}

func imapList(t *testing.T, seq iter.Seq2[protocols.Entry, error]) (out []protocols.Entry) {
	t.Helper()
	for e, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func imapFill(t *testing.T, c *imap.Client, box string, n int) {
	t.Helper()
	ups := func(yield func(imap.Upload, error) bool) {
		for i := range n {
			text := fmt.Sprintf("From: a@example.org\r\nSubject: message %d\r\nMessage-ID: <%d@interop>\r\n\r\n%s\r\n", i, i, strings.Repeat("text ", i%50))
			if !yield(imap.Upload{Body: strings.NewReader(text), Date: time.Date(2024, 1, 1, 0, i, 0, 0, time.UTC)}, nil) {
				return
			}
		}
	}
	if err := c.PutAll(t.Context(), box, ups, func(_ int, _ protocols.Entry, err error) error { return err }); err != nil {
		t.Fatal(err)
	}
}

// TestIMAPLogins: each mechanism, with each kind of TLS.
func TestIMAPLogins(t *testing.T) {
	token := func(o *protocols.Options) {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(CA(t))), "dovecot", "token"))
		if err != nil {
			t.Fatal(err)
		}
		o.Credentials = func(_ context.Context, r protocols.CredentialRequest) (protocols.Credential, error) {
			return protocols.Credential{User: r.User, Token: strings.TrimSpace(string(text))}, nil
		}
	}
	for _, w := range []struct {
		service, scheme, mech string
		mode                  protocols.TLSMode
		more                  func(o *protocols.Options)
	}{
		{"IMAP", "imap", "", protocols.TLSOff, nil},
		{"IMAP", "imap", "", protocols.TLSRequire, nil},
		{"IMAPS", "imaps", "", protocols.TLSAuto, nil},
		{"IMAP", "imap", "PLAIN", protocols.TLSOff, nil},
		{"IMAP", "imap", "LOGIN", protocols.TLSOff, nil},
		{"IMAP", "imap", "CRAM-MD5", protocols.TLSOff, nil},
		{"IMAP", "imap", "SCRAM-SHA-1", protocols.TLSOff, nil},
		{"IMAP", "imap", "SCRAM-SHA-256", protocols.TLSOff, nil},
		{"IMAPS", "imaps", "SCRAM-SHA-256", protocols.TLSAuto, nil},
		{"IMAPS", "imaps", "OAUTHBEARER", protocols.TLSAuto, token},
		{"IMAPS", "imaps", "XOAUTH2", protocols.TLSAuto, token},
	} {
		t.Run(fmt.Sprintf("%s %s tls=%d", w.service, w.mech, w.mode), func(t *testing.T) {
			c := imapClient(t, w.service, w.scheme, Alice, func(o *protocols.Options) {
				o.Mechanism, o.TLS.Mode = w.mech, w.mode
				if w.more != nil {
					w.more(o)
				}
			})
			if _, err := c.Stat(t.Context(), "INBOX"); err != nil {
				t.Error(err)
			}
		})
	}
	wrong := imapClient(t, "IMAP", "imap", Alice, func(o *protocols.Options) {
		o.TLS.Mode = protocols.TLSOff
		o.Credentials = func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
			return protocols.Credential{User: Alice, Password: "wrong"}, nil
		}
	})
	if _, err := wrong.Stat(t.Context(), "INBOX"); protocols.KindOf(err) != protocols.KindAuth {
		t.Errorf("a wrong password: %v", err)
	}
}

// TestIMAPMailbox: stored messages are listed, found, read, flagged, moved and
// removed, with compression and without.
func TestIMAPMailbox(t *testing.T) {
	for _, compress := range []bool{false, true} {
		t.Run(fmt.Sprint("compress=", compress), func(t *testing.T) {
			c := imapClient(t, "IMAPS", "imaps", Bob, nil)
			c.Settings.Compress = compress
			box := imapBox(t, c, fmt.Sprintf("Prüfung %v & mehr", compress))
			imapFill(t, c, box, 250)
			all := imapList(t, c.List(t.Context(), box))
			if len(all) != 250 || all[7].Subject != "message 7" || all[7].Modified.Minute() != 7 {
				t.Fatalf("%d messages: %+v", len(all), all[min(7, len(all)-1)])
			}
			t.Run("all messages are read in order", func(t *testing.T) { imapReadsAll(t, c, all) })
			t.Run("messages are found and sorted", func(t *testing.T) { imapFinds(t, c, box) })
			t.Run("messages are flagged, moved and removed", func(t *testing.T) { imapChanges(t, c, box, all) })
		})
	}
}

// imapReadsAll reads the messages of imapFill with one command after the other.
func imapReadsAll(t *testing.T, c *imap.Client, all []protocols.Entry) {
	n := 0
	names := func(yield func(string) bool) {
		for _, e := range all {
			if !yield(e.Path) {
				return
			}
		}
	}
	err := c.BulkGet(t.Context(), names, func(name string, o *protocols.Object, err error) error {
		if err != nil {
			return err
		}
		b, err := io.ReadAll(o.Body)
		if err != nil || !bytes.Contains(b, fmt.Appendf(nil, "Subject: message %d\r\n", n)) || int64(len(b)) != all[n].Size {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
		n++
		return nil
	})
	if err != nil || n != len(all) {
		t.Errorf("%d read: %v", n, err)
	}
}

func imapFinds(t *testing.T, c *imap.Client, box string) {
	if got := imapList(t, c.Search(t.Context(), box, `subject:"message 24" larger:100`)); len(got) != 11 {
		t.Errorf("%d found", len(got))
	}
	if got := imapList(t, c.Sort(t.Context(), box, "reverse arrival", "subject:\"message 1\"")); got[0].Subject != "message 199" {
		t.Errorf("sorted: %s", got[0].Subject)
	}
}

func imapChanges(t *testing.T, c *imap.Client, box string, all []protocols.Entry) {
	ctx := t.Context()
	if err := c.Flag(ctx, all[3].Path, `+\Flagged`, "+$Work"); err != nil {
		t.Error(err)
	}
	if e, err := c.Stat(ctx, all[3].Path); err != nil || len(e.Flags) < 2 {
		t.Errorf("%v, %v", e.Flags, err)
	}
	other := imapBox(t, c, box+"/2")
	if err := c.Move(ctx, all[3].Path, other); err != nil {
		t.Error(err)
	}
	if err := c.Remove(ctx, all[4].Path); err != nil {
		t.Error(err)
	}
	if e, err := c.Stat(ctx, box); err != nil || e.Count != int64(len(all)-2) {
		t.Errorf("%d left: %v", e.Count, err)
	}
}

// TestIMAPChanges: with QRESYNC only changes are reported.
func TestIMAPChanges(t *testing.T) {
	c := imapClient(t, "IMAPS", "imaps", Alice, nil)
	ctx := t.Context()
	box := imapBox(t, c, "interop-changes")
	imapFill(t, c, box, 20)
	m, err := c.OpenMailbox(ctx, box)
	if err != nil {
		t.Fatal(err)
	}
	first := imapList(t, m.Changes(ctx, ""))
	if len(first) != 20 || !m.Complete || m.State == "" {
		t.Fatalf("%d messages, complete %v, state %q", len(first), m.Complete, m.State)
	}
	state := m.State
	if again := imapList(t, m.Changes(ctx, state)); len(again) != 0 || m.Complete {
		t.Errorf("%d changes reported although there were none", len(again))
	}
	other := imapClient(t, "IMAPS", "imaps", Alice, nil)
	if err := other.Flag(ctx, first[2].Path, `+\Seen`); err != nil {
		t.Fatal(err)
	}
	if err := other.Remove(ctx, first[5].Path); err != nil {
		t.Fatal(err)
	}
	imapFill(t, other, box, 1)
	if m, err = c.OpenMailbox(ctx, box); err != nil {
		t.Fatal(err)
	}
	changes := map[string]protocols.Type{}
	for _, e := range imapList(t, m.Changes(ctx, state)) {
		changes[e.ID] = e.Type
	}
	if len(changes) != 3 || changes[first[2].ID] != protocols.TypeMessage || changes[first[5].ID] != protocols.TypeGone || m.Complete {
		t.Errorf("changes %v, complete %v", changes, m.Complete)
	}
}

// TestIMAPAdministration: rights, quota, annotations, namespaces, and ID.
func TestIMAPAdministration(t *testing.T) {
	c := imapClient(t, "IMAPS", "imaps", Alice, nil)
	ctx := t.Context()
	box := imapBox(t, c, "interop-admin")
	if err := c.Admin().SetACL(ctx, box, Bob, "lrs"); err != nil {
		t.Fatal(err)
	}
	rights, err := c.Admin().ACL(ctx, box)
	if err != nil || len(rights) != 2 || rights[1].Rights != "lrs" {
		t.Errorf("%v, %v", rights, err)
	}
	if possible, err := c.Admin().ListRights(ctx, box, Bob); err != nil || len(possible) == 0 {
		t.Errorf("%v, %v", possible, err)
	}
	if err := c.Admin().DeleteACL(ctx, box, Bob); err != nil {
		t.Error(err)
	}
	if mine, err := c.Admin().MyRights(ctx, box); err != nil || !strings.Contains(mine, "lr") {
		t.Errorf("%q, %v", mine, err)
	}
	if q, err := c.Admin().Quotas(ctx, box, nil); err != nil || len(q) == 0 || q[0].Resource != "STORAGE" || q[0].Limit == 0 {
		t.Errorf("%v, %v", q, err)
	}
	note := "a \"note\"\\ in it, \r\nof two lines with an ö"
	if err := c.Admin().SetMetadata(ctx, box, "/private/comment", &note); err != nil {
		t.Error(err)
	}
	if m, err := c.Admin().Metadata(ctx, box); err != nil || m["/private/comment"] != note {
		t.Errorf("%v, %v", m, err)
	}
	if err := c.Admin().SetMetadata(ctx, box, "/private/comment", nil); err != nil {
		t.Error(err)
	}
	if n, err := c.Admin().Namespaces(ctx); err != nil || len(n) == 0 || n[0].Delimiter != "/" {
		t.Errorf("%v, %v", n, err)
	}
	if id, err := c.Admin().ID(ctx); err != nil || id["name"] != "Dovecot" {
		t.Errorf("%v, %v", id, err)
	}
	if err := c.Check(ctx, box); err != nil {
		t.Error(err)
	}
}

// TestIMAPIdle: IDLE reports changes.
func TestIMAPIdle(t *testing.T) {
	c := imapClient(t, "IMAPS", "imaps", Alice, nil)
	other := imapClient(t, "IMAPS", "imaps", Alice, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	box := imapBox(t, other, "interop-idle")
	events := make(chan protocols.Entry, 100)
	go func() {
		defer close(events)
		for e, err := range c.Watch(ctx, box) {
			if err != nil {
				return
			}
			events <- e
		}
	}()
	for { // until the watch has begun, and reports one
		imapFill(t, other, box, 1)
		select {
		case e := <-events:
			if e.Facts["event"] != "new" || e.Subject != "message 0" {
				t.Errorf("%+v", e)
			}
			cancel()
			for range events {
			}
			return
		case <-time.After(300 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("no change was reported")
		}
	}
}
