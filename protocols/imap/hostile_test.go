package imap

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// hostile is a server of a few lines: what it says to a command, by its verb; {tag}
// is the command's. A verb that is not there is answered with OK.
type hostile struct {
	greeting string
	says     map[string]string
	endless  string // written for ever after the answer to the last verb that has one
	seen     chan string
	fetch    func(set string) string // the answer to UID FETCH; nil: as in says
}

// dial returns a client's end of a connection to the server.
func (w *hostile) dial(t *testing.T) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer far.Close()
			w.serve(far)
		}()
		t.Cleanup(func() { near.Close(); <-done })
		return near, nil
	}
}

func (w *hostile) serve(c net.Conn) {
	in := bufio.NewReader(c)
	say := func(s string) bool { _, err := io.WriteString(c, s); return err == nil }
	greeting := w.greeting
	if greeting == "" {
		greeting = "* PREAUTH [CAPABILITY IMAP4rev1 ESEARCH UIDPLUS] hello\r\n"
	}
	if !say(greeting) {
		return
	}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if w.seen != nil {
			w.seen <- strings.TrimSpace(line)
		}
		tag, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		verb, more, _ := strings.Cut(rest, " ")
		if verb == "UID" {
			next, _, _ := strings.Cut(more, " ")
			verb += " " + next
		}
		answer, ok := w.says[verb]
		if verb == "UID FETCH" && w.fetch != nil {
			answer, ok = w.fetch(strings.Fields(more)[1]), true
		}
		if !ok {
			answer = "{tag} OK done\r\n"
			if verb == "EXAMINE" || verb == "SELECT" {
				answer = "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 10] x\r\n" + answer
			}
		}
		if answer == "" { // it is content
			continue
		}
		if !say(strings.ReplaceAll(answer, "{tag}", tag)) {
			return
		}
		for ok && w.endless != "" {
			if !say(w.endless) {
				return
			}
		}
		if strings.HasSuffix(answer, "cut") {
			return
		}
	}
}

