package imap

import (
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestLongOrder: SORT and THREAD answer in one line, however many messages there are.
func TestLongOrder(t *testing.T) {
	const many = 200_000
	var sorted, threads strings.Builder
	for i := range many {
		fmt.Fprintf(&sorted, " %d", 2_000_000-i)
		fmt.Fprintf(&threads, "(%d)", 1_000_000+i)
	}
	w := hostile{
		seen: make(chan string, 1000), greeting: "* PREAUTH [CAPABILITY IMAP4rev1 SORT THREAD=REFERENCES] hello\r\n",
		says: map[string]string{
			"EXAMINE":    fmt.Sprintf("* %d EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n{tag} OK\r\n", many),
			"UID SORT":   "* SORT" + sorted.String() + " (MODSEQ 5)\r\n{tag} OK\r\n",
			"UID THREAD": "* THREAD " + threads.String() + "\r\n{tag} OK\r\n",
			"UID FETCH":  "* 1 FETCH (UID 1000000 RFC822.SIZE 3)\r\n* 2 FETCH (UID 1999999 RFC822.SIZE 4)\r\n{tag} OK\r\n",
		},
	}
	c := w.client(t, nil)
	list := entries(t, c.Sort(t.Context(), "INBOX", "-size", ""))
	if len(list) != 1 || list[0].UID != "1999999" {
		t.Errorf("sorted: %v", list)
	}
	list = entries(t, c.Thread(t.Context(), "INBOX", "", ""))
	if len(list) != 1 || list[0].UID != "1000000" || list[0].Facts["thread"] != "1" || list[0].Facts["depth"] != "0" {
		t.Errorf("threads: %v", list)
	}
	close(w.seen)
	asked := 0
	for line := range w.seen {
		if strings.Contains(line, "UID FETCH") {
			asked++
		}
	}
	if asked != 2*many/orderStep {
		t.Errorf("%d commands for %d messages, twice", asked, many)
	}
}

// TestEndlessOrder: no list of numbers is endless.
func TestEndlessOrder(t *testing.T) {
	for verb, ask := range map[string]func(c *Client) error{
		"SORT": func(c *Client) error {
			for _, err := range c.Sort(t.Context(), "INBOX", "size", "") {
				return err
			}
			return nil
		},
		"THREAD": func(c *Client) error {
			for _, err := range c.Thread(t.Context(), "INBOX", "", "") {
				return err
			}
			return nil
		},
	} {
		w := hostile{
			greeting: "* PREAUTH [CAPABILITY IMAP4rev1 SORT THREAD=REFERENCES] hello\r\n",
			says:     map[string]string{"UID " + verb: "* " + verb + " "}, endless: strings.Repeat("(1)", 20_000),
		}
		c := w.client(t, nil)
		var err error
		size := allocated(func() { err = ask(c) })
		if protocols.KindOf(err) != protocols.KindProtocol {
			t.Errorf("%s: %v", verb, err)
		}
		if size > 200<<20 {
			t.Errorf("%s: %d bytes were allocated", verb, size)
		}
	}
}

// TestMoreThanThereAre: an order of more messages than a mailbox has is refused.
func TestMoreThanThereAre(t *testing.T) {
	w := hostile{
		greeting: "* PREAUTH [CAPABILITY IMAP4rev1 SORT THREAD=REFERENCES] hello\r\n",
		says: map[string]string{
			"UID SORT": "* SORT" + strings.Repeat(" 1", 2000) + "\r\n{tag} OK\r\n", "UID THREAD": "* THREAD " + strings.Repeat("(1)", 2000) + "\r\n{tag} OK\r\n",
		},
	}
	c := w.client(t, nil)
	for name, seq := range map[string]iter.Seq2[protocols.Entry, error]{
		"SORT": c.Sort(t.Context(), "INBOX", "size", ""), "THREAD": c.Thread(t.Context(), "INBOX", "", ""),
	} {
		for _, err := range seq {
			if protocols.KindOf(err) != protocols.KindProtocol {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
