package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/maillab"
)

// mailboxGone is an account and a folder of maildirs that are kept the same.
type mailboxGone struct {
	t    *testing.T
	mail *maillab.Mailboxes
	url  string
	dir  string
	far  *maillab.Mailboxes // in place of the folder: another account
}

func (m *mailboxGone) sync(wantCode int, flags ...string) string {
	m.t.Helper()
	to := "maildir:" + m.dir
	if m.far != nil {
		to = m.dir
	}
	code, out, told := runCLI(m.t, append([]string{"sync", "--two-way", "--json", "--remove-mailboxes", m.url, to}, flags...)...)
	if code != wantCode {
		m.t.Fatalf("%v: exit code %d, want %d: %s%s", flags, code, wantCode, out, told)
	}
	return out + told
}

// here reports whether the folder, or the other account, has a mailbox.
func (m *mailboxGone) here(box string) bool {
	if m.far != nil {
		return has(m.t, m.far, box)
	}
	_, err := os.Stat(filepath.Join(m.dir, box, "cur"))
	return err == nil
}

func has(t *testing.T, mail *maillab.Mailboxes, box string) bool {
	t.Helper()
	return strings.Contains(" "+strings.ReplaceAll(boxesOf(t, mail), ", ", "  ")+" ", " "+box+" ")
}

func (m *mailboxGone) removeHere(box string) {
	m.t.Helper()
	var err error
	if m.far != nil {
		err = m.far.Remove("alice", box)
	} else {
		err = os.RemoveAll(filepath.Join(m.dir, box))
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

func newMailboxGone(t *testing.T, kind string) *mailboxGone {
	t.Helper()
	m := &mailboxGone{t: t, dir: filepath.Join(t.TempDir(), "mail")}
	m.mail, m.url = accountAt(t, "Work", "Work/Deep", "Other")
	if kind == "account" {
		m.far, m.dir = accountAt(t)
	}
	m.sync(0)
	m.sync(0)
	return m
}

// TestMailboxGone: a mailbox that was deleted on one side goes on the other, when that is
// wanted and nothing is lost.
func TestMailboxGone(t *testing.T) {
	for _, kind := range []string{"folder", "account"} {
		for name, c := range map[string]func(t *testing.T, m *mailboxGone){
			"at the server": func(t *testing.T, m *mailboxGone) {
				if err := m.mail.Remove("alice", "Other"); err != nil {
					t.Fatal(err)
				}
				if out := m.sync(10); !m.here("Other") || has(t, m.mail, "Other") || !strings.Contains(out, "1 messages would be deleted") {
					t.Errorf("without a number of messages: %s", out)
				}
				if out := m.sync(0, "--max-delete", "1", "--dry-run"); !m.here("Other") || has(t, m.mail, "Other") {
					t.Errorf("dry run: %s", out)
				}
				if out := m.sync(0, "--max-delete", "1"); m.here("Other") || has(t, m.mail, "Other") || !strings.Contains(out, `"deleted":2`) {
					t.Errorf("%s", out)
				}
				if err := m.mail.Create("alice", "Other"); err != nil { // a new one of that name
					t.Fatal(err)
				}
				if m.sync(0); !m.here("Other") || !has(t, m.mail, "Other") {
					t.Error("a new mailbox is not there")
				}
			},
			"on the other side": func(t *testing.T, m *mailboxGone) {
				m.removeHere("Other")
				if m.sync(0, "--max-delete", "-1"); m.here("Other") || has(t, m.mail, "Other") {
					t.Error("it is there")
				}
				if m.sync(0); m.here("Other") || has(t, m.mail, "Other") {
					t.Error("it is there again")
				}
			},
			"with one below": func(t *testing.T, m *mailboxGone) {
				m.removeHere("Work/Deep")
				m.removeHere("Work")
				if m.sync(0, "--max-delete", "-1"); has(t, m.mail, "Work") || has(t, m.mail, "Work/Deep") {
					t.Error(boxesOf(t, m.mail))
				}
			},
			"changed meanwhile": func(t *testing.T, m *mailboxGone) {
				m.removeHere("Other")
				if _, err := m.mail.Append("alice", "Other", []byte("Subject: new\r\n\r\nnew\r\n"), nil, time.Now()); err != nil {
					t.Fatal(err)
				}
				if out := m.sync(0, "--max-delete", "-1"); !m.here("Other") || !strings.Contains(boxesOf(t, m.mail), "Other 2") || !strings.Contains(out, `"deleted":0`) {
					t.Errorf("%s: %s", boxesOf(t, m.mail), out)
				}
			},
			"not asked for": func(t *testing.T, m *mailboxGone) {
				m.removeHere("Other")
				to := m.dir
				if m.far == nil {
					to = "maildir:" + to
				}
				if code, _, told := runCLI(t, "sync", "--two-way", "--max-delete", "-1", m.url, to); code != 0 || !m.here("Other") {
					t.Errorf("exit code %d, %s", code, told)
				}
			},
		} {
			t.Run(kind+", "+name, func(t *testing.T) { c(t, newMailboxGone(t, kind)) })
		}
	}
}

// TestMailboxesAllGone: a side without any mailbox deletes nothing.
func TestMailboxesAllGone(t *testing.T) {
	m := newMailboxGone(t, "folder")
	list, err := filepath.Glob(filepath.Join(m.dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range list {
		if strings.HasPrefix(filepath.Base(path), ".") {
			continue // the list of what was there
		}
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	if out := m.sync(6); !strings.Contains(out, "nothing was changed") || !has(t, m.mail, "Other") {
		t.Errorf("%s", out)
	}
}