// client makes a client of the server.
func (w *hostile) client(t *testing.T, change func(o *protocols.Options)) *Client {
	o := &protocols.Options{Dial: w.dial(t), IdleTimeout: 20 * time.Second}
	if change != nil {
		change(o)
	}
	u, err := protocols.ParseURL("imap://alice:Xyzzy-1@localhost/", "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(u, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// allocated returns how much a call allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func list(c *Client, name string) (err error) {
	for _, err = range c.List(context.Background(), name) {
	}
	return err
}

func read(c *Client, name string) error {
	o, err := c.Get(context.Background(), name, nil)
	if err != nil {
		return err
	}
	defer o.Body.Close()
	_, err = io.Copy(io.Discard, o.Body)
	return err
}

// TestHostileAnswers: each is an error of kind Protocol, and costs little memory.
func TestHostileAnswers(t *testing.T) {
	deep := strings.Repeat("(", 100_000)
	for _, test := range []struct {
		name string
		wire hostile
		call func(c *Client) error
	}{
		{"a huge literal as a name", hostile{says: map[string]string{"LIST": "* LIST () \"/\" {4294967296}\r\n"}, endless: strings.Repeat("x", 4096)}, func(c *Client) error { return list(c, "") }},
		{"a literal whose bytes never come", hostile{says: map[string]string{"UID FETCH": "* 1 FETCH (UID 5 BODY[] {2147483647}\r\ncut"}}, func(c *Client) error { return read(c, "INBOX;UID=5") }},
		{"header fields that never come", hostile{says: map[string]string{"FETCH": "* 1 FETCH (UID 5 BODY[HEADER.FIELDS (DATE)] {1000000}\r\ncut"}}, func(c *Client) error { return list(c, "INBOX") }},
		{"a literal past 64 bits", hostile{says: map[string]string{"UID FETCH": "* 1 FETCH (UID 5 BODY[] {99999999999999999999999}\r\n"}}, func(c *Client) error { return read(c, "INBOX;UID=5") }},
		{"parentheses without end", hostile{says: map[string]string{"UID FETCH": "* 1 FETCH (UID 5 BODYSTRUCTURE " + deep + "\r\n{tag} OK\r\n"}}, func(c *Client) error { return read(c, "INBOX;UID=5") }},
		{"threads without end", hostile{greeting: "* PREAUTH [CAPABILITY IMAP4rev1 THREAD=REFERENCES] hello\r\n", says: map[string]string{"UID THREAD": "* THREAD " + deep + "\r\n{tag} OK\r\n"}}, func(c *Client) error {
			for _, err := range c.Thread(context.Background(), "INBOX", "", "") {
				return err
			}
			return nil
		}},
		{"a name without end", hostile{says: map[string]string{"LIST": "* LIST () \"/\" "}, endless: strings.Repeat("x", 4096)}, func(c *Client) error { return list(c, "") }},
		{"a set that is none", hostile{says: map[string]string{"UID SEARCH": "* ESEARCH UID ALL 1:*) UID FETCH 1\r\n{tag} OK\r\n"}}, func(c *Client) error {
			for _, err := range c.Search(context.Background(), "INBOX", "") {
				return err
			}
			return nil
		}},
		{"no IMAP", hostile{greeting: "220 smtp.example.org ESMTP\r\n"}, func(c *Client) error { return list(c, "") }},
		{"an ID of any depth", hostile{greeting: "* PREAUTH [CAPABILITY IMAP4rev1 ID] hello\r\n", says: map[string]string{"ID": "* ID " + deep + "\r\n{tag} OK\r\n"}}, func(c *Client) error { _, err := c.Admin().ID(context.Background()); return err }},
		{"a quota that makes no sense", hostile{greeting: "* PREAUTH [CAPABILITY IMAP4rev1 QUOTA] hello\r\n", says: map[string]string{"GETQUOTAROOT": "* QUOTAROOT INBOX (((\r\n* QUOTA \"\" (STORAGE x)\r\n{tag} OK done\r\n"}}, func(c *Client) error {
			_, err := c.Admin().Quotas(context.Background(), "INBOX", nil)
			return err
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := test.wire.client(t, nil)
			var err error
			size := allocated(func() { err = test.call(c) })
			if kind := protocols.KindOf(err); kind != protocols.KindProtocol {
				t.Errorf("kind %v, want protocol: %v", kind, err)
			}
			if size > 32<<20 {
				t.Errorf("%d bytes were allocated", size)
			}
		})
	}
}

// TestSearchBounds: a search finds no more messages than there are, and none that the
// mailbox cannot have; a short answer that stands for billions is never expanded
// (CVE-2025-25186).
func TestSearchBounds(t *testing.T) {
	for name, test := range map[string]struct {
		answer string
		want   protocols.Kind // 0: no error
	}{
		"a range of billions":  {"* ESEARCH (TAG \"x\") UID ALL 1:4294967295\r\n", protocols.KindProtocol},
		"one number for ever":  {strings.Repeat("* SEARCH"+strings.Repeat(" 1 3", 1000)+"\r\n", 10), protocols.KindProtocol},
		"a UID of the future":  {"* SEARCH 1 2 10\r\n", protocols.KindProtocol},
		"a message that comes": {"* SEARCH 1 2 10\r\n* 4 EXISTS\r\n", 0},
		"the last UID":         {"* SEARCH 9\r\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := hostile{greeting: "* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n", says: map[string]string{"UID SEARCH": test.answer + "{tag} OK done\r\n"}}
			c := w.client(t, nil)
			var err error
			size := allocated(func() {
				for _, err = range c.Search(t.Context(), "INBOX", "") {
				}
			})
			if (err == nil) != (test.want == 0) || err != nil && protocols.KindOf(err) != test.want {
				t.Errorf("%v, want %v", err, test.want)
			}
			if size > 8<<20 {
				t.Errorf("%d bytes were allocated", size)
			}
		})
	}
}

