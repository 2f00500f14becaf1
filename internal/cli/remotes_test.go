package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestProfilesAsRemotes: NAME:PATH is a path in the folder of the profile's URL, and
// profiles lists them.
func TestProfilesAsRemotes(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config.toml")
	text := "[profile.work]\nurl = \"ftp://127.0.0.1:1/pub/\"\nuser = \"ann\"\nretries = 0\n[profile.other]\nurl = \"ftp://127.0.0.1:2/\"\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NETCLIENTS_CONFIG", config)
	t.Chdir(t.TempDir())
	for line, want := range map[string]struct {
		code int
		says string
	}{
		"ls work:":                   {3, "ftp ls 127.0.0.1:1/pub: connection refused"},
		"lookup --type A,MX h":       {2, "--type A: want some of MX,TXT,SRV,NS,CNAME,CAA"},
		"cat work:a?b/c":             {3, "ftp cat 127.0.0.1:1/pub/a%3Fb/c: connection refused"},
		"cp work:a other:b":          {2, "two profiles"},
		"cat nobody:a":               {11, "nobody:a"},
		"profiles":                   {0, "other  ftp://127.0.0.1:2/\nwork   ftp://127.0.0.1:1/pub/  ann\n"},
		"profiles --json --jq .name": {0, "other\nwork\n"},
	} {
		var out, errOut bytes.Buffer
		code := Main(t.Context(), strings.Fields(line), strings.NewReader(""), &out, &errOut)
		if code != want.code || !strings.Contains(out.String()+errOut.String(), want.says) {
			t.Errorf("%s: exit code %d, %s%s", line, code, out.String(), errOut.String())
		}
	}
}
