package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSyncNarrowed: which files a sync takes, and where what it replaces goes.
func TestSyncNarrowed(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write := func(name, content string, at time.Time) {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	write("src/a.tmp", "t", now)
	write("src/old/b", "b", now.Add(-90*24*time.Hour))
	write("src/c", "new", now)
	write("src/skip me", "s", now)
	write("dst/c", "older", now.Add(-time.Hour))
	write("not.txt", "# what is left out\n\n*.tmp\n  skip me  \r\n", now)
	s := &fakeServer{}
	s.cli(t, "sync", "src", "dst", "--exclude-from", "not.txt", "--newer-than", "30d", "--backup-dir", "kept").says(t, 0, "1 done")
	for name, want := range map[string]string{"dst/c": "new", "dst/kept/c": "older", "dst/a.tmp": "", "dst/old/b": "", "dst/skip me": ""} {
		if b, _ := os.ReadFile(name); string(b) != want {
			t.Errorf("%s holds %q, want %q", name, b, want)
		}
	}
	s.cli(t, "sync", "src", "dst", "--exclude-from", "missing.txt").says(t, 11, "missing.txt")
	s.cli(t, "sync", "src", "dst", "--newer-than", "soon").says(t, 2, "how long ago")
	s.cli(t, "sync", "src", "dst", "--backup-dir", ".").says(t, 2, "the destination itself")
	for _, flag := range []string{"--newer-than=7d", "--older-than=7d", "--backup-dir=kept"} {
		var out, errOut bytes.Buffer
		code := Main(t.Context(), []string{"sync", "maildir:box", "mbox:all", flag}, strings.NewReader(""), &out, &errOut)
		if code != 2 || !strings.Contains(errOut.String(), strings.Split(flag, "=")[0]+" is for trees of files") {
			t.Errorf("%s: exit code %d, %s", flag, code, errOut.String())
		}
	}
	write("src/c", "newest", now.Add(time.Hour))
	for _, verb := range []string{"cp", "get"} {
		args := map[string][]string{"cp": {"cp", "src/c", "dst/c"}, "get": {"get", "src/c", "-o", "dst/c"}}[verb]
		s.cli(t, append(args, "--no-clobber", "--dry-run", "--json=status")...).want(t, 0, "{\"status\":\"skipped\"}\n")
		s.cli(t, append(args, "--no-clobber", "--json=status")...).want(t, 0, "{\"status\":\"skipped\"}\n")
	}
	s.cli(t, "sync", "src", "dst", "--no-clobber", "--exclude", "*.tmp").says(t, 0, "2 done")
	if b, _ := os.ReadFile("dst/c"); string(b) != "new" {
		t.Errorf("replaced by %q", b)
	}
}
