package imap

import (
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// TestMessagesOfSet: a set names the messages of its ranges that are there, and all that
// it names one by one.
func TestMessagesOfSet(t *testing.T) {
	for _, test := range []struct {
		name, found, asked string
		want               []string
	}{
		{"INBOX;UID=1:3", "1:2", "UID 1:3", []string{"1", "2"}},
		{"INBOX;UID=7,1,5", "5,7", "UID 7,1,5", []string{"1", "5", "7"}},
		{"INBOX;UID=1:*", "2:3,9", "UID 1:*", []string{"2", "3", "9"}},
		{"INBOX;UID=*", "9", "UID *", []string{"9"}},
		{"INBOX;UID=2:5,4:9", "2:9", "UID 2:5,4:9", []string{"2", "3", "4", "5", "6", "7", "8", "9"}},
		{"INBOX;UID=9:*", "5", "UID 9:*", nil},
		{"INBOX;UID=3:4", "", "UID 3:4", nil},
		{"INBOX;UID=5", "", "UID 5", []string{"5"}},
		{"INBOX;UIDVALIDITY=7/;UID=1:2/;SECTION=1.2/;PARTIAL=3.4", "1:2", "UID 1:2", []string{"1/;SECTION=1.2/;PARTIAL=3.4", "2/;SECTION=1.2/;PARTIAL=3.4"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer := ""
			if test.found != "" {
				answer = " ALL " + test.found
			}
			w := hostile{seen: make(chan string, 100), says: map[string]string{
				"EXAMINE": "* 9 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n{tag} OK\r\n", "UID SEARCH": "* ESEARCH (TAG \"{tag}\") UID" + answer + "\r\n{tag} OK\r\n",
			}}
			c := w.client(t, nil)
			names, err := c.Messages(t.Context(), test.name)
			if test.want == nil {
				if protocols.KindOf(err) != protocols.KindRefused {
					t.Fatalf("%v, want not found", err)
				}
				return
			}
			must(t, err)
			var got []string
			for name := range names {
				if _, err := imapwire.ParseName(name); err != nil {
					t.Error(err)
				}
				got = append(got, strings.TrimPrefix(name, "INBOX;UIDVALIDITY=7/;UID="))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
			close(w.seen)
			searched := false
			for line := range w.seen {
				searched = searched || strings.HasSuffix(line, " UID SEARCH RETURN (ALL) "+test.asked)
			}
			if !searched {
				t.Error("the server was not asked for " + test.asked)
			}
		})
	}
}

// TestMessagesOfImpossibleSet: no mailbox of nine messages has four billion.
func TestMessagesOfImpossibleSet(t *testing.T) {
	w := hostile{says: map[string]string{"UID SEARCH": "* ESEARCH (TAG \"{tag}\") UID ALL 1:4294967295\r\n{tag} OK\r\n"}}
	if _, err := w.client(t, nil).Messages(t.Context(), "INBOX;UID=1:*"); protocols.KindOf(err) != protocols.KindProtocol {
		t.Errorf("%v, want protocol", err)
	}
	if _, err := w.client(t, nil).Messages(t.Context(), "INBOX"); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("%v, want usage", err)
	}
}
