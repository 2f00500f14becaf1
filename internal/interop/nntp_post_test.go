//go:build linux

package interop

import (
	"errors"
	"io"
	"io/fs"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/message"
	"github.com/netclients/netclients/protocols/nntp"
)

// composed posts the article built from a draft and returns its message-id.
func composed(t *testing.T, c *nntp.Client, d message.Draft, fields ...message.Field) string {
	t.Helper()
	d.From, d.Headers = "Älice <alice@netclients.invalid>", fields
	m, err := d.Build()
	if err != nil {
		t.Fatal(err)
	}
	body, err := m.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	r, err := c.Send(t.Context(), &protocols.Message{Body: body, Size: m.Size})
	if err != nil || r.MessageID != m.ID {
		t.Fatalf("%+v, %v", r, err)
	}
	return m.ID
}

// TestNNTPCompose: an article with everything that can be composed is read back
// from INN unchanged; another one supersedes it and is cancelled.
func TestNNTPCompose(t *testing.T) {
	c := nntpWays[0].open(t)
	text := ".a line that begins with a dot\r\n.\r\nÄ\r\n"
	first := composed(t, c, message.Draft{Subject: "Grüße", Text: message.Text(text), Attach: []message.Part{*message.Text("attached")}},
		message.Field{Name: "Newsgroups", Value: "local.test,local.empty"}, message.Field{Name: "References", Value: "<a@b.invalid> <c@d.invalid>"},
		message.Field{Name: "Followup-To", Value: "local.test"}, message.Field{Name: "Organization", Value: "Ünited"})
	o, err := c.Get(t.Context(), first, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := mail.ReadMessage(o.Body)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(m.Body)
	if err != nil || o.Body.Close() != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{
		"Newsgroups": "local.test,local.empty", "References": "<a@b.invalid> <c@d.invalid>", "Followup-To": "local.test", "Message-Id": first,
	} {
		if got := m.Header.Get(field); got != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
	if !strings.Contains(string(b), "YXR0YWNoZWQ=") || !strings.Contains(m.Header.Get("Content-Type"), "multipart/mixed") {
		t.Errorf("%v\n%s", m.Header, b)
	}
	e, err := c.Stat(t.Context(), first)
	if err != nil || e.Subject != "Grüße" || !strings.HasPrefix(e.From, "Älice ") {
		t.Errorf("overview by message-id: %+v, %v", e, err)
	}
	second := composed(t, c, message.Draft{Subject: "new", Text: message.Text("new")},
		message.Field{Name: "Newsgroups", Value: "local.test"}, message.Field{Name: "Supersedes", Value: first})
	gone(t, c, first)
	composed(t, c, message.Draft{Subject: "cmsg cancel " + second, Text: message.Text("cancelled")},
		message.Field{Name: "Newsgroups", Value: "local.test"}, message.Field{Name: "Control", Value: "cancel " + second})
	gone(t, c, second)
}

// gone waits until INN has executed a control message.
func gone(t *testing.T, c *nntp.Client, id string) {
	t.Helper()
	for range 200 {
		if _, err := c.Exists(t.Context(), id); errors.Is(err, fs.ErrNotExist) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%s still exists", id)
}

// TestNNTPChanges: a later sync of a group on INN lists new articles, and a full
// one omits cancelled articles.
func TestNNTPChanges(t *testing.T) {
	c := nntpWays[0].open(t)
	list := func(since string) (ids []string, state string) {
		m, err := c.OpenMailbox(t.Context(), "local.empty")
		if err != nil {
			t.Fatal(err)
		}
		for e, err := range m.Changes(t.Context(), since) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, e.ID)
		}
		if m.Complete == (since != "") || !m.Grows {
			t.Errorf("since %q: complete %v", since, m.Complete)
		}
		return ids, m.State
	}
	group := message.Field{Name: "Newsgroups", Value: "local.empty"}
	first := composed(t, c, message.Draft{Subject: "one", Text: message.Text("1")}, group)
	all, state := list("")
	if !slices.Contains(all, first) {
		t.Fatalf("%s is not in %q", first, all)
	}
	second := composed(t, c, message.Draft{Subject: "two", Text: message.Text("2")}, group)
	if later, _ := list(state); !slices.Contains(later, second) || slices.Contains(later, first) {
		t.Errorf("%q, want %s alone", later, second)
	}
	composed(t, c, message.Draft{Subject: "cmsg cancel " + first, Text: message.Text("x")}, group, message.Field{Name: "Control", Value: "cancel " + first})
	composed(t, c, message.Draft{Subject: "cmsg cancel " + second, Text: message.Text("x")}, group, message.Field{Name: "Control", Value: "cancel " + second})
	gone(t, c, second)
	if left, _ := list(""); slices.Contains(left, first) || slices.Contains(left, second) {
		t.Errorf("cancelled articles are in %q", left)
	}
}
