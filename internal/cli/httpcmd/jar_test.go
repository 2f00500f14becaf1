package httpcmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
)

// TestJarFile: a file that holds something else is refused and left as it is; a link of the
// user's own stays a link.
func TestJarFile(t *testing.T) {
	dir := t.TempDir()
	const line = "h\tFALSE\t/\tFALSE\t0\ta\tb\n"
	for content, kind := range map[string]protocols.Kind{
		"": 0, "\n": 0, line: 0, "# Netscape HTTP Cookie File\n": 0, "# HTTP Cookie File\n# more\n" + line: 0, "#HttpOnly_" + line: 0, "#LWP-Cookies-2.0\n": 0,
		"# settings\n#a=b\n": protocols.KindLocal, "#!/bin/sh\n": protocols.KindLocal, "a=b\n": protocols.KindUsage, "\x89PNG\r\n": protocols.KindUsage,
	} {
		path := filepath.Join(dir, "jar")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := newJarFile(path, false).load(); protocols.KindOf(err) != kind {
			t.Errorf("%q: %v", content, err)
		}
		if b, err := os.ReadFile(path); string(b) != content || err != nil {
			t.Errorf("%q became %q, %v", content, b, err)
		}
	}
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skip("this system makes no symbolic links: ", err)
	}
	j := newJarFile(link, false)
	if err := j.load(); err != nil {
		t.Fatal(err)
	}
	j.Set(&http.Cookie{Name: "new", Value: "c", Domain: "h", HostOnly: true, Path: "/"}, time.Now())
	if err := j.save(); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(target); err != nil || !strings.Contains(string(b), "\tnew\tc\n") {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := os.Readlink(link); err != nil {
		t.Errorf("the link is gone: %v", err)
	}
}
