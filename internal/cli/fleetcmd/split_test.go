package fleetcmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/lab/newslab"
)

// TestSplitAccount: the mailboxes of an account become jobs, which run.
func TestSplitAccount(t *testing.T) {
	m := newMigration(t, 1, 2, lab.Faults{})
	user := m.users[0]
	for _, box := range []string{"Sent", "Größe", "Archive/2024"} {
		if err := m.from.Mail().Create(user, box); err != nil {
			t.Fatal(err)
		}
		if _, err := m.from.Mail().Append(user, box, message(box, 1), nil, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	out, _ := run(t, m.dir, 0, "fleet", "split", "imap://"+user+"@"+m.from.Addr()+"/", "imap://"+user+"@"+m.to.Addr()+"/", "--secret", "src=env:FLEET_PASSWORD", "--secret", "dst=env:FLEET_PASSWORD")
	if n := strings.Count(out, "\n"); n != 4 {
		t.Fatalf("%d jobs, want 4:\n%s", n, out)
	}
	run(t, m.dir, 0, "fleet", "run", write(t, m.dir, "split.ndjson", out))
	for _, box := range []string{maillab.Inbox, "Sent", "Größe", "Archive/2024"} {
		info, err := m.to.Mail().Info(user, box)
		if err != nil || info.Messages == 0 {
			t.Errorf("%s: %d messages, %v", box, info.Messages, err)
		}
	}
}

// TestSplitOthers: groups, folders and the targets of a file become jobs.
func TestSplitOthers(t *testing.T) {
	dir := t.TempDir()
	news, err := newslab.Start(newslab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { news.Close() })
	out, _ := run(t, dir, 0, "fleet", "split", "nntp://"+news.Addr()+"/", "maildir:news")
	if !strings.Contains(out, `"maildir:news/`) || !strings.Contains(out, "nntp://"+news.Addr()+"/") {
		t.Errorf("groups: %s", out)
	}
	tree := filepath.Join(dir, "tree")
	for _, name := range []string{"a", "b c", "d"} {
		if err := os.MkdirAll(filepath.Join(tree, name), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(tree, name), "file", name)
	}
	out, _ = run(t, dir, 0, "fleet", "split", tree, filepath.Join(dir, "copy"))
	if strings.Count(out, "\n") != 3 {
		t.Errorf("folders: %s", out)
	}
	run(t, dir, 0, "fleet", "run", write(t, dir, "tree.ndjson", out))
	if b, err := os.ReadFile(filepath.Join(dir, "copy", "b c", "file")); err != nil || string(b) != "b c" {
		t.Errorf("%q, %v", b, err)
	}
	out, _ = run(t, dir, 0, "fleet", "split", "--verb", "probe", "--targets", write(t, dir, "hosts", "# all\nimap://a.example/\n\nftp://b.example/ # the second\n"))
	if out != `{"verb":"probe","args":["imap://a.example/"]}`+"\n"+`{"verb":"probe","args":["ftp://b.example/"]}`+"\n" {
		t.Errorf("targets: %s", out)
	}
}

// TestSplitBadTargets: a line that is not a URL is named, and no job is printed.
func TestSplitBadTargets(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ name, line, want string }{
		{"words", "broken url", "not a URL"},
		{"a bare login", "joe:hushhush@mail.example.org", ""},
		{"no scheme", "mail.example.org:143", ""},
		{"unknown scheme", "fpt://mail.example.org/", "fpt"},
		{"bad port", "ftp://mail.example.org:99999/", "99999"},
		{"password", "ftp://joe:hushhush@mail.example.org/", "must not enter the queue"},
	} {
		t.Run(c.name, func(t *testing.T) {
			hosts := write(t, dir, "hosts", "# all\nftp://a.example/\n"+c.line+"\n")
			out, errs := run(t, dir, 2, "fleet", "split", "--verb", "probe", "--targets", hosts)
			if out != "" || !strings.Contains(errs, c.want) || !strings.Contains(errs, hosts+":3") || strings.Contains(errs, "hushhush") {
				t.Errorf("output %q, error %q, want %q", out, errs, c.want)
			}
		})
	}
}
