package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols/lab/labtest"
)

// device is a router: it asks for a name, pages its configuration, and repeats what it is
// told until it is told to exit.
func device(t *testing.T, config string) string {
	t.Helper()
	return labtest.Answer(t, "\x1b[1mname: \x1b[0m", func(line string) string {
		switch strings.TrimSpace(line) {
		case "exit":
			return labtest.Hangup
		case "show":
			line = config
		}
		return strings.TrimSpace(line) + "\r\nrouter# "
	})
}

var pager = "line 1\r\n--More--" + strings.Repeat("\b", 8) + strings.Repeat(" ", 8) + strings.Repeat("\b", 8) + "\x1b[32mline 2\x1b[0m"

// TestRunOutput: the output of each host in a file of its own, as plain text; one that
// fails leaves the older file as it was.
func TestRunOutput(t *testing.T) {
	dir := t.TempDir()
	one, two := device(t, pager), device(t, "other")
	steps := []string{"--expect", "name: ", "--send", "me", "--expect", "# $", "--send", "show", "--expect", "# $", "--send", "exit"}
	args := append([]string{"telnet", "run", "--plain", "-o", dir + "/{host}.txt"}, steps...)
	if code, out, errOut := talkCLI(t, nil, append(args, one, two)...); code != 0 || out != "" {
		t.Fatalf("exit code %d, %q, %s", code, out, errOut)
	}
	name := func(addr string) string { return filepath.Join(dir, addr+".txt") }
	b, err := os.ReadFile(name(one))
	if want := "name: me\nrouter# line 1\nline 2\nrouter# "; err != nil || string(b) != want {
		t.Errorf("%q, %v", b, err)
	}
	for wrong, code := range map[string]int{"-o same.txt": 2, "--max-size 20": 9, "--expect never": 9} {
		before, _ := os.ReadFile(name(one))
		if got, _, errOut := talkCLI(t, nil, append(append(args, strings.Fields(wrong)...), one, two)...); got != code && got != 10 {
			t.Errorf("%s: exit code %d, %s", wrong, got, errOut)
		}
		if after, _ := os.ReadFile(name(one)); string(after) != string(before) {
			t.Errorf("%s: the file is now %q", wrong, after)
		}
	}
	if left, _ := filepath.Glob(dir + "/*part*"); len(left) > 0 {
		t.Error(left)
	}
}

// TestRunCapture: a step that does not hold all that came says so, and a larger one holds it.
func TestRunCapture(t *testing.T) {
	addr := device(t, "config:"+strings.Repeat("x", 200_000))
	args := []string{"telnet", "run", addr, "--json", "--expect", "name: ", "--send", "show", "--expect", "# $", "--send", "exit"}
	code, out, errOut := talkCLI(t, nil, append(args, "--capture", "64k")...)
	if code != 0 || !strings.Contains(out, `"dropped":`) || !strings.Contains(errOut, "--capture") {
		t.Errorf("exit code %d, %s", code, errOut)
	}
	if code, out, errOut = talkCLI(t, nil, args...); code != 0 || strings.Contains(out, `"dropped":`) || !strings.Contains(out, "config:xxx") {
		t.Errorf("exit code %d, %s", code, errOut)
	}
}

// TestRunInteract: after the script the session is the user's, by the flag and by the
// statement, which goes on with the script.
func TestRunInteract(t *testing.T) {
	addr := device(t, "")
	code, out, errOut := talkCLI(t, strings.NewReader("hello\nexit\n"), "telnet", "run", addr, "--expect", "name: ", "--send", "me", "--expect", "# $", "--interact")
	if code != 0 || !strings.Contains(out, "hello") || strings.Count(out, "name:") != 1 {
		t.Errorf("exit code %d, %q, %s", code, out, errOut)
	}
	script := filepath.Join(t.TempDir(), "s.talk")
	if err := os.WriteFile(script, []byte("expect \"name: \"\nsend me\nexpect \"# \"\ninteract\nprint done\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errOut := talkCLI(t, strings.NewReader("hello\nexit\n"), "telnet", "run", script, addr); code != 0 || !strings.Contains(out, "hello") || !strings.Contains(out, "done") {
		t.Errorf("exit code %d, %q, %s", code, out, errOut)
	}
	if code, _, _ := talkCLI(t, strings.NewReader("interact\n"), "telnet", "run", "-", addr); code != 2 {
		t.Errorf("a script on standard input: exit code %d", code)
	}
}

// TestRecord: what is sent without a terminal becomes a script, which plays.
func TestRecord(t *testing.T) {
	addr, script := device(t, ""), filepath.Join(t.TempDir(), "s.talk")
	if code, _, errOut := talkCLI(t, strings.NewReader("me\nexit\n"), "telnet", "record", addr, script); code != 0 {
		t.Fatalf("exit code %d, %s", code, errOut)
	}
	if b, err := os.ReadFile(script); err != nil || !strings.Contains(string(b), "send \"me\"\n") || !strings.Contains(string(b), "send \"exit\"\n") {
		t.Errorf("%s, %v", b, err)
	}
	if code, _, errOut := talkCLI(t, nil, "telnet", "run", script, addr); code != 0 {
		t.Errorf("exit code %d, %s", code, errOut)
	}
}
