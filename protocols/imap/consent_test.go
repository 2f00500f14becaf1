package imap

import (
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// halves are verbs with an argument that must go as a literal, and a mark that is
// in it.
var halves = []struct {
	verb string // what the server is asked
	call func(t *testing.T, c *Client) error
}{
	{"SETMETADATA", func(t *testing.T, c *Client) error {
		value := "private\nlines"
		return c.Admin().SetMetadata(t.Context(), "INBOX", "/private/comment", &value)
	}},
	{"GETMETADATA", func(t *testing.T, c *Client) error {
		_, err := c.Admin().Metadata(t.Context(), "INBOX", "/private/ö")
		return err
	}},
	{"SETACL", func(t *testing.T, c *Client) error {
		return c.Admin().SetACL(t.Context(), "INBOX", "private-ö", "lrs")
	}},
	{"SETQUOTA", func(t *testing.T, c *Client) error {
		return c.Admin().SetQuota(t.Context(), "private-ö", map[string]int64{"STORAGE": 5})
	}},
	{"GETQUOTA", func(t *testing.T, c *Client) error {
		root := "private-ö"
		_, err := c.Admin().Quotas(t.Context(), "INBOX", &root)
		return err
	}},
	{"GETACL", func(t *testing.T, c *Client) error {
		_, err := c.Admin().ACL(t.Context(), strings.Repeat("private-", 1000))
		return err
	}},
	{"CREATE", func(t *testing.T, c *Client) error { return c.Make(t.Context(), "private-ö") }},
	{"RENAME", func(t *testing.T, c *Client) error { return c.Move(t.Context(), "a", "private-ö") }},
	{"UID SEARCH", func(t *testing.T, c *Client) error {
		for _, err := range c.Search(t.Context(), "INBOX", "from:private-ö") {
			return err
		}
		return nil
	}},
}

// TestHalfCommand: a server that answers before it has seen the literal has not done
// what it says; without its consent the literal is not sent, and neither answer
// lets the commands after it get out of step.
func TestHalfCommand(t *testing.T) {
	for _, test := range halves {
		for word, want := range map[string]protocols.Kind{"OK": protocols.KindProtocol, "NO": protocols.KindRefused} {
			t.Run(test.verb+" "+word, func(t *testing.T) {
				w := hostile{
					seen: make(chan string, 100), greeting: "* PREAUTH [CAPABILITY IMAP4rev1 METADATA ACL QUOTA] hello\r\n",
					says: map[string]string{test.verb: "{tag} " + word + " done\r\n"},
				}
				c := w.client(t, nil)
				c.Settings.RawNames = true
				for range 2 {
					if err := test.call(t, c); protocols.KindOf(err) != want {
						t.Errorf("%v, want %v", err, want)
					}
				}
				must(t, c.Subscribe(t.Context(), "x", false))
				close(w.seen)
				for line := range w.seen {
					if strings.Contains(line, "private-") || strings.Contains(line, "private\n") || strings.Contains(line, "/private/ö") {
						t.Errorf("sent %q", line)
					}
				}
			})
		}
	}
}

// TestReferral: where a login server sends us (RFC 2221) nobody goes: another server
// would get the password.
func TestReferral(t *testing.T) {
	for _, login := range []string{"{tag} NO [REFERRAL imap://alice@localhost:1/] try there\r\n", "{tag} NO [AUTHENTICATIONFAILED] no\r\n"} {
		w := hostile{seen: make(chan string, 100), greeting: "* OK [CAPABILITY IMAP4rev1 LOGIN-REFERRALS] hello\r\n", says: map[string]string{"LOGIN": login}}
		c := w.client(t, nil)
		if err := list(c, ""); protocols.KindOf(err) != protocols.KindAuth {
			t.Errorf("%v, want a failed login", err)
		}
		close(w.seen)
		logins := 0
		for line := range w.seen {
			if strings.Contains(line, " LOGIN ") {
				logins++
			}
		}
		if logins != 1 {
			t.Errorf("%d logins", logins)
		}
	}
}

// TestRefusedAppendSendsNothing: a server may refuse APPEND because of a flag before it
// has seen the message, and take what follows for commands. So the message waits for
// its consent, also where the server takes literals without, and system flags that no
// server knows are not sent at all.
func TestRefusedAppendSendsNothing(t *testing.T) {
	for flag, want := range map[string]protocols.Kind{"odd": protocols.KindRefused, `\Foo`: protocols.KindUsage, `\Recent`: protocols.KindUsage} {
		t.Run(flag, func(t *testing.T) {
			w := hostile{
				seen: make(chan string, 100), greeting: "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] hello\r\n",
				says: map[string]string{"APPEND": "{tag} BAD invalid flag\r\n"},
			}
			c := w.client(t, nil)
			_, err := c.Put(t.Context(), "INBOX", strings.NewReader("x1 CREATE owned\r\n"), &protocols.PutOptions{Flags: []string{flag}})
			if protocols.KindOf(err) != want {
				t.Errorf("%v, want %v", err, want)
			}
			must(t, c.Subscribe(t.Context(), "x", false))
			close(w.seen)
			for line := range w.seen {
				if strings.Contains(line, "owned") || strings.Contains(line, `\Foo`) {
					t.Errorf("sent %q", line)
				}
			}
		})
	}
}

// TestRefusedCommandsInContent: a server may refuse APPEND for any reason before it has
// seen the message. Content that it could take for commands waits for its consent.
func TestRefusedCommandsInContent(t *testing.T) {
	large := strings.Repeat(strings.Repeat("x", 70)+"\r\n", 5000)
	for name, text := range map[string]string{"small": "x1 CREATE owned\r\n", "bare line ends": "Subject: x\n\nx1 DELETE owned\n", "large": large + "x1 CREATE owned\r\n"} {
		for _, answer := range []string{"{tag} BAD no\r\n", "{tag} NO [OVERQUOTA] full\r\n"} {
			t.Run(name+answer, func(t *testing.T) {
				w := hostile{seen: make(chan string, 100), greeting: "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ MULTIAPPEND] hello\r\n", says: map[string]string{"APPEND": answer}}
				c := w.client(t, nil)
				if _, err := c.Put(t.Context(), "INBOX", strings.NewReader(text), nil); protocols.KindOf(err) != protocols.KindRefused {
					t.Errorf("%v, want a refusal", err)
				}
				must(t, c.Subscribe(t.Context(), "x", false))
				close(w.seen)
				for line := range w.seen {
					if strings.Contains(line, "owned") {
						t.Errorf("sent %q", line)
					}
				}
			})
		}
	}
}

// TestArchiveFlags: an archive sends the flags that its mailbox can store. What it can
// store for certain goes without a wait.
func TestArchiveFlags(t *testing.T) {
	w := hostile{
		seen: make(chan string, 100), greeting: "* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+ UIDPLUS] hello\r\n",
		says: map[string]string{
			"SELECT": "* FLAGS (\\Seen known)\r\n* OK [PERMANENTFLAGS (\\Seen known)] x\r\n* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 1] x\r\n{tag} OK [READ-WRITE]\r\n",
			"APPEND": "{tag} OK [APPENDUID 7 1] x\r\n", "one": "", "": "",
		},
	}
	c := w.client(t, nil)
	a, err := c.OpenArchive(t.Context(), "box", nil)
	must(t, err)
	e := &protocols.Entry{MessageInfo: &protocols.MessageInfo{Flags: []string{`\Seen`, `\Foo`, "known", "other", `\Flagged`}}}
	must(t, a.Add(t.Context(), keyNumber(1), e, strings.NewReader("one\r\n")))
	must(t, a.Flush(t.Context()))
	must(t, a.Close())
	must(t, c.Subscribe(t.Context(), "x", false)) // all before it has been read then
	close(w.seen)
	found := false
	for line := range w.seen {
		found = found || strings.HasSuffix(line, `APPEND "box" (\Seen known) {5+}`)
	}
	if !found {
		t.Error("the message was not stored with its flags")
	}
}
