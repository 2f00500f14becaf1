package cli

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/internal/awkward"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/lab/newslab"
)

// routes replays messages over one route after the other.
type routes struct {
	t        *testing.T
	messages []*awkward.Message
}

// sync runs a sync that must store all messages, and then one that has nothing to do.
func (r *routes) sync(n int, args ...string) {
	r.t.Helper()
	args = append([]string{"sync", "--tls", "off", "--journal", filepath.Join(r.t.TempDir(), "j")}, args...)
	for run, done := range []int{n, 0} {
		code, out, told := runCLI(r.t, args...)
		if code != 0 || !strings.Contains(out+told, fmt.Sprintf("%d done, %d unchanged", done, n-done)) {
			r.t.Fatalf("%v, run %d: exit code %d, %.2000s%.2000s", args, run, code, out, told)
		}
	}
}

// same compares what arrived with what was sent, byte for byte. With prefixes servers may
// have put fields in front.
func (r *routes) same(route string, got []string, want func(m *awkward.Message) (string, bool), prefixes bool) {
	r.t.Helper()
	for _, fault := range awkward.Compare(r.messages, got, want, prefixes) {
		r.t.Errorf("%s: %s", route, fault)
	}
}

func exact(m *awkward.Message) (string, bool)   { return m.Content, true }
func asLines(m *awkward.Message) (string, bool) { return m.Whole(), true }
func short(m *awkward.Message) (string, bool)   { return m.Whole(), !m.Long }

// write makes a maildir of the messages that are meant.
func (r *routes) write(meant func(m *awkward.Message) (string, bool)) (dir string, n int) {
	r.t.Helper()
	dir = filepath.Join(r.t.TempDir(), "mail")
	n, err := awkward.Write(dir, r.messages, meant)
	if err != nil {
		r.t.Fatal(err)
	}
	return dir, n
}

func (r *routes) files(dir string) (list []string) {
	r.t.Helper()
	for _, sub := range []string{"new", "cur"} {
		names, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil {
			r.t.Fatal(err)
		}
		for _, name := range names {
			b, err := os.ReadFile(filepath.Join(dir, sub, name.Name()))
			if err != nil {
				r.t.Fatal(err)
			}
			list = append(list, string(b))
		}
	}
	return list
}

func (r *routes) mailbox(mail *maillab.Mailboxes, box string) (list []string) {
	r.t.Helper()
	all, err := mail.Snapshot("alice", box)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, m := range all {
		list = append(list, string(m.Data))
	}
	return list
}

func (r *routes) imap() (*maillab.Mailboxes, string) {
	r.t.Helper()
	mail := maillab.NewMailboxes(maillab.Limits{})
	s, err := maillab.StartIMAP(maillab.IMAPOptions{PreAuth: "alice", Mail: mail})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { s.Close() })
	return mail, s.URL()
}

// TestAwkwardMessages: generated messages go over every route, byte for byte: those in stores
// and IMAP exactly, those over protocols of lines with an end of the last line, those over
// SMTP and LMTP without lines that are too long for it.
func TestAwkwardMessages(t *testing.T) {
	r := &routes{t, awkward.Messages()}
	if len(r.messages) < 400 {
		t.Fatalf("only %d messages", len(r.messages))
	}
	dir, n := r.write(exact)
	mail, a := r.imap()
	other, b := r.imap()
	r.sync(n, "maildir:"+dir, a+"INBOX")
	r.same("maildir to IMAP", r.mailbox(mail, "INBOX"), exact, false)
	r.sync(n, a+"INBOX", b+"Copy")
	r.same("IMAP to IMAP", r.mailbox(other, "Copy"), exact, false)
	down, box, again := filepath.Join(t.TempDir(), "down"), filepath.Join(t.TempDir(), "box"), filepath.Join(t.TempDir(), "again")
	r.sync(n, b+"Copy", "maildir:"+down)
	r.same("IMAP to maildir", r.files(down), exact, false)
	r.sync(n, b+"Copy", "mbox:"+box)
	r.sync(n, "mbox:"+box, "maildir:"+again)
	r.same("IMAP to mbox to maildir", r.files(again), exact, false)
	r.sync(n, "mbox:"+box, a+"Back")
	r.same("mbox to IMAP", r.mailbox(mail, "Back"), exact, false)
	r.sync(n, "--two-way", a+"Two", "maildir:"+down)
	r.same("two ways", r.mailbox(mail, "Two"), exact, false)

	pop, err := maillab.StartPOP3(maillab.POP3Options{Mail: mail})
	if err != nil {
		t.Fatal(err)
	}
	defer pop.Close()
	u, err := url.Parse(pop.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("alice", "secret")
	popped := filepath.Join(t.TempDir(), "pop")
	r.sync(n, u.String(), "maildir:"+popped)
	r.same("POP3 to maildir", r.files(popped), asLines, false)

	few, n := r.write(short)
	for _, lmtp := range []bool{false, true} {
		arrived := maillab.NewMailboxes(maillab.Limits{})
		s, err := maillab.StartSMTP(maillab.SMTPOptions{Mail: arrived, LMTP: lmtp})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		r.sync(n, "maildir:"+few, s.URL(), "--to", "alice@example.org")
		r.same(s.URL(), r.mailbox(arrived, "INBOX"), short, true)
	}
}

// TestAwkwardArticles: generated bodies are posted to a news server and come back.
func TestAwkwardArticles(t *testing.T) {
	s, err := newslab.Start(newslab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	group := "local.empty"
	r := &routes{t, awkward.Articles(group)}
	file := filepath.Join(t.TempDir(), "article")
	for _, m := range r.messages {
		if err := os.WriteFile(file, []byte(m.Content), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, out, told := runCLI(t, "nntp", "post", s.URL(), "--raw", file); code != 0 {
			t.Fatalf("%s: exit code %d, %s%s", m.Name, code, out, told)
		}
	}
	dir := filepath.Join(t.TempDir(), "news")
	code, out, told := runCLI(t, "sync", s.URL()+group, "maildir:"+dir)
	if code != 0 {
		t.Fatalf("exit code %d, %s%s", code, out, told)
	}
	body := func(content string) string { _, b, _ := strings.Cut(content, "\r\n\r\n"); return b }
	var got []string
	for _, content := range r.files(dir) {
		got = append(got, fmt.Sprintf("X-First: %d\r\n\r\n%s", awkward.Number(content), body(content)))
	}
	r.same("NNTP", got, func(m *awkward.Message) (string, bool) { return body(m.Content), true }, true)
}
