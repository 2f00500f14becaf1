//go:build linux

package interop

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/awkward"
	"github.com/netclients/netclients/internal/programtest"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap"
)

// replay runs the program over real servers.
type replay struct {
	t        *testing.T
	program  string
	messages []*awkward.Message
}

func newReplay(t *testing.T, messages []*awkward.Message) *replay {
	t.Helper()
	return &replay{t, programtest.Build(t), messages}
}

func (r *replay) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(r.t.Context(), r.program, args...)
	cmd.Env = append(os.Environ(), "NETCLIENTS_PASSWORD="+Password, "XDG_STATE_HOME="+filepath.Join(filepath.Dir(r.program), "state"))
	return cmd
}

// sync kills a sync some times, ends it, and checks that nothing is left to be done.
func (r *replay) sync(kills int, args ...string) {
	r.t.Helper()
	args = append([]string{"sync", "--tls", "off", "--journal", filepath.Join(r.t.TempDir(), "j")}, args...)
	for range kills {
		cmd := r.command(args...)
		if err := cmd.Start(); err != nil {
			r.t.Fatal(err)
		}
		timer := time.AfterFunc(50*time.Millisecond+rand.N(400*time.Millisecond), func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // killed, or done before
		timer.Stop()
	}
	for run := range 2 {
		out, err := r.command(args...).CombinedOutput()
		if err != nil || run == 1 && !strings.Contains(string(out), "\n0 done, ") && !strings.HasPrefix(string(out), "0 done, ") {
			r.t.Fatalf("%v, run %d: %v: %.2000s", args, run, err, out)
		}
	}
}

// arrived returns the content of a mailbox.
func (r *replay) arrived(c *imap.Client, box string) []string { return contents(r.t, c, box) }

func (r *replay) same(route string, got []string, want func(m *awkward.Message) (string, bool), prefixes bool) {
	r.t.Helper()
	for _, fault := range awkward.Compare(r.messages, got, want, prefixes) {
		r.t.Errorf("%s: %s", route, fault)
	}
}

// write makes a maildir of the messages that are meant.
func (r *replay) write(meant func(m *awkward.Message) (string, bool)) string {
	r.t.Helper()
	dir := filepath.Join(r.t.TempDir(), "mail")
	if _, err := awkward.Write(dir, r.messages, meant); err != nil {
		r.t.Fatal(err)
	}
	return dir
}

func (r *replay) files(dir string) (list []string) {
	r.t.Helper()
	for _, sub := range []string{"new", "cur"} {
		names, err := filepath.Glob(filepath.Join(dir, sub, "*"))
		if err != nil {
			r.t.Fatal(err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				r.t.Fatal(err)
			}
			list = append(list, string(b))
		}
	}
	return list
}

// empty removes all messages from a user's INBOX.
func (r *replay) empty(c *imap.Client) {
	r.t.Helper()
	var names []string
	for _, e := range imapList(r.t, c.List(r.t.Context(), "INBOX")) {
		names = append(names, e.Path)
	}
	if err := c.BulkRemove(r.t.Context(), slices.Values(names), nil); err != nil {
		r.t.Fatal(err)
	}
}

// wait returns the content of an INBOX once it has n messages.
func (r *replay) wait(c *imap.Client, n int) []string {
	r.t.Helper()
	for range 600 {
		e, err := c.Stat(r.t.Context(), "INBOX")
		if err != nil {
			r.t.Fatal(err)
		}
		if e.GroupInfo != nil && int(e.Count) >= n {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	return r.arrived(c, "INBOX")
}

// TestAwkwardMessages: generated messages from account to account and back with kills, and
// over POP3, LMTP, SMTP and news, through real servers, byte for byte.
func TestAwkwardMessages(t *testing.T) {
	addrs := Require(t, "IMAP", "POP3", "LMTP", "SMTP")
	r := newReplay(t, awkward.Messages())
	plain := func(o *protocols.Options) { o.TLS.Mode = protocols.TLSOff }
	from, to, inbox := imapClient(t, "IMAP", "imap", Alice, plain), imapClient(t, "IMAP", "imap", "grace", plain), imapClient(t, "IMAP", "imap", "dave", plain)
	for box, c := range map[string]*imap.Client{"awkward": from, "awkward-back": from, "awkward-copy": to} {
		imapBox(t, c, box)
	}
	r.empty(inbox)
	t.Cleanup(func() { r.t = t; _ = inbox.Close() })
	exact := func(m *awkward.Message) (string, bool) { return m.Content, true }
	whole := func(m *awkward.Message) (string, bool) { return m.Whole(), !m.Long }
	host := func(user, service, path string) string {
		return strings.ToLower(service) + "://" + user + "@" + addrs[service] + "/" + path
	}

	r.sync(3, "maildir:"+r.write(exact), host(Alice, "IMAP", "awkward"))
	r.same("maildir to IMAP", r.arrived(from, "awkward"), exact, false)
	r.sync(5, host(Alice, "IMAP", "awkward"), host("grace", "IMAP", "awkward-copy"))
	r.same("account to account", r.arrived(to, "awkward-copy"), exact, false)
	r.sync(5, host("grace", "IMAP", "awkward-copy"), host(Alice, "IMAP", "awkward-back"))
	r.same("and back", r.arrived(from, "awkward-back"), exact, false)
	both := filepath.Join(t.TempDir(), "both")
	r.sync(3, "--two-way", host("grace", "IMAP", "awkward-copy"), "maildir:"+both)
	r.same("two ways", r.files(both), exact, false)
	mbox, down := filepath.Join(t.TempDir(), "mbox"), filepath.Join(t.TempDir(), "down")
	r.sync(3, host(Alice, "IMAP", "awkward"), "mbox:"+mbox)
	r.sync(0, "mbox:"+mbox, "maildir:"+down)
	r.same("IMAP to mbox to maildir", r.files(down), exact, false)

	lines := r.write(whole)
	r.sync(0, "maildir:"+lines, "lmtp://"+addrs["LMTP"], "--to", "dave@localhost")
	r.same("LMTP", r.arrived(inbox, "INBOX"), whole, true)
	popped := filepath.Join(t.TempDir(), "pop")
	r.sync(3, host("dave", "POP3", ""), "maildir:"+popped)
	r.same("POP3", r.files(popped), whole, true)
	r.empty(inbox)

	// Postfix completes headers and ends them at the first line that is not a field.
	body := func(m *awkward.Message) (string, bool) {
		_, b, found := strings.Cut(m.Whole(), "\r\n\r\n")
		return "\r\n" + b, found && !m.Long && strings.HasPrefix(m.Content, "X-First: ") && !strings.Contains(m.Name, "colon") && b != ""
	}
	posted := r.write(body)
	names, err := filepath.Glob(filepath.Join(posted, "new", "*"))
	if err != nil {
		t.Fatal(err)
	}
	r.sync(0, "maildir:"+posted, "smtp://"+addrs["SMTP"], "--to", "dave@lab.test", "--from", "alice@lab.test")
	r.same("SMTP", r.wait(inbox, len(names)), body, true)
	r.empty(inbox)
}

// TestAwkwardArticles: generated bodies are posted to INN and come back.
func TestAwkwardArticles(t *testing.T) {
	addr := Require(t, "NNTP")["NNTP"]
	r := newReplay(t, awkward.Articles("local.empty"))
	dir, file := filepath.Join(t.TempDir(), "news"), filepath.Join(t.TempDir(), "article")
	sync := func() {
		t.Helper()
		if out, err := r.command("sync", "--tls", "off", "nntp://"+addr+"/local.empty", "maildir:"+dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	sync() // what is there already
	before := len(r.files(dir))
	mark := fmt.Sprint(time.Now().UnixNano())
	for _, m := range r.messages {
		article := strings.Replace(m.Content, "X-First", "X-Run: "+mark+"\r\nX-First", 1)
		if err := os.WriteFile(file, []byte(article), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := r.command("nntp", "post", "--tls", "off", addr, "--raw", file).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", m.Name, err, out)
		}
	}
	for range 50 {
		if sync(); len(r.files(dir)) >= before+len(r.messages) {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	body := func(content string) string { _, b, _ := strings.Cut(content, "\r\n\r\n"); return b }
	var got []string
	for _, content := range r.files(dir) {
		if strings.Contains(content, "X-Run: "+mark) {
			got = append(got, fmt.Sprintf("X-First: %d\r\n\r\n%s", awkward.Number(content), body(content)))
		}
	}
	r.same("NNTP", got, func(m *awkward.Message) (string, bool) { return "\r\n\r\n" + body(m.Content), true }, true)
}
