package imap

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/netclients/netclients/protocols"
)

// TestQuotaWithoutList: Courier names a quota root without resources where none is limited.
func TestQuotaWithoutList(t *testing.T) {
	for _, answer := range []string{"* QUOTA \"ROOT\"\r\n", "* QUOTA \"ROOT\" NIL\r\n", "* QUOTA \"ROOT\" ()\r\n", "* QUOTAROOT INBOX\r\n"} {
		w := hostile{greeting: "* PREAUTH [CAPABILITY IMAP4rev1 QUOTA] hello\r\n", says: map[string]string{"GETQUOTAROOT": "* QUOTAROOT \"INBOX\" \"ROOT\"\r\n" + answer + "{tag} OK\r\n"}}
		if list, err := w.client(t, nil).Admin().Quotas(t.Context(), "INBOX", nil); err != nil || len(list) != 0 {
			t.Errorf("%q: %v, %v", answer, list, err)
		}
	}
}

// TestNamesWithoutQuotes: names of mailboxes come without the quotes that they need.
func TestNamesWithoutQuotes(t *testing.T) {
	for line, want := range map[string]string{
		`() "/" Sent Items`:                     "Sent Items",
		`() "/" a b a c`:                        "a b a c",
		`() "/" / / b`:                          "/ / b",
		`(\Sent) "/" Gesendet (alt)`:            "Gesendet (alt)",
		`() "/" [Gmail]/All Mail`:               "[Gmail]/All Mail",
		`() NIL NIL`:                            "NIL",
		`() "/" NIL`:                            "NIL",
		`() "/" a{b`:                            "a{b",
		`() / plain`:                            "plain",
		`() "/" 2024`:                           "2024",
		`() "/" Tom's`:                          "Tom's",
		`() "/" 10" records`:                    `10" records`,
		`() "\\" a\b`:                           `a\b`,
		`() "/" a ("CHILDINFO" ("SUBSCRIBED"))`: "a",
		`() "/" "a b" ("CHILDINFO" ("SUBSCRIBED"))`: "a b",
		`() "/" Büro`: "Büro",
	} {
		w := hostile{says: map[string]string{"LIST": "* LIST " + line + "\r\n{tag} OK\r\n", "STATUS": "{tag} NO\r\n"}}
		var got []string
		for e, err := range w.client(t, nil).List(t.Context(), "") {
			must(t, err)
			got = append(got, e.Name)
		}
		if len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// TestBrokenLine: a line of a listing that makes no sense is one entry that says so, and
// the others come.
func TestBrokenLine(t *testing.T) {
	for _, line := range []string{"* LIST nonsense", "* LIST", "* LIST ()", "* LIST (((", "* LIST () \"/\" \"x", "* LIST () \"/\" ()"} {
		w := hostile{says: map[string]string{"LIST": "* LIST () \"/\" a\r\n" + line + "\r\n* LIST () \"/\" b\r\n{tag} OK\r\n", "STATUS": "* STATUS a (MESSAGES 1)\r\n{tag} OK\r\n"}}
		got := ""
		for e, err := range w.client(t, nil).List(t.Context(), "") {
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			got += fmt.Sprint(e.Name, e.Parsed(), " ")
		}
		if strings.Count(got, "false") != 1 || !strings.Contains(got, "atrue") || !strings.Contains(got, "btrue") {
			t.Errorf("%q: %s", line, got)
		}
	}
}

// TestChallengeInWords: "+ text" that is not base64 stands for an empty challenge.
func TestChallengeInWords(t *testing.T) {
	for _, text := range []string{"+ Ready for additional input", "+", "+ ", "+ go ahead", "+ =", "+ OK"} {
		w := hostile{greeting: "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello\r\n", seen: make(chan string, 20), says: map[string]string{
			"AUTHENTICATE": text + "\r\n", "CAPABILITY": "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n{tag} OK\r\n", "": "T1 OK in\r\n",
			"STATUS": "* STATUS INBOX (MESSAGES 1)\r\n{tag} OK\r\n",
		}}
		c := w.client(t, func(o *protocols.Options) { o.TLS.Mode, o.Mechanism = protocols.TLSOff, "PLAIN" })
		c.tag = "T"
		if _, err := c.Stat(t.Context(), "INBOX"); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestFetchTwice: a response that comes twice is one message.
func TestFetchTwice(t *testing.T) {
	w := hostile{says: map[string]string{
		"FETCH":     strings.Repeat("* 1 FETCH (UID 5 FLAGS () RFC822.SIZE 3)\r\n", 2) + "* 2 FETCH (UID 6 FLAGS () RFC822.SIZE 3)\r\n* 1 FETCH (FLAGS (\\Seen))\r\n{tag} OK\r\n",
		"UID FETCH": strings.Repeat("* 1 FETCH (UID 5 BODY[] {3}\r\nabc)\r\n", 2) + "{tag} OK\r\n",
	}}
	c := w.client(t, nil)
	got := ""
	for e, err := range c.List(t.Context(), "INBOX") {
		must(t, err)
		got += fmt.Sprint(e.UID, " ")
	}
	if got != "5 6 " {
		t.Errorf("listed %s", got)
	}
	o, err := c.Get(t.Context(), "INBOX;UID=5", nil)
	must(t, err)
	b, err := io.ReadAll(o.Body)
	must(t, err)
	must(t, o.Body.Close())
	if string(b) != "abc" {
		t.Errorf("read %q", b)
	}
	must(t, c.BulkGet(t.Context(), func(yield func(string) bool) { yield("INBOX;UID=5") }, func(_ string, o *protocols.Object, err error) error {
		must(t, err)
		b, err := io.ReadAll(o.Body)
		if got += "+"; string(b) != "abc" {
			t.Errorf("read %q", b)
		}
		return err
	}))
	if strings.Count(got, "+") != 1 {
		t.Errorf("delivered %s", got)
	}
}

// TestExpungedInListing: messages that go away in the middle of a listing are left out or
// shown as they were; the listing goes on, and numbers do not mix messages up.
func TestExpungedInListing(t *testing.T) {
	w := hostile{says: map[string]string{"FETCH": "* 1 FETCH (UID 5 FLAGS (\\Seen) RFC822.SIZE 3)\r\n* 1 EXPUNGE\r\n* 1 FETCH (UID 6 FLAGS () RFC822.SIZE 4)\r\n* 9 EXPUNGE\r\n* VANISHED 77\r\n* 2 FETCH (UID 7 FLAGS () RFC822.SIZE 5)\r\n{tag} OK\r\n"}}
	got := ""
	for e, err := range w.client(t, nil).List(t.Context(), "INBOX") {
		must(t, err)
		got += fmt.Sprint(e.UID, ":", e.Size, " ")
	}
	if got != "5:3 6:4 7:5 " {
		t.Errorf("listed %s", got)
	}
}

// TestByeThenSilence: the text of a BYE in place of the greeting, at the login and in the
// middle of a message is reported at once.
func TestByeThenSilence(t *testing.T) {
	for name, w := range map[string]*hostile{
		"greeting": {greeting: "* BYE Too busy\r\n"},
		"login":    {greeting: "* OK [CAPABILITY IMAP4rev1] hello\r\n", says: map[string]string{"LOGIN": "* BYE Too busy\r\n"}},
		"command":  {says: map[string]string{"EXAMINE": "* BYE Too busy\r\n"}},
		"content":  {says: map[string]string{"UID FETCH": "* BYE Too busy\r\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, start := w.client(t, func(o *protocols.Options) { o.TLS.Mode = protocols.TLSOff }), time.Now()
				err := read(c, "INBOX;UID=5")
				if !strings.Contains(fmt.Sprint(err), "Too busy") || time.Since(start) > 0 {
					t.Errorf("after %v: %v", time.Since(start), err)
				}
				c.Close()
			})
		})
	}
}

// TestEmptyLineFirst: an empty line before the greeting or before a response is nothing.
func TestEmptyLineFirst(t *testing.T) {
	w := hostile{greeting: "\r\n* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n", says: map[string]string{"STATUS": "\r\n* STATUS INBOX (MESSAGES 4)\r\n\r\n{tag} OK\r\n"}}
	e, err := w.client(t, nil).Stat(t.Context(), "INBOX")
	if err != nil || e.Count != 4 {
		t.Errorf("%v, %v", e.GroupInfo, err)
	}
}

// TestChangesTwice: an answer about changes (QRESYNC) that comes twice is one message.
func TestChangesTwice(t *testing.T) {
	line := "* 1 FETCH (UID 7 FLAGS (\\Seen) INTERNALDATE \"01-Jan-2024 00:00:00 +0000\" RFC822.SIZE 5 MODSEQ (9))\r\n"
	w := hostile{
		greeting: "* PREAUTH [CAPABILITY IMAP4rev1 ENABLE CONDSTORE QRESYNC] hello\r\n",
		says: map[string]string{
			"ENABLE": "* ENABLED QRESYNC\r\n{tag} OK\r\n", "EXAMINE": "* 1 EXISTS\r\n* OK [UIDVALIDITY 3] x\r\n* OK [HIGHESTMODSEQ 9] x\r\n{tag} OK\r\n",
			"UID FETCH": line + line + "* VANISHED (EARLIER) 3\r\n{tag} OK\r\n",
		},
	}
	c := w.client(t, nil)
	box, err := c.OpenMailbox(t.Context(), "INBOX")
	must(t, err)
	var got []string
	for e, err := range box.Changes(t.Context(), "5") {
		must(t, err)
		got = append(got, string(e.Type)+" "+e.ID)
	}
	if fmt.Sprint(got) != "[message 7 gone 3]" {
		t.Errorf("%q", got)
	}
}
