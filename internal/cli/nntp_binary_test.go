package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/newslab"
	"github.com/netclients/netclients/protocols/nntp"
)

// TestPostBinary: files that are posted come back by the NZB of the post; a failure on the
// way leaves an NZB of what was posted.
func TestPostBinary(t *testing.T) {
	t.Chdir(t.TempDir())
	files := map[string]string{"one.bin": labtest.Pattern(1, 100_000), "zwei é.bin": labtest.Pattern(2, 10), "empty": ""}
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := labtest.Start(t, newslab.Start, newslab.Options{})
	_, words, code := news(t, s, "post", "--from", "Ann <ann@shop.test>", "--subject", "büro", "--yenc", "one.bin", "--yenc", "zwei é.bin", "--yenc", "empty", "--part-size", "30k", "--nzb", "all.nzb")
	if code != 0 {
		t.Fatalf("exit code %d, %s", code, words)
	}
	b, err := os.ReadFile("all.nzb")
	if err != nil {
		t.Fatal(err)
	}
	listed, err := nntp.ParseNZB(bytes.NewReader(b))
	if err != nil || len(listed) != 3 || len(listed[0].Segments) != 4 || listed[0].Groups[0] != "local.test" || !strings.Contains(listed[0].Subject, `büro [1/3] - "one.bin" yEnc (1/4) 100000`) {
		t.Errorf("%+v, %v", listed, err)
	}
	if code, _, errOut := fullCLI(t, "nntp", "get", s.URL(), "all.nzb", "-o", "back"); code != 0 {
		t.Errorf("exit code %d, %s", code, errOut)
	}
	for name, text := range files {
		if got, err := os.ReadFile(filepath.Join("back", name)); err != nil || string(got) != text {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

// TestPostBinaryFails: refused on the way, or asked for what cannot be.
func TestPostBinaryFails(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("one.bin", []byte(labtest.Pattern(1, 5000)), 0o600); err != nil {
		t.Fatal(err)
	}
	s := labtest.Start(t, newslab.Start, newslab.Options{ServerOptions: base.ServerOptions{Faults: labtest.Faults(t, "code:POST=440 no more of you*1")}})
	_, words, code := news(t, s, "post", "--from", "ann@shop.test", "--yenc", "one.bin", "--part-size", "2k", "--nzb", "part.nzb")
	if _, err := os.Stat("part.nzb"); code != 6 || err == nil || !strings.Contains(words, "440") {
		t.Errorf("exit code %d, %s; an NZB of nothing: %v", code, words, err == nil)
	}
	for args, says := range map[string]string{
		"--yenc one.bin --body x": "makes the whole article", "--yenc one.bin --part-size 1": "1k to 16M", "--nzb x.nzb --body x": "--nzb is for --yenc", "--yenc missing": "missing", "--yenc .": "want a file",
	} {
		_, words, code := news(t, s, "post", append([]string{"--from", "ann@shop.test"}, strings.Fields(args)...)...)
		if code == 0 || !strings.Contains(words, says) {
			t.Errorf("%s: exit code %d, %s", args, code, words)
		}
	}
}
