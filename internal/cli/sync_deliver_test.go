package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/maillab"
)

// delivered returns the messages of alice's INBOX, without what the server put in front.
func delivered(t *testing.T, mail *maillab.Mailboxes) (list []string) {
	t.Helper()
	messages, err := mail.Snapshot("alice", "INBOX")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		text := string(m.Data)
		list = append(list, text[max(strings.Index(text, "Subject:"), 0):])
	}
	slices.Sort(list)
	return list
}

// TestDeliver: messages go from POP3, IMAP and maildirs to an SMTP server, an LMTP server and
// a command, each once.
func TestDeliver(t *testing.T) {
	for _, scheme := range []string{"smtp", "lmtp", "exec"} {
		t.Run(scheme, func(t *testing.T) {
			from, to := maillab.NewMailboxes(maillab.Limits{}), maillab.NewMailboxes(maillab.Limits{})
			var want []string
			for i := range 6 {
				text := fmt.Sprintf("Subject: n%d\r\n\r\n.dots\r\n..\r\nGr\xfc\xdfe\r\n", i)
				want = append(want, text)
				if _, err := from.Append("alice", "INBOX", []byte(text), nil, time.Now()); err != nil {
					t.Fatal(err)
				}
			}
			pop, err := maillab.StartPOP3(maillab.POP3Options{Mail: from})
			if err != nil {
				t.Fatal(err)
			}
			defer pop.Close()
			dir := t.TempDir()
			t.Setenv("NETCLIENTS_PASSWORD", "secret")
			args := []string{"sync", "pop3://alice@" + strings.TrimPrefix(pop.URL(), "pop3://"), "exec:cat > '" + dir + "'/$$.eml", "--tls", "off", "--journal", filepath.Join(t.TempDir(), "j")}
			if scheme != "exec" {
				s, err := maillab.StartSMTP(maillab.SMTPOptions{Mail: to, LMTP: scheme == "lmtp"})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				args[2] = s.URL()
				args = append(args, "--to", "alice@example.org")
			}
			for run, n := range []int{6, 0} {
				code, out, told := runCLI(t, args...)
				if code != 0 || !strings.Contains(told+out, fmt.Sprintf("%d done, %d unchanged", n, 6-n)) {
					t.Fatalf("run %d: exit code %d, %s%s", run, code, out, told)
				}
			}
			got := delivered(t, to)
			if scheme == "exec" {
				files, err := filepath.Glob(filepath.Join(dir, "*.eml"))
				if err != nil {
					t.Fatal(err)
				}
				for _, name := range files {
					b, err := os.ReadFile(name)
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, string(b))
				}
				slices.Sort(got)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q", got)
			}
		})
	}
}

// TestDeliverRefused: the exit code of a command decides; what it did not take is named and
// stays, the rest is deleted at the source.
func TestDeliverRefused(t *testing.T) {
	mail, url := accountAt(t, "Work", "Other")
	code, out, told := runCLI(t, "sync", url, "exec:! grep -q '^Subject: Other'", "--include", "Work", "--include", "Other", "--delete-after", "--json")
	if code != 10 || !strings.Contains(out, `"subject":"Other"`) || !strings.Contains(out, `"done":1,"skipped":0,"deleted":1,"failed":1`) {
		t.Errorf("exit code %d, %s%s", code, out, told)
	}
	if got := boxesOf(t, mail); !strings.Contains(got, "Work 0") || !strings.Contains(got, "Other 1") {
		t.Error(got)
	}
	for _, args := range [][]string{
		{url + "Work", "smtp://127.0.0.1:1"}, {url + "Work", "lmtp://127.0.0.1:1"}, {url + "Work", "exec:cat", "--to", "a@x"}, {url + "Work", "exec: "},
		{url + "Work", "exec:cat", "--delete"}, {url + "Work", "maildir:" + t.TempDir(), "--to", "a@x"}, {"ftp://127.0.0.1:1/", "exec:cat"}, {url + "Work", "exec:cat", "--two-way"},
	} {
		if code, _, told := runCLI(t, append([]string{"sync"}, args...)...); code != 2 {
			t.Errorf("%v: exit code %d, %s", args, code, told)
		}
	}
	if code, _, told := runCLI(t, "sync", url+"Other", "exec:no-such-program-here"); code != 11 {
		t.Errorf("exit code %d, %s", code, told)
	}
}
