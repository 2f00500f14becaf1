package show

import (
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestSubject: a message of which only the message-id is known is shown with that.
func TestSubject(t *testing.T) {
	for want, m := range map[string]protocols.MessageInfo{
		"<1@x>": {MessageID: "<1@x>"},
		"Hello": {MessageID: "<1@x>", Subject: "Hello"},
		"":      {MessageID: "<1@x>", From: "a@x"},
	} {
		if got := subject(&protocols.Entry{MessageInfo: &m}); got != want {
			t.Errorf("%+v: %q, want %q", m, got, want)
		}
	}
}
