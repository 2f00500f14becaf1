package pop3

import (
	"strings"
	"sync"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// TestMailboxOneFlight: ids and sizes of a maildrop are asked for together, where the
// server takes several commands at once.
func TestMailboxOneFlight(t *testing.T) {
	for _, tt := range []struct {
		name     string
		server   maillab.POP3Options
		together bool
	}{
		{"pipelining", maillab.POP3Options{}, true},
		{"without pipelining", maillab.POP3Options{Disable: []string{"PIPELINING"}}, false},
		{"without CAPA", maillab.POP3Options{Disable: []string{"CAPA"}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var mu sync.Mutex
			var said strings.Builder
			s := labtest.Start(t, maillab.StartPOP3, tt.server)
			c := labtest.Connect(t, New, s, &protocols.Options{Trace: func(e protocols.Event) {
				mu.Lock()
				defer mu.Unlock()
				switch e.Kind {
				case protocols.EventSend:
					said.WriteString("> " + e.Text + "\n")
				case protocols.EventRecv:
					said.WriteString("< " + e.Text + "\n")
				}
			}})
			m, err := c.OpenMailbox(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for e, err := range m.Changes(t.Context(), "") {
				if err != nil {
					t.Fatal(err)
				}
				if n++; e.ID == "" || e.Size <= 0 {
					t.Errorf("%+v", e)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if together := strings.Contains(said.String(), "> UIDL\n> LIST\n"); n == 0 || !m.Complete || together != tt.together {
				t.Errorf("%d messages, complete %t, together %t\n%s", n, m.Complete, together, said.String())
			}
		})
	}
}
