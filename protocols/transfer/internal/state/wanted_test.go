package state

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// TestWanted: what is kept of a listed message gives its entry again, from memory
// and from a file, as often as wanted.
func TestWanted(t *testing.T) {
	entries := []protocols.Entry{
		{ID: "5", Name: "5", Path: "INBOX;UIDVALIDITY=1/;UID=5", URL: "imap://h/INBOX;UIDVALIDITY=1/;UID=5", Size: 7, Modified: time.Date(9999, 12, 31, 0, 0, 0, 5, time.UTC), MessageInfo: &protocols.MessageInfo{Flags: []string{`\Answered`, `\Seen`}}},
		{ID: "other", Name: "name", Path: "a b", URL: "x://h/a%20b", Size: -1, MessageInfo: &protocols.MessageInfo{Flags: []string{}}},
		{MessageInfo: &protocols.MessageInfo{Flags: []string{}}},
		{ID: strings.Repeat("long ", 1000), Path: "\x00\xff", MessageInfo: &protocols.MessageInfo{Flags: []string{}}},
	}
	for _, n := range []int{0, 1, len(entries), 2000} {
		dir := t.TempDir()
		l := &List{Dir: dir}
		key := func(i int) Key { return HashKey(fmt.Sprint(i)) }
		for i := range n {
			if err := l.Add(NewWanted(&entries[i%len(entries)], key(i))); err != nil {
				t.Fatal(err)
			}
		}
		if spilled := l.file != nil; spilled != (n == 2000) || len(l.held) >= maxHeld {
			t.Errorf("%d messages: file %v, %d bytes in memory", n, spilled, len(l.held))
		}
		for range 2 {
			i := 0
			for w, err := range l.All() {
				if err != nil {
					t.Fatal(err)
				}
				want := entries[i%len(entries)]
				want.Type = protocols.TypeMessage
				got := *w.Entry()
				if got.Modified.IsZero() != want.Modified.IsZero() || !got.Modified.Equal(want.Modified) || w.Key != key(i) {
					t.Errorf("time %v, want %v", got.Modified, want.Modified)
				}
				if got.Modified = want.Modified; !reflect.DeepEqual(got, want) {
					t.Errorf("got %+v, want %+v", got, want)
				}
				i++
			}
			if i != n {
				t.Errorf("%d of %d", i, n)
			}
		}
		l.Close()
		if left, err := os.ReadDir(dir); len(left) > 0 || err != nil {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
}

// TestKeepTitle: what is kept of the first bytes names the message as they did.
func TestKeepTitle(t *testing.T) {
	for name, head := range map[string]string{
		"nothing":     "",
		"no line":     "Subject: cut",
		"usual":       "Received: x\r\nSubject: one\r\nMessage-ID: <a@b>\r\n\r\nSubject: body\r\n",
		"folded":      "Subject: one\r\n two\r\nX: y\r\n z\r\nmessage-id :\r\n <a@b>\r\n\r\n",
		"cut":         "Message-ID: <a@b>\nSubject: only half of th",
		"no header":   "\nSubject: body\n",
		"other lines": "From a Mon\nSubject: one\n",
	} {
		t.Run(name, func(t *testing.T) {
			w := &Wanted{Head: []byte(head)}
			subject, id := w.Title()
			room := w.KeepTitle()
			if s, i := w.Title(); s != subject || i != id {
				t.Errorf("%q %q, want %q %q", s, i, subject, id)
			}
			if len(room) != 0 || cap(room) < len(head) || len(w.Head) > len(head) {
				t.Errorf("room for %d, %d kept of %d", cap(room), len(w.Head), len(head))
			}
		})
	}
}
