package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// spoolServer is a server of mail, with faults, that takes mail for everybody.
func spoolServer(t *testing.T, faults string) (*maillab.Mailboxes, string) {
	t.Helper()
	s := labtest.Mail(t, func(o *maillab.SMTPOptions) { o.TLS, o.Faults = base.TLSNone, labtest.Faults(t, faults) })
	return s.Store, "smtp://" + s.Received.Addr()
}

// entryOf returns the only entry of a spool, nil when there is none.
func entryOf(t *testing.T, dir string) map[string]any {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(all) > 1 {
		t.Fatalf("%q, %v", all, err)
	}
	if len(all) == 0 {
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
			t.Errorf("%q is left", left)
		}
		return nil
	}
	b, err := os.ReadFile(all[0])
	if err != nil {
		t.Fatal(err)
	}
	var e map[string]any
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// TestSpool: a message that cannot be sent now waits and is sent later, once, to those who
// have it not yet.
func TestSpool(t *testing.T) {
	for _, c := range []struct {
		name, faults string
		code         int    // of send
		state        string // after it
		flush        []string
		flushed      int
		after        string
		got          int // messages at the server
	}{
		{"taken at once", "", 0, "", nil, 0, "", 1},
		{"not due", "ctl.code:MAIL=450 later*1", 0, "queued", nil, 0, "queued", 0},
		{"later", "ctl.code:MAIL=450 later*1", 0, "queued", []string{"--now"}, 0, "", 1},
		{"later again", "ctl.code:MAIL=450 later*2", 0, "queued", []string{"--now"}, 7, "queued", 0},
		{"given up", "ctl.code:MAIL=450 later*2", 0, "queued", []string{"--now", "--give-up", "0"}, 7, "failed", 0},
		{"refused", "ctl.code:MAIL=550 no*1", 6, "failed", []string{"--now"}, 0, "failed", 0},
		{"refused, then asked again", "ctl.code:MAIL=550 no*1", 6, "failed", []string{"--failed"}, 0, "", 1},
		{"one recipient later", "ctl.code:RCPT=450 later*1", 0, "queued", []string{"--now"}, 0, "", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, at := spoolServer(t, c.faults)
			dir := filepath.Join(t.TempDir(), "out")
			send := []string{"smtp", "send", at, "--spool", dir, "--from", "me@shop.test", "--to", "a@b.test", "--to", "c@b.test", "--subject", "x", "--body", "y", "--retries", "0"}
			if code, _, errOut := fullCLI(t, send...); code != c.code {
				t.Fatalf("exit code %d, %s", code, errOut)
			}
			state := func() string {
				if e := entryOf(t, dir); e != nil {
					return e["state"].(string)
				}
				return ""
			}
			if got := state(); got != c.state {
				t.Errorf("after send it is %q, want %q", got, c.state)
			}
			if code, _, errOut := fullCLI(t, append([]string{"smtp", "flush", dir}, c.flush...)...); code != c.flushed {
				t.Errorf("flush: exit code %d, want %d, %s", code, c.flushed, errOut)
			}
			if got := state(); got != c.after {
				t.Errorf("after flush it is %q, want %q", got, c.after)
			}
			seen := map[string]int{}
			for _, m := range s.Letters(0, 10) {
				for _, to := range m.To {
					seen[to]++
				}
			}
			if n := len(s.Letters(0, 10)); n != c.got || seen["a@b.test"] > 1 || seen["c@b.test"] > 1 || c.got > 0 && len(seen) != 2 {
				t.Errorf("%d messages, %v", n, seen)
			}
		})
	}
}

// TestSpoolUnknown: where nobody knows whether a server has taken a message it is sent
// again by --held only, also after a run that was killed.
func TestSpoolUnknown(t *testing.T) {
	_, at := spoolServer(t, "")
	dir := t.TempDir()
	for name, text := range map[string]string{
		"one.eml":  "Subject: x\r\n\r\ny\r\n",
		"one.json": `{"id":"one","url":"` + at + `","from":"me@shop.test","to":["a@b.test"],"size":16,"options":{},"state":"sending","created":"2026-01-01T00:00:00Z","attempts":0,"next":"2026-01-01T00:00:00Z"}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, _, errOut := fullCLI(t, "smtp", "flush", "--now", dir)
	if e := entryOf(t, dir); code != 0 || e["state"] != "held" || !strings.Contains(e["error"].(string), "may have been accepted") || !strings.Contains(errOut, "1 held") {
		t.Errorf("exit code %d, %v, %s", code, e, errOut)
	}
	if code, _, errOut := fullCLI(t, "smtp", "flush", "--held", dir); code != 0 || entryOf(t, dir) != nil {
		t.Errorf("exit code %d, %s", code, errOut)
	}
}

// TestSpoolUnreachable: a server that is not there leaves the message in the spool; a
// password of its URL is not kept there.
func TestSpoolUnreachable(t *testing.T) {
	dir := t.TempDir()
	code, _, errOut := fullCLI(t, "smtp", "send", "smtp://ann:s3cret@127.0.0.1:1", "--spool", dir, "--from", "me@shop.test", "--to", "a@b.test", "--body", "y", "--retries", "0")
	e := entryOf(t, dir)
	if code != 0 || e == nil || e["state"] != "queued" || !strings.Contains(errOut, "smtp flush") {
		t.Fatalf("exit code %d, %v, %s", code, e, errOut)
	}
	if text, _ := json.Marshal(e); strings.Contains(string(text), "s3cret") {
		t.Errorf("%s", text)
	}
	for args, says := range map[string]string{"--batch -": "--spool goes neither", "--print": "--spool goes neither", "--quit-after rcpt": "--spool goes neither"} {
		line := append([]string{"smtp", "send", "smtp://127.0.0.1:1", "--spool", dir, "--from", "me@shop.test", "--to", "a@b.test", "--body", "y"}, strings.Fields(args)...)
		if code, _, errOut := fullCLI(t, line...); code != 2 || !strings.Contains(errOut, says) {
			t.Errorf("%s: exit code %d, %s", args, code, errOut)
		}
	}
}
