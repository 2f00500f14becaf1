package pop3

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestServersThatDeviate: what servers do wrong without harm costs no message.
func TestServersThatDeviate(t *testing.T) {
	usual := map[string]string{
		"CAPA": "+OK\r\nUIDL\r\nUSER\r\n.\r\n", "UIDL": "+OK\r\n1 aa\r\n2 bb\r\n3 cc\r\n.\r\n", "LIST": "+OK\r\n1 20\r\n2 20\r\n3 20\r\n.\r\n",
		"RETR": "+OK\r\nSubject: x\r\n\r\nbody\r\n.\r\n",
	}
	for name, tt := range map[string]struct {
		verb, answer string
		ids          []string
	}{
		"as usual":                  {"X", "", []string{"aa", "bb", "cc"}},
		"LIST lacks a message":      {"LIST", "+OK\r\n1 20\r\n3 20\r\n.\r\n", []string{"aa", "cc", "bb"}},
		"LIST with an odd line":     {"LIST", "+OK\r\n1 20\r\n2\r\n3 20\r\n.\r\n", []string{"aa", "cc", "bb"}},
		"UIDL with an odd line":     {"UIDL", "+OK\r\n1 aa\r\n2\r\n3 cc\r\n.\r\n", []string{"aa", "", "cc"}},
		"UIDL with a line too many": {"UIDL", "+OK\r\n1 aa\r\nmessages:\r\n2 bb\r\n3 cc\r\n.\r\n", []string{"aa", "bb", "cc"}},
		"no CAPA":                   {"CAPA", "-ERR what\r\n", []string{"aa", "bb", "cc"}},
		"bare LF":                   {"LF", "", []string{"aa", "bb", "cc"}},
	} {
		t.Run(name, func(t *testing.T) {
			answers := map[string]string{}
			for verb, answer := range usual {
				answers[verb] = answer
			}
			answers[tt.verb] = tt.answer
			if tt.verb == "LF" {
				for verb, answer := range answers {
					answers[verb] = strings.ReplaceAll(answer, "\r\n", "\n")
				}
			}
			address, _ := serving(t, answers)
			c := clientAt(t, address)
			var ids []string
			for e, err := range c.List(t.Context(), "") {
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, e.ID)
			}
			if !slices.Equal(ids, tt.ids) {
				t.Errorf("listed %q, want %q", ids, tt.ids)
			}
			o, err := c.Get(t.Context(), "3", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer o.Body.Close()
			if text, err := io.ReadAll(o.Body); err != nil || !strings.HasSuffix(strings.TrimSpace(string(text)), "body") {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
}

// TestMaildropInUse: that somebody else has the maildrop open is temporary, in whatever
// words; of one message "locked" is a refusal.
func TestMaildropInUse(t *testing.T) {
	for _, text := range []string{"unable to lock maildrop", "Could not lock the mailbox", "maildrop already locked", "mailbox is busy", "maildrop already in use"} {
		address, _ := serving(t, map[string]string{"CAPA": "-ERR\r\n", "PASS": "-ERR " + text + "\r\n"})
		if _, _, err := clientAt(t, address).Totals(t.Context()); protocols.KindOf(err) != protocols.KindTemporary || !protocols.IsRetryable(err) {
			t.Errorf("%s: %v", text, err)
		}
	}
	address, _ := serving(t, map[string]string{"CAPA": "-ERR\r\n", "UIDL": "-ERR\r\n", "DELE": "-ERR message is locked\r\n"})
	if err := clientAt(t, address).Remove(t.Context(), "1"); protocols.KindOf(err) != protocols.KindRefused {
		t.Errorf("DELE: %v", err)
	}
}
