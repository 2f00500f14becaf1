package transfer

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestRefusedMessages: which refusals of an archive are about one message, so that the
// others are stored all the same.
func TestRefusedMessages(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		one  bool
	}{
		{"what the server does not take", &protocols.Error{Kind: protocols.KindRefused, Text: "Message contains NUL characters"}, true},
		{"wrapped", protocols.Wrap(&protocols.Error{Kind: protocols.KindRefused}, "imap", "put", "imap://h/x"), true},
		{"a full mailbox", &protocols.Error{Kind: protocols.KindRefused, Enhanced: "OVERQUOTA"}, false},
		{"no mailbox", &protocols.Error{Kind: protocols.KindRefused, Sentinel: fs.ErrNotExist}, false},
		{"no rights", &protocols.Error{Kind: protocols.KindRefused, Sentinel: fs.ErrPermission}, false},
		{"later", &protocols.Error{Kind: protocols.KindTemporary}, false},
		{"the disk", &protocols.Error{Kind: protocols.KindLocal}, false},
		{"anything", errors.New("x"), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := ofOneMessage(test.err); got != test.one {
				t.Errorf("of one message: %v", got)
			}
		})
	}
}
