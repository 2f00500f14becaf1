package imap

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// bare are the extensions without which every verb must work too.
var bare = []string{
	"UIDPLUS", "ESEARCH", "LIST-EXTENDED", "LIST-STATUS", "MOVE", "UNSELECT", "LITERAL+", "SASL-IR", "ENABLE", "IDLE", "STATUS=SIZE", "NAMESPACE",
}

// both runs a test with a modern server and with one that has no extensions.
func both(t *testing.T, f func(t *testing.T, s *maillab.IMAPServer, c *Client)) {
	for name, without := range map[string][]string{"modern": nil, "bare": bare} {
		t.Run(name, func(t *testing.T) {
			s := labtest.Start(t, maillab.StartIMAP, maillab.IMAPOptions{Disable: without})
			f(t, s, labtest.Connect(t, New, s, nil))
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func entries(t *testing.T, seq iter.Seq2[protocols.Entry, error]) (out []protocols.Entry) {
	t.Helper()
	for e, err := range seq {
		must(t, err)
		out = append(out, e)
	}
	return out
}

func subjects(list []protocols.Entry) string {
	var out []string
	for _, e := range list {
		out = append(out, e.Subject)
	}
	return strings.Join(out, "|")
}

func TestMailboxes(t *testing.T) {
	both(t, func(t *testing.T, s *maillab.IMAPServer, c *Client) {
		ctx := t.Context()
		must(t, c.Make(ctx, "Müll/Älteres & mehr"))
		if err := c.Make(ctx, "Müll/Älteres & mehr"); !errors.Is(err, fs.ErrExist) {
			t.Errorf("made twice: %v", err)
		}
		must(t, c.Move(ctx, "Müll/Älteres & mehr", "Neu"))
		must(t, c.Subscribe(ctx, "Neu", false))
		names := ""
		for _, e := range entries(t, c.List(ctx, "")) {
			names += e.Name + " "
			if e.Name == "INBOX" && e.Count != 5 {
				t.Errorf("INBOX has %d messages", e.Count)
			}
		}
		if names != "INBOX Neu " {
			t.Errorf("mailboxes %q", names)
		}
		if subs := entries(t, c.Subscribed(ctx, "")); len(subs) != 1 || subs[0].Name != "Neu" {
			t.Errorf("subscribed to %v", subs)
		}
		must(t, c.Unmake(ctx, "Neu"))
		if err := c.Unmake(ctx, "Neu"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("removed twice: %v", err)
		}
		spaces, err := c.Admin().Namespaces(ctx)
		if err != nil || len(spaces) != 1 || spaces[0].Delimiter != "/" {
			t.Errorf("%v, %v", spaces, err)
		}
	})
}

func TestMessages(t *testing.T) {
	both(t, func(t *testing.T, s *maillab.IMAPServer, c *Client) {
		ctx := t.Context()
		must(t, c.Make(ctx, "Archive"))
		_, err := c.Put(ctx, "Archive", strings.NewReader("Subject: kept\n\ntext\n"), &protocols.PutOptions{Flags: []string{`\Seen`}, Modified: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)})
		must(t, err)
		at := entries(t, c.List(ctx, "Archive"))
		if len(at) != 1 || at[0].Subject != "kept" || at[0].Flags[0] != `\Seen` || at[0].Modified.Year() != 2024 || at[0].Size != 23 {
			t.Fatalf("%+v", at)
		}
		must(t, c.Flag(ctx, at[0].Path, `+\Flagged`, `-\Seen`))
		e, err := c.Stat(ctx, at[0].Path)
		if err != nil || len(e.Flags) != 1 || e.Flags[0] != `\Flagged` {
			t.Errorf("%v, %v", e.Flags, err)
		}
		_, err = c.Copy(ctx, at[0].Path, "INBOX")
		must(t, err)
		must(t, c.Move(ctx, at[0].Path, "INBOX"))
		if got := subjects(entries(t, c.List(ctx, "INBOX"))); !strings.HasSuffix(got, "|kept|kept") {
			t.Errorf("INBOX: %s", got)
		}
		if left := entries(t, c.List(ctx, "Archive")); len(left) != 0 {
			t.Errorf("still there: %v", left)
		}
		found := entries(t, c.Search(ctx, "INBOX", "subject:kept"))
		if len(found) != 2 {
			t.Fatalf("found %v", found)
		}
		must(t, c.Remove(ctx, found[0].Path))
		if err := c.Remove(ctx, found[0].Path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("removed twice: %v", err)
		}
		if n := len(entries(t, c.Search(ctx, "INBOX", "SUBJECT kept"))); n != 1 {
			t.Errorf("%d left", n)
		}
	})
}

// TestOrder: sorting and threading are done here where the server has none.
func TestOrder(t *testing.T) {
	c := labtest.Connect(t, New, labtest.Start(t, maillab.StartIMAP, maillab.IMAPOptions{}), nil)
	got := subjects(entries(t, c.Sort(t.Context(), "INBOX", "reverse arrival", "")))
	if want := "A file for you|Log of tonight|Grüße aus Köln|Dots and quotes|Welcome"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := subjects(entries(t, c.Sort(t.Context(), "INBOX", "subject", "smaller:1k"))); got != "A file for you|Dots and quotes|Grüße aus Köln|Welcome" {
		t.Error(got)
	}
	if n := len(entries(t, c.Thread(t.Context(), "INBOX", "", ""))); n != 5 {
		t.Errorf("%d messages in threads", n)
	}
}

// TestNeverSeen: reading marks nothing, unless it is asked for.
func TestNeverSeen(t *testing.T) {
	s := labtest.Start(t, maillab.StartIMAP, maillab.IMAPOptions{})
	for _, mark := range []bool{false, true} {
		c := labtest.Connect(t, New, s, nil)
		c.Settings.MarkSeen = mark
		o, err := c.Get(t.Context(), "INBOX;UID=1", nil)
		must(t, err)
		_, err = io.Copy(io.Discard, o.Body)
		must(t, err)
		o.Body.Close()
		mail, err := s.Mail().Snapshot("alice", "INBOX")
		must(t, err)
		if seen := len(mail[0].Flags) > 0; seen != mark {
			t.Errorf("flags %v after reading", mail[0].Flags)
		}
	}
}

// TestPutAll: one message that is refused does not take others with it, and a
// mailbox is made when that was asked for.
func TestPutAll(t *testing.T) {
	both(t, func(t *testing.T, s *maillab.IMAPServer, c *Client) {
		c.Settings.Create = true
		messages := func(yield func(Upload, error) bool) {
			for range 20 {
				if !yield(Upload{Body: strings.NewReader("Subject: x\n\n" + strings.Repeat("y\n", 1000))}, nil) {
					return
				}
			}
		}
		n := 0
		must(t, c.PutAll(t.Context(), "new", messages, func(i int, e protocols.Entry, err error) error {
			if i != n {
				t.Errorf("message %d told where %d is due", i, n)
			}
			n++
			return err
		}))
		mail, err := s.Mail().Snapshot("alice", "new")
		if err != nil || n != 20 || len(mail) != 20 {
			t.Errorf("%d told, %d stored: %v", n, len(mail), err)
		}
	})
}

// TestWatch: what comes, changes and goes is told, by IDLE and by asking.
func TestWatch(t *testing.T) {
	both(t, func(t *testing.T, s *maillab.IMAPServer, c *Client) {
		c.Settings.PollEvery = 10 * time.Millisecond
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		store := s.Mail()
		steps := []struct {
			do   func()
			want string
		}{
			{func() { store.Deliver("alice", []byte("Subject: news\r\n\r\nx\r\n")) }, "new"},
			{func() { store.SetFlags("alice", "INBOX", 2, []string{`\Flagged`}) }, "flags"},
			{func() { store.Delete("alice", "INBOX", 3) }, "gone"},
		}
		logins := s.Logins()
		started := false
		at := 0
		events := make(chan protocols.Entry)
		go func() {
			defer close(events)
			for e, err := range c.Watch(ctx, "INBOX") {
				if err != nil {
					return
				}
				events <- e
			}
		}()
		for at < len(steps) {
			if !started {
				waitFor(ctx, t, func() bool { return s.Logins() > logins })
				started = true
			}
			// A step is made again until it is told: the watch may not have taken its first look yet.
			steps[at].do()
			select {
			case e := <-events:
				if e.Facts["event"] == steps[at].want { // others are told of an earlier step again
					at++
				}
			case <-time.After(500 * time.Millisecond):
			case <-ctx.Done():
				t.Fatalf("nothing told of %q", steps[at].want)
			}
		}
		cancel()
		for range events {
		}
	})
}

// waitFor polls a condition that only another goroutine can make true.
func waitFor(ctx context.Context, t *testing.T, ok func() bool) {
	t.Helper()
	for !ok() {
		if retry.Sleep(ctx, time.Millisecond) != nil {
			t.Fatal("the wait has no end")
		}
	}
}

// TestWatchReconnects: a connection that is cut is made again, and what has come
// meanwhile is told.
func TestWatchReconnects(t *testing.T) {
	mail := maillab.Sample()
	first := labtest.Start(t, maillab.StartIMAP, maillab.IMAPOptions{Mail: mail})
	addr := first.Addr()
	c := labtest.Connect(t, New, first, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	events := make(chan protocols.Entry)
	go func() {
		defer close(events)
		for e, err := range c.Watch(ctx, "INBOX") {
			if err != nil {
				return
			}
			events <- e
		}
	}()
	var e protocols.Entry
	for e.URL == "" { // until the watch has begun
		mail.Deliver("alice", []byte("Subject: before\r\n\r\nx\r\n"))
		select {
		case e = <-events:
		case <-time.After(300 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("nothing told")
		}
	}
	first.Close()
	mail.Deliver("alice", []byte("Subject: meanwhile\r\n\r\nx\r\n"))
	second, err := maillab.StartIMAP(maillab.IMAPOptions{ServerOptions: lab.ServerOptions{Addr: addr}, Mail: mail})
	must(t, err)
	defer second.Close()
	for e.Subject != "meanwhile" {
		select {
		case e = <-events:
		case <-ctx.Done():
			t.Fatal("not told of what came meanwhile")
		}
	}
	cancel()
	for range events {
	}
}

// TestSource: the whole mailbox is listed, and deletions take only what is named.
func TestSource(t *testing.T) {
	both(t, func(t *testing.T, s *maillab.IMAPServer, c *Client) {
		m, err := c.OpenMailbox(t.Context(), "INBOX")
		must(t, err)
		list := entries(t, m.Changes(t.Context(), ""))
		if len(list) != 5 || !m.Complete || list[4].ID != "5" || list[0].Size <= 0 {
			t.Errorf("%+v, complete %v", list, m.Complete)
		}
		names := func(yield func(string) bool) { _ = yield(list[1].Path) && yield("INBOX;UID=77") && yield(list[3].Path) }
		told := 0
		must(t, c.BulkRemove(t.Context(), names, func(string, error) error { told++; return nil }))
		if left := entries(t, c.List(t.Context(), "INBOX")); len(left) != 3 || told != 3 {
			t.Errorf("%d left, %d told", len(left), told)
		}
	})
}
