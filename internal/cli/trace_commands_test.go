package cli

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols/lab/ftplab"
)

// TestTraceCommands records a dialogue that works and one that fails, shows them and says
// what changed.
func TestTraceCommands(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	s, err := ftplab.Start(ftplab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	dir := t.TempDir()
	record := func(name, login string) string {
		path := filepath.Join(dir, name)
		var out, words bytes.Buffer
		Main(t.Context(), []string{"cat", strings.Replace(s.URL(), "://", "://"+login+"@", 1) + "README.txt", "--trace", path}, strings.NewReader(""), &out, &words)
		return path
	}
	works, again, fails := record("works.jsonl", "alice:secret"), record("again.txt", "alice:secret"), record("fails.jsonl", "alice:wrong")

	for _, c := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"trace", "diff", works, again}, 0, []string{" exchanges the same, 0 changed, 0 added, 0 removed"}},
		{[]string{"trace", "diff", "-q", works, fails}, 1, nil},
		{[]string{"trace", "diff", works, fails}, 1, []string{"changed: PASS ****", "- < 230 Login successful.", "+ < 530 Login incorrect.", "removed: RETR README.txt", "more lines (-v prints them)"}},
		{[]string{"trace", "diff", works, filepath.Join(dir, "none")}, 11, nil},
		{[]string{"trace", "diff", works, "-"}, 1, nil}, // nothing recorded is not the same
		{[]string{"trace", "show", works}, 0, []string{"> PASS ****", "« data received 71 bytes", "< 226 "}},
		{[]string{"trace", "show", "--channel", "data", works}, 0, []string{"« data received 71 bytes"}},
		{[]string{"trace", "show", "--color", "always", fails}, 0, []string{"\x1b[31m< 530 Login incorrect.\x1b[0m"}},
	} {
		code, out, words := probeCLI(t, c.args...)
		if code != c.code {
			t.Errorf("%q: exit code %d: %s%s", c.args, code, out, words)
		}
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%q: no %q in\n%s", c.args, want, out)
			}
		}
		if c.code == 1 && words != "" {
			t.Errorf("%q says %q", c.args, words)
		}
	}

	known := schemas{}
	for _, args := range [][]string{{"trace", "diff", works, fails, "--json"}, {"trace", "show", works, "--json"}} {
		_, out, _ := probeCLI(t, args...)
		for line := range strings.Lines(out) {
			if why := known.breaks(t, args[1], line); why != "" {
				t.Errorf("%q: %s: %s", args, line, why)
			}
		}
		last := out[strings.LastIndex(strings.TrimSpace(out), "\n")+1:]
		if !json.Valid([]byte(last)) || args[1] == "diff" && !strings.HasPrefix(last, `{"summary":{"same":`) {
			t.Errorf("%q ends with %s", args, last)
		}
	}
}
