package imap

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// notifier is a server that says what happens, each time it is asked to wait.
type notifier struct {
	lock    sync.Mutex
	waits   []string // of each IDLE; "lost" ends the connection
	tag     string
	notifys []string
	refuses bool
	offers  string
}

func (n *notifier) answer(line string) string {
	n.lock.Lock()
	defer n.lock.Unlock()
	tag, verb, _ := strings.Cut(line, " ")
	ok := tag + " OK done\r\n"
	switch {
	case tag == "DONE":
		return n.tag + " OK done\r\n"
	case strings.HasPrefix(verb, "CAPABILITY"):
		return "* CAPABILITY IMAP4rev1 IDLE" + n.offers + "\r\n" + ok
	case strings.HasPrefix(verb, "NOTIFY"):
		n.notifys = append(n.notifys, verb)
		if n.refuses {
			return tag + " NO not today\r\n"
		}
		return "* STATUS INBOX (MESSAGES 3 UIDNEXT 4)\r\n* STATUS Work (MESSAGES 0 UIDNEXT 1)\r\n" + ok
	case verb == "IDLE":
		n.tag = tag
		if len(n.waits) == 0 {
			return "+ idling\r\n"
		}
		wait := n.waits[0]
		n.waits = n.waits[1:]
		if wait == "lost" {
			return labtest.Hangup
		}
		return "+ idling\r\n" + wait
	}
	return ok
}

// watch returns the events until there are so many, or an error.
func (n *notifier) watch(t *testing.T, most int) (events []string, err error) {
	t.Helper()
	c := labtest.Open(t, New, "imap://"+labtest.Answer(t, "* PREAUTH ready\r\n", n.answer), nil)
	for e, err := range c.Watch(t.Context(), "") {
		if err != nil {
			return events, err
		}
		if e.Type != protocols.TypeMailbox {
			t.Errorf("%+v", e)
		}
		if events = append(events, e.Facts["event"]+" "+e.Name); len(events) == most {
			break
		}
	}
	return events, nil
}

// TestWatchAccount: what happens in any mailbox is reported, also after the server has given
// up and after the connection was lost.
func TestWatchAccount(t *testing.T) {
	const overflowed = "* OK [NOTIFICATIONOVERFLOW] too much\r\n"
	for _, c := range []struct {
		name     string
		waits    []string
		want     []string
		notifies int
	}{
		{"messages", []string{"* STATUS INBOX (MESSAGES 4 UIDNEXT 5)\r\n"}, []string{"changed INBOX"}, 1},
		{"several at once", []string{"* STATUS Work (UIDNEXT 2 MESSAGES 1)\r\n* STATUS Work (UIDNEXT 3 MESSAGES 2)\r\n* STATUS \"a b\" (MESSAGES 1)\r\n"}, []string{"changed Work", "changed a b"}, 1},
		{"made and deleted", []string{"* LIST () \"/\" New\r\n", "* LIST (\\NonExistent) \"/\" \"Entw&APw-rfe\"\r\n"}, []string{"listed New", "listed Entwürfe"}, 1},
		{"other things", []string{"* OK Still here\r\n* STATUS broken\r\n* STATUS INBOX (MESSAGES 4)\r\n"}, []string{"changed INBOX"}, 1},
		{"overflow", []string{overflowed, "* STATUS INBOX (MESSAGES 4)\r\n"}, []string{"reset ", "changed INBOX"}, 2},
		{"lost", []string{"lost", "* STATUS INBOX (MESSAGES 4)\r\n"}, []string{"reset ", "changed INBOX"}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := &notifier{waits: c.waits, offers: " NOTIFY"}
			got, err := n.watch(t, len(c.want))
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
			n.lock.Lock()
			defer n.lock.Unlock()
			if len(n.notifys) != c.notifies || n.notifys[0] != "NOTIFY SET STATUS (personal (MessageNew MessageExpunge FlagChange MailboxName))" {
				t.Errorf("%q", n.notifys)
			}
		})
	}
}

// TestWatchAccountUnsupported: a server that does not offer NOTIFY, or refuses it, is told
// from one that fails.
func TestWatchAccountUnsupported(t *testing.T) {
	for name, n := range map[string]*notifier{"not offered": {}, "refused": {offers: " NOTIFY", refuses: true}} {
		t.Run(name, func(t *testing.T) {
			if got, err := n.watch(t, 1); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}