// TestLoginRules: what a server says before the login decides whether there is one.
func TestLoginRules(t *testing.T) {
	require := func(o *protocols.Options) { o.TLS.Mode = protocols.TLSRequire }
	asked := func(mech string) func(o *protocols.Options) {
		return func(o *protocols.Options) { o.Mechanism, o.TLS.Mode = mech, protocols.TLSOff }
	}
	for _, test := range []struct {
		name   string
		wire   hostile
		change func(o *protocols.Options)
		want   protocols.Kind
	}{
		{"STARTTLS hidden", hostile{greeting: "* OK [CAPABILITY IMAP4rev1] hello\r\n"}, require, protocols.KindTLS},
		{"STARTTLS refused", hostile{greeting: "* OK [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n", says: map[string]string{"STARTTLS": "{tag} NO not now\r\n"}}, require, protocols.KindTLS},
		{"STARTTLS misunderstood", hostile{greeting: "* OK [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n", says: map[string]string{"STARTTLS": "{tag} BAD what\r\n"}}, require, protocols.KindTLS},
		{"STARTTLS refused where it was offered", hostile{greeting: "* OK [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n", says: map[string]string{"STARTTLS": "{tag} NO not now\r\n", "STATUS": "* STATUS INBOX (MESSAGES 1)\r\n{tag} OK\r\n"}}, nil, 0},
		{"bytes behind STARTTLS", hostile{greeting: "* OK [CAPABILITY IMAP4rev1 STARTTLS] hello\r\n", says: map[string]string{"STARTTLS": "{tag} OK go\r\n* CAPABILITY IMAP4rev1\r\n"}}, require, protocols.KindTLS},
		{"PREAUTH", hostile{}, require, protocols.KindTLS},
		{"LOGINDISABLED", hostile{greeting: "* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hello\r\n"}, asked(""), protocols.KindAuth},
		{"another mechanism", hostile{greeting: "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello\r\n"}, asked("SCRAM-SHA-256"), protocols.KindAuth},
		{"a login refused", hostile{greeting: "* OK [CAPABILITY IMAP4rev1] hello\r\n", says: map[string]string{"LOGIN": "{tag} NO wrong\r\n"}}, asked(""), protocols.KindAuth},
		{"a server in trouble", hostile{greeting: "* OK [CAPABILITY IMAP4rev1] hello\r\n", says: map[string]string{"LOGIN": "{tag} NO [UNAVAILABLE] later\r\n"}}, asked(""), protocols.KindTemporary},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.wire.seen = make(chan string, 100)
			c := test.wire.client(t, test.change)
			_, err := c.Stat(t.Context(), "INBOX")
			if kind := protocols.KindOf(err); kind != test.want {
				t.Errorf("kind %v, want %v: %v", kind, test.want, err)
			}
			close(test.wire.seen)
			for line := range test.wire.seen {
				secret := strings.Contains(line, "Xyzzy") || strings.Contains(line, "AUTHENTICATE")
				if secret && test.want == protocols.KindTLS || secret && strings.Contains(test.name, "LOGINDISABLED") {
					t.Errorf("sent %q", line)
				}
			}
		})
	}
}

// TestNoConsentNoContent: without "+" nothing of a message is sent.
func TestNoConsentNoContent(t *testing.T) {
	w := hostile{seen: make(chan string, 100), greeting: "* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n", says: map[string]string{"APPEND": "{tag} NO [OVERQUOTA] full\r\n"}}
	c := w.client(t, nil)
	_, err := c.Put(t.Context(), "INBOX", strings.NewReader("Subject: private\n\nprivate\n"), nil)
	if protocols.KindOf(err) != protocols.KindRefused {
		t.Errorf("%v, want refused", err)
	}
	if err := c.Make(t.Context(), "x"); err != nil {
		t.Errorf("the session is of no use any more: %v", err)
	}
	close(w.seen)
	for line := range w.seen {
		if strings.Contains(line, "private") {
			t.Errorf("sent %q", line)
		}
	}
}

// TestSlowLiteral: a large message may take longer than the idle time, as long as
// bytes come.
func TestSlowLiteral(t *testing.T) { synctest.Test(t, slowLiteral) }

func slowLiteral(t *testing.T) {
	const pieces = 20
	o := &protocols.Options{IdleTimeout: 2 * time.Second}
	near, far := net.Pipe()
	o.Dial = func(context.Context, string, string) (net.Conn, error) { return near, nil }
	done := make(chan struct{})
	go func() {
		defer close(done)
		in := bufio.NewReader(far)
		io.WriteString(far, "* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n")
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			tag, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch {
			case strings.HasPrefix(rest, "EXAMINE"):
				fmt.Fprintf(far, "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n%s OK done\r\n", tag)
			case strings.HasPrefix(rest, "UID FETCH"):
				fmt.Fprintf(far, "* 1 FETCH (UID 5 BODY[] {%d}\r\n", pieces)
				for range pieces {
					time.Sleep(time.Second) // of the bubble
					io.WriteString(far, "x")
				}
				fmt.Fprintf(far, ")\r\n%s OK done\r\n", tag)
			default:
				fmt.Fprintf(far, "%s OK done\r\n", tag)
			}
		}
	}()
	u, err := protocols.ParseURL("imap://localhost/", "")
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(u, o)
	if err != nil {
		t.Fatal(err)
	}
	body, err := c.Get(t.Context(), "INBOX;UID=5", nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(body.Body)
	if err != nil || len(got) != pieces {
		t.Errorf("%d bytes: %v", len(got), err)
	}
	body.Body.Close()
	c.Close()
	far.Close()
	<-done
}

