package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols/lab/maillab"
)

// boxesOf returns how many messages each mailbox of an account has.
func boxesOf(t *testing.T, mail *maillab.Mailboxes) string {
	t.Helper()
	list, err := mail.List("alice")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, b := range list {
		all = append(all, fmt.Sprintf("%s %d", b.Name, b.Messages))
	}
	return strings.Join(all, ", ")
}

// TestTwoWayAccounts: all mailboxes that either side has are kept the same, whichever side is
// named first; a deletion wins over a flag only where that is wanted.
func TestTwoWayAccounts(t *testing.T) {
	mail, a := accountAt(t, "Work", "Lists/go")
	dir := filepath.Join(t.TempDir(), "mail")
	run := func(want string, args ...string) {
		t.Helper()
		code, out, told := runCLI(t, append([]string{"sync", "--two-way", "--json"}, args...)...)
		if code != 0 || !strings.Contains(out, want) {
			t.Fatalf("%v: exit code %d, %s%s", args, code, out, told)
		}
	}
	run(`"done":7,"skipped":0`, a, "maildir:"+dir)
	if err := os.MkdirAll(filepath.Join(dir, "New", "cur"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, "New", sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "New", "cur", "1.x.y:2,S"), []byte("Subject: x\n\nx\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(`"done":1,"skipped":7`, "maildir:"+dir, a)
	if got := boxesOf(t, mail); !strings.Contains(got, "New 1") || !strings.Contains(got, "Work 1") || !strings.Contains(got, "Lists/go 1") {
		t.Error(got)
	}
	list, err := mail.Snapshot("alice", "New")
	if err != nil || len(list[0].Flags) != 1 || list[0].Flags[0] != `\Seen` {
		t.Errorf("%v, %v", list, err)
	}

	other, b := accountAt(t, "Only")
	_ = other
	run(`"failed":0`, a, b, "--exclude", "INBOX")
	for _, m := range []*maillab.Mailboxes{mail, other} {
		if got := boxesOf(t, m); !strings.Contains(got, "Only 1") || !strings.Contains(got, "New 1") {
			t.Error(got)
		}
	}

	conflict := func(want string, flags ...string) {
		t.Helper()
		mail.SetFlags("alice", "New", 1, []string{`\Seen`, `\Flagged`})
		names, _ := filepath.Glob(filepath.Join(dir, "New", "cur", "*"))
		for _, name := range names {
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
		run(want, append([]string{a + "New", "maildir:" + dir + "/New", "--max-delete", "-1"}, flags...)...)
	}
	conflict(`"done":1,"skipped":0,"deleted":0`)
	conflict(`"deleted":1`, "--conflict", "deletion")
}

// TestTwoWayUsage: what cannot go both ways is refused before anything is opened.
func TestTwoWayUsage(t *testing.T) {
	for _, args := range [][]string{
		{"imap://127.0.0.1:1/INBOX", "mbox:x"}, {"ftp://127.0.0.1:1/", "x"}, {"pop3://127.0.0.1:1/", "maildir:x"},
		{"imap://127.0.0.1:1/", "maildir:x", "--delete"}, {"imap://127.0.0.1:1/", "maildir:x", "--map", "a=b"},
		{"imap://127.0.0.1:1/INBOX", "maildir:x", "--delete-after"}, {"imap://127.0.0.1:1/", "maildir:x", "--conflict", "x"},
	} {
		if code, _, told := runCLI(t, append([]string{"sync", "--two-way"}, args...)...); code != 2 {
			t.Errorf("%v: exit code %d, %s", args, code, told)
		}
	}
	if code, _, told := runCLI(t, "sync", "imap://127.0.0.1:1/INBOX", "maildir:x", "--conflict", "deletion"); code != 2 {
		t.Errorf("exit code %d, %s", code, told)
	}
}
