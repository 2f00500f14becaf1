package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A destination that has the messages and no state (a restored backup, the work of another
// program) gets nothing twice: messages are matched by their content, however they are named.
func TestSyncIntoRestored(t *testing.T) {
	mail, account := accountAt(t)
	inbox := account + "INBOX"
	copied := filepath.Join(t.TempDir(), "mail")
	sync := func(want, from, to string) {
		t.Helper()
		code, out, told := runCLI(t, "sync", "--json", from, to)
		if code != 0 || !strings.Contains(out, want) {
			t.Fatalf("%s to %s: exit code %d, want %s\n%s%s", from, to, code, want, out, told)
		}
	}
	sync(`"done":5,"skipped":0`, inbox, "maildir:"+copied)

	// The same messages under names of another program, one of them twice, one changed, and one
	// that the account does not have.
	restored := filepath.Join(t.TempDir(), "mail")
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(restored, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	names, err := filepath.Glob(filepath.Join(copied, "???", "*.netclients*"))
	if err != nil || len(names) != 5 {
		t.Fatalf("%q, %v", names, err)
	}
	put := func(name string, text []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(restored, "cur", name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		switch i {
		case 0:
			put("second.host:2,S", text)
		case 1:
			text = append(text[:len(text)-2], '!', '\n')
		}
		put(string(rune('a'+i))+".host:2,S", text)
	}
	put("own.host:2,", []byte("Subject: mine\n\nhere alone\n"))
	sync(`"done":1,"skipped":4`, inbox, "maildir:"+restored)
	sync(`"done":0,"skipped":5`, inbox, "maildir:"+restored)
	if now, _ := filepath.Glob(filepath.Join(restored, "???", "*")); len(now) != 5+2+1 {
		t.Errorf("%d messages: %q", len(now), now)
	}

	// Into a mailbox that has them already.
	other, far := accountAt(t)
	sync(`"done":0,"skipped":5`, inbox, far+"INBOX")
	sync(`"done":0,"skipped":5`, inbox, far+"INBOX")
	for _, m := range []string{boxesOf(t, mail), boxesOf(t, other)} {
		if !strings.Contains(m, "INBOX 5") {
			t.Error(m)
		}
	}
}