// TestSearchInSteps: the answer to a SEARCH stays small however large the mailbox is.
func TestSearchInSteps(t *testing.T) {
	w := hostile{seen: make(chan string, 100), greeting: "* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n", says: map[string]string{
		"EXAMINE":    "* 120000 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n{tag} OK\r\n",
		"UID SEARCH": "* SEARCH 5 6 9\r\n{tag} OK\r\n",
		"UID FETCH":  "* 1 FETCH (UID 5 RFC822.SIZE 3)\r\n{tag} OK\r\n",
	}}
	c := w.client(t, nil)
	if list := entries(t, c.Search(t.Context(), "INBOX", "unread")); len(list) != 1 {
		t.Errorf("%d messages", len(list))
	}
	close(w.seen)
	var asked []string
	for line := range w.seen {
		if _, rest, ok := strings.Cut(line, " UID "); ok {
			asked = append(asked, rest)
		}
	}
	want := []string{"SEARCH 1:50000 UNSEEN", "SEARCH 50001:100000 UNSEEN", "SEARCH 100001:120000 UNSEEN"}
	if len(asked) < 4 || !slices.Equal(asked[:3], want) || !strings.HasPrefix(asked[3], "FETCH 5:6,9,5:6,9,5:6,9 ") {
		t.Errorf("asked %q", asked)
	}
}

// TestUTF8Append: where UTF8=ACCEPT is on, messages go as literal8 (RFC 6855 4).
func TestUTF8Append(t *testing.T) {
	w := hostile{seen: make(chan string, 100), greeting: "* PREAUTH [CAPABILITY IMAP4rev1 ENABLE LITERAL+ UTF8=ACCEPT] hello\r\n", says: map[string]string{
		"ENABLE": "* ENABLED UTF8=ACCEPT\r\n{tag} OK\r\n", "Köln": "", "": "",
	}}
	c := w.client(t, nil)
	c.Settings.Enable = []string{"UTF8=ACCEPT"}
	_, err := c.Put(t.Context(), "Entwürfe", strings.NewReader("Subject: Köln\r\n"), nil)
	must(t, err)
	must(t, c.Make(t.Context(), "x")) // all before it has been read then
	close(w.seen)
	var sent []string
	for line := range w.seen {
		sent = append(sent, line)
	}
	if len(sent) < 4 || !strings.HasSuffix(sent[1], ` APPEND "Entwürfe" UTF8 (~{16+}`) || sent[2] != "Subject: Köln" || sent[3] != ")" {
		t.Errorf("sent %q", sent)
	}
}

// TestForeignTags: an answer under a tag that was not sent is nobody's, and a command
// has one answer.
func TestForeignTags(t *testing.T) {
	w := hostile{says: map[string]string{"UID FETCH": "A1 NO not yours\r\nZZZ99 OK done\r\n* 1 FETCH (UID 5 BODY[] {3}\r\nabc)\r\n{tag} OK\r\n{tag} NO twice\r\n"}}
	c := w.client(t, nil)
	o, err := c.Get(t.Context(), "INBOX;UID=5", nil)
	must(t, err)
	b, err := io.ReadAll(o.Body)
	must(t, err)
	must(t, o.Body.Close())
	if string(b) != "abc" {
		t.Errorf("%q", b)
	}
	must(t, c.Make(t.Context(), "x"))
}

// TestByeIsTheEnd: what a server says with BYE is the error at once, even if it leaves
// the connection open and never answers.
func TestByeIsTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := hostile{says: map[string]string{"EXAMINE": "* BYE Too many connections\r\n"}}
		c, start := w.client(t, nil), time.Now()
		err := list(c, "INBOX")
		if protocols.KindOf(err) != protocols.KindTemporary || !strings.Contains(fmt.Sprint(err), "Too many connections") {
			t.Errorf("%v", err)
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("after %v", took)
		}
		// A LOGOUT that somebody sends by hand is answered after BYE.
		w.says = map[string]string{"LOGOUT": "* BYE see you\r\n{tag} OK done\r\n"}
		r, err := c.Do(t.Context(), "LOGOUT")
		if err != nil || r.Word != "OK" {
			t.Errorf("%v, %v", r, err)
		}
		c.Close()
	})
}

