package maillab

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
)

// openStore makes a store that takes mail for everybody.
func openStore(t *testing.T, o StoreOptions) *Mailboxes {
	t.Helper()
	o.Open = true
	m, err := NewStore(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// receive has a store take a message, and returns its ID.
func receive(t *testing.T, m *Mailboxes, text string, to ...string) string {
	t.Helper()
	id, err := m.Receive(Envelope{From: "ann@shop.test", To: to}, strings.NewReader("Subject: "+text+"\r\n\r\n"+text+"\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// subjects returns what is in an INBOX, read as a client would.
func subjects(t *testing.T, m *Mailboxes, user string) []string {
	t.Helper()
	list, err := m.Snapshot(user, Inbox)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for i := range list {
		data, err := list[i].Bytes()
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(data), "\r\n")
		out = append(out, strings.TrimPrefix(first, "Subject: "))
	}
	return out
}

func TestOpenStoreHasAMailboxForEachAddress(t *testing.T) {
	for _, folder := range []string{"", t.TempDir()} {
		t.Run(map[bool]string{true: "memory", false: "folder"}[folder == ""], func(t *testing.T) {
			m := openStore(t, StoreOptions{Folder: folder})
			receive(t, m, "one", "bob@a.test")
			receive(t, m, "two", "Bob@b.test", "carol@a.test")
			for user, want := range map[string][]string{
				"alice": {"one", "two"}, "bob@a.test": {"one"}, "bob@b.test": {"two"}, "BOB": {"one", "two"}, "carol@a.test": {"two"}, "dave@a.test": {},
			} {
				if !m.Login(user, "any") != (user == "alice") {
					t.Errorf("%s: any password is right for all but the user of the lab", user)
				}
				if got := subjects(t, m, user); !slices.Equal(got, want) {
					t.Errorf("%s reads %q, want %q", user, got, want)
				}
			}
			receive(t, m, "three", "bob@a.test", "bob@b.test")
			if got := subjects(t, m, "bob"); !slices.Equal(got, []string{"one", "two", "three"}) {
				t.Errorf("bob reads %q: a message for two of his addresses comes once", got)
			}
		})
	}
}

func TestOpenStoreDeletes(t *testing.T) {
	m := openStore(t, StoreOptions{})
	for _, text := range []string{"one", "two", "three"} {
		receive(t, m, text, "bob@a.test")
	}
	m.Login("bob@a.test", "x")
	if n := m.Delete("bob@a.test", Inbox, 1); n != 1 || len(m.Letters(0, -1)) != 3 {
		t.Errorf("%d deleted; what one reader deletes stays for the others", n)
	}
	if m.Delete("alice", Inbox, 2); !slices.Equal(subjects(t, m, "bob@a.test"), []string{"three"}) {
		t.Error("what is deleted where all mail is stays elsewhere")
	}
	if n := m.DropLetters(); n != 2 || len(subjects(t, m, "alice")) != 0 || m.Totals().Bytes != 0 {
		t.Errorf("%d dropped, left %v", n, m.Totals())
	}
	receive(t, m, "four", "bob@a.test")
	list, _ := m.Snapshot("bob@a.test", Inbox)
	if len(list) != 1 || list[0].UID != 4 {
		t.Errorf("UIDs are used again: %v", list)
	}
}

func TestStoreLimits(t *testing.T) {
	drop := openStore(t, StoreOptions{Limits: Limits{Messages: 2, DropOldest: true}})
	for i := range 5 {
		receive(t, drop, fmt.Sprint(i), "bob@a.test")
	}
	if got := subjects(t, drop, "alice"); !slices.Equal(got, []string{"3", "4"}) {
		t.Errorf("kept %q, want the newest two", got)
	}
	refuse := openStore(t, StoreOptions{Limits: Limits{Bytes: 100}})
	if _, err := refuse.Receive(Envelope{To: []string{"a@b"}}, strings.NewReader(strings.Repeat("x", 101))); err != ErrStoreFull {
		t.Errorf("%v, want the store to be full", err)
	}
	if refuse.Totals().Refused != 1 || refuse.Totals().Messages != 0 {
		t.Errorf("totals %+v", refuse.Totals())
	}
}

func TestFolderKeepsMail(t *testing.T) {
	dir := t.TempDir()
	m := openStore(t, StoreOptions{Folder: dir})
	one := receive(t, m, "one", "bob@a.test", "carol@a.test")
	two := receive(t, m, "two", "bob@a.test")
	m.ReadLetters(true, two)
	m.TagLetters(func([]string) []string { return []string{"red"} }, one)
	if _, err := m.Append("alice", "INBOX", []byte("Subject: appended\r\n\r\n"), nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "new", "1.foreign.host"), []byte("From: x@y.test\nTo: dave@a.test\nSubject: foreign\n\nhello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := openStore(t, StoreOptions{Folder: dir})
	if l, ok := again.Letter(one); !ok || !slices.Equal(l.To, []string{"bob@a.test", "carol@a.test"}) || l.From != "ann@shop.test" || !slices.Equal(l.Tags, []string{"red"}) || l.Read {
		t.Errorf("the envelope came back as %+v", l)
	}
	if l, _ := again.Letter(two); !l.Read {
		t.Error("that a message was read is forgotten")
	}
	if got := subjects(t, again, "bob"); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("bob reads %q", got)
	}
	if got := len(subjects(t, again, "dave")); got != 1 {
		t.Errorf("dave reads %d messages, want the one that another program put there", got)
	}
	c, err := again.OpenLetter(one)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if text, _ := io.ReadAll(c); string(text) != "Subject: one\r\n\r\none\r\n" {
		t.Errorf("the content came back as %q", text)
	}
	again.DropLetters()
	if files, _ := filepath.Glob(filepath.Join(dir, "*", "*")); len(files) != 0 {
		t.Errorf("left: %q", files)
	}
}

func TestFolderReload(t *testing.T) {
	dir := t.TempDir()
	m := openStore(t, StoreOptions{Folder: dir})
	receive(t, m, "one", "bob@a.test")
	files, _ := filepath.Glob(filepath.Join(dir, "new", "*"))
	if len(files) != 1 || os.Remove(files[0]) != nil {
		t.Fatalf("files %q", files)
	}
	if err := os.WriteFile(filepath.Join(dir, "cur", "2.x:2,S"), []byte("Subject: two\r\n\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := m.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := subjects(t, m, "alice"); !slices.Equal(got, []string{"two"}) {
		t.Errorf("after a reload there is %q", got)
	}
}

func TestFolderFailsWithoutALoss(t *testing.T) {
	dir := t.TempDir()
	m := openStore(t, StoreOptions{Folder: dir, Limits: Limits{Bytes: 1000}})
	if _, err := m.Receive(Envelope{}, io.MultiReader(strings.NewReader("Subject: cut"), brokenReader{})); err == nil {
		t.Error("a message that is cut off was taken")
	}
	if _, err := m.Receive(Envelope{}, strings.NewReader(strings.Repeat("x", 2000))); err != ErrStoreFull {
		t.Errorf("%v, want a full store", err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*", "*")); len(files) != 0 {
		t.Errorf("left: %q", files)
	}
	if _, err := NewStore(StoreOptions{Folder: filepath.Join(dir, "new", "\x00")}); err == nil {
		t.Error("a folder that cannot be made is no error")
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestOpenStoreByTheServers sends a message to somebody and reads it with IMAP and POP3.
func TestOpenStoreByTheServers(t *testing.T) {
	m := openStore(t, StoreOptions{Folder: t.TempDir()})
	with := base.ServerOptions{}
	smtp, err := StartSMTP(SMTPOptions{ServerOptions: with, Mail: m})
	if err != nil {
		t.Fatal(err)
	}
	defer smtp.Close()
	pop, err := StartPOP3(POP3Options{ServerOptions: with, Mail: m})
	if err != nil {
		t.Fatal(err)
	}
	defer pop.Close()
	talk(t, smtp.Addr(), "220", "EHLO x", "250 ", "MAIL FROM:<a@b.test>", "250", "RCPT TO:<new.person@c.test>", "250", "DATA", "354", "Subject: hi\r\n\r\n..dot\r\n.", "250", "QUIT", "221")
	talk(t, pop.Addr(), "+OK", "USER new.person@c.test", "+OK", "PASS whatever", "+OK", "STAT", "+OK 1 21", "RETR 1", "..dot", "TOP 1 0", "Subject: hi", "QUIT", "+OK")
	if got := subjects(t, m, "alice"); !slices.Equal(got, []string{"hi"}) {
		t.Errorf("all mail is %q", got)
	}
}

// talk waits for what a server is to say, and says the next line, in turn.
func talk(t *testing.T, addr string, steps ...string) {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	in := bufio.NewReader(conn)
	for i, step := range steps {
		if i%2 == 1 {
			fmt.Fprintf(conn, "%s\r\n", step)
			continue
		}
		for line := ""; !strings.HasPrefix(line, step); {
			if line, err = in.ReadString('\n'); err != nil {
				t.Fatalf("waiting for %q: %v", step, err)
			}
		}
	}
}

// TestRemoteAddress: the address of the client is told as it was, over a restart too,
// although its port is kept apart.
func TestRemoteAddress(t *testing.T) {
	dir := t.TempDir()
	open := func() *Mailboxes {
		m, err := NewStore(StoreOptions{Open: true, Folder: dir})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	m := open()
	want := map[string]string{}
	for _, remote := range []string{"127.0.0.1:2525", "[::1]:65535", "127.0.0.1:0", "127.0.0.1:02525", "/run/lab.sock", "", "a:99999", "127.0.0.1"} {
		id, err := m.Receive(Envelope{From: "a@b.test", To: []string{"c@d.test"}, Remote: remote}, strings.NewReader("Subject: x\r\n\r\nx\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		want[id] = remote
	}
	for name, m := range map[string]*Mailboxes{"at once": m, "after a restart": open()} {
		t.Run(name, func(t *testing.T) {
			for id, remote := range want {
				if l, ok := m.Letter(id); !ok || l.Remote != remote || len(l.To) != 1 || l.To[0] != "c@d.test" {
					t.Errorf("%+v, %v; want the address %q", l, ok, remote)
				}
			}
		})
	}
}
