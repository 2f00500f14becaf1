package transfer

import (
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// TestWanted: what is kept of a listed message gives its entry again.
func TestWanted(t *testing.T) {
	s := &messageSync{state: newMessageState(filepath.Join(t.TempDir(), "none"))}
	for _, e := range []protocols.Entry{
		{ID: "5", Name: "5", Path: "INBOX;UIDVALIDITY=1/;UID=5", URL: "imap://h/INBOX;UIDVALIDITY=1/;UID=5", Size: 7, Modified: time.Date(9999, 12, 31, 0, 0, 0, 5, time.UTC), MessageInfo: &protocols.MessageInfo{Flags: []string{`\Answered`, `\Seen`}}},
		{ID: "other", Name: "name", Path: "a b", URL: "x://h/a%20b", Size: -1, MessageInfo: &protocols.MessageInfo{Flags: []string{}}},
		{MessageInfo: &protocols.MessageInfo{Flags: []string{}}},
	} {
		e.Type = protocols.TypeMessage
		w := s.wants(&e, messageKey{})
		got := *w.entry()
		if got.Modified.IsZero() != e.Modified.IsZero() || !got.Modified.Equal(e.Modified) {
			t.Errorf("time %v, want %v", got.Modified, e.Modified)
		}
		if got.Modified = e.Modified; !reflect.DeepEqual(got, e) {
			t.Errorf("got %+v, want %+v", got, e)
		}
	}
}