// TestRestedSession: a session that the server ended while it rested is replaced before
// anything is sent; what came meanwhile is taken in.
func TestRestedSession(t *testing.T) {
	for name, test := range map[string]struct {
		rest  string // sent after the answer to the first command
		dials int
	}{
		"news":            {"* 4 EXISTS\r\n* 2 FETCH (FLAGS (\\Seen))\r\n", 1},
		"half a response": {"* 4 EXI", 1},
		"an end":          {"cut", 2},
		"BYE":             {"* BYE idle for too long\r\n", 2},
		"BYE and an end":  {"* BYE idle for too long\r\ncut", 2},
	} {
		t.Run(name, func(t *testing.T) {
			dials := make(chan bool, 10)
			addr := labtest.Serve(t, func(conn net.Conn) {
				dials <- true
				w := hostile{says: map[string]string{"CREATE": "{tag} OK\r\n" + test.rest}}
				if name == "half a response" {
					w.says["SUBSCRIBE"] = "STS\r\n{tag} OK\r\n"
				}
				if len(dials) > 1 {
					w.says = nil
				}
				w.serve(conn)
			})
			c := (&hostile{}).client(t, func(o *protocols.Options) {
				o.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
					return new(net.Dialer).DialContext(ctx, network, addr)
				}
			})
			must(t, c.Make(t.Context(), "x"))
			time.Sleep(50 * time.Millisecond) // what comes late has come
			must(t, c.Subscribe(t.Context(), "x", false))
			if len(dials) != test.dials {
				t.Errorf("%d connections, want %d", len(dials), test.dials)
			}
		})
	}
}

// TestIncompleteListing: a listing that leaves out messages that exist is not complete, so
// that nobody takes them for deleted. Those that are expunged meanwhile are not missed.
func TestIncompleteListing(t *testing.T) {
	line := func(n int) string {
		return fmt.Sprintf("* %d FETCH (UID %d FLAGS () INTERNALDATE \"01-Jan-2024 10:00:00 +0000\" RFC822.SIZE 5)\r\n", n, n)
	}
	for name, tt := range map[string]struct {
		answer   string
		complete bool
		entries  int
	}{
		"whole":            {line(1) + line(2) + line(3), true, 3},
		"one left out":     {line(1) + line(3), false, 3},
		"one twice":        {line(1) + line(1) + line(3), false, 3},
		"nothing":          {"", false, 1},
		"expunged":         {line(1) + "* 2 EXPUNGE\r\n" + line(3), true, 2},
		"expunged before":  {line(1) + "* 3 FETCH (UID 3 RFC822.SIZE 5)\r\n", true, 2},
		"more have come":   {line(1) + line(2) + line(3) + "* 4 EXISTS\r\n", true, 3},
		"news of flags":    {line(1) + "* 2 FETCH (UID 2 FLAGS ())\r\n" + line(3), false, 3},
		"without a UID":    {line(1) + "* 2 FETCH (FLAGS () RFC822.SIZE 5)\r\n" + line(3), false, 3},
		"without its size": {line(1) + strings.Replace(line(2), " RFC822.SIZE 5", "", 1) + line(3), true, 3},
	} {
		t.Run(name, func(t *testing.T) {
			w := hostile{says: map[string]string{
				"EXAMINE": "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 4] x\r\n{tag} OK x\r\n", "FETCH": tt.answer + "{tag} OK x\r\n",
			}}
			if name == "expunged before" {
				w.says["NOOP"] = "* 2 EXPUNGE\r\n{tag} OK x\r\n"
			}
			c := w.client(t, nil)
			m, err := c.OpenMailbox(t.Context(), "INBOX")
			must(t, err)
			entries := 0
			for _, err := range m.Changes(t.Context(), "") {
				must(t, err)
				entries++
			}
			if m.Complete != tt.complete || entries != tt.entries {
				t.Errorf("complete %v, %d entries", m.Complete, entries)
			}
		})
	}
}
