//go:build linux

package interop

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/ftp"
	"github.com/netclients/netclients/protocols/transfer"
)

const (
	syncKills = 5    // how often a run is killed, in each direction
	oddFiles  = 5000 // in a tree
)

// oddStems are stems of names that are hard on a command line, in a listing or in a URL.
var oddStems = []string{
	"plain", " leading", "in side", "two  blanks", "trailing  ", "-rf", "--help", ".hidden", "..two", "end.", "~user", "$HOME", "`x`",
	"*", "?", "[a-z]", "{a,b}", "%41", "%2F", "%", "%%s", "#", "a;type=a", "a;b", "a&b=c", "a+b", "a:b", "C:\\x", "back\\slash", "\"quoted\"", "'single'", "a\"b",
	"total 5", "drwxr-xr-x 2 a b 0 Jan 1 00:00 x", "a -> b", "a,b", "(a)", "<a>", "|a|", "!a", "a@b", "a=b;c=d; e", "type=dir; x", "@", "^", "\tx", "x\ty",
	"ü", "u\u0308", "日本語", "\U0001f600", "\u202eabc", "\u00a0", "\xe9", "\xff", "\xff\xff", "a\xffb", "\xfe\xff", "\xc3", "\x01", "a\x1bb", "\x7f", "\x80",
	"CON", "nul.txt", "name.ncpart.x", "Thumbs.db", "lost+found", strings.Repeat("n", 200), strings.Repeat("ü", 90),
}

// oddTree makes a tree of n files with such names, in folders with such names.
func oddTree(t *testing.T, n int, skip func(name string) bool) string {
	t.Helper()
	top := t.TempDir()
	for i := 0; i < n; {
		for _, folder := range oddStems {
			for _, stem := range oddStems {
				if i == n {
					return top
				}
				dir := filepath.Join(top, folder)
				name := fmt.Sprintf("%s%d", stem, i%7)
				if i/len(oddStems)%2 == 0 {
					name = stem
				}
				if skip(folder) || skip(name) {
					dir, name = filepath.Join(top, "plain"), fmt.Sprint("plain", i)
				}
				if err := os.MkdirAll(dir, 0o755); err != nil {
					t.Fatal(err)
				}
				writeOdd(t, filepath.Join(dir, name), i)
				i++
			}
		}
	}
	return top
}

func writeOdd(t *testing.T, path string, i int) {
	t.Helper()
	if err := os.WriteFile(path, fmt.Appendf(nil, "%d %s", i, strings.Repeat("x", i%300)), 0o644); err != nil {
		t.Fatal(err)
	}
	then := time.Date(2024, 1, 2, 3, 4, i%60, 0, time.UTC)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

// oddTreeOf returns the content of all files below a folder.
func oddTreeOf(t *testing.T, top string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, top)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// safeNames returns a tree as it is written to a local folder, where no name has
// control characters.
func safeNames(t *testing.T, tree map[string]string) map[string]string {
	t.Helper()
	safe := map[string]string{}
	for path, content := range tree {
		parts := strings.Split(path, "/")
		for i, p := range parts[1:] {
			var err error
			if parts[i+1], err = file.SafeName(p); err != nil {
				t.Fatal(err)
			}
		}
		safe[strings.Join(parts, "/")] = content
	}
	return safe
}

func sameOddTree(t *testing.T, got, want map[string]string) {
	t.Helper()
	wrong := 0
	for name, content := range want {
		if g, ok := got[name]; !ok || g != content {
			if wrong++; wrong < 10 {
				t.Errorf("%q: there %v, %d bytes, want %d", name, ok, len(g), len(content))
			}
		}
	}
	if len(got) != len(want) || wrong > 0 {
		t.Errorf("%d files, want %d; %d wrong", len(got), len(want), wrong)
	}
}

// oddServers are the servers, and the names that they refuse, change or do not keep
// apart.
var oddServers = []struct {
	name, service string
	skip          func(name string) bool
}{
	{"vsftpd", "FTP", func(string) bool { return false }},
	{"ProFTPD", "FTP_PRO", func(name string) bool { return name == "*" }}, // no name of a folder
	{"Pure-FTPd", "FTP_PURE", func(name string) bool {
		return strings.ContainsAny(name, "\\\t\x01\x1b\x7f") || strings.HasSuffix(name, " ")
	}},
}

// TestFTPSyncOddNames: trees of difficult names go up and come down again, byte for
// byte, however often the run is killed; another run then has nothing to do.
func TestFTPSyncOddNames(t *testing.T) {
	program := filepath.Join(t.TempDir(), "netclients")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/netclients").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, srv := range oddServers {
		t.Run(srv.name, func(t *testing.T) {
			host := Require(t, srv.service)[srv.service]
			remote, served := Upload(t)
			from := oddTree(t, oddFiles, srv.skip)
			url := "ftp://" + Alice + ":" + Password + "@" + host + "/" + remote + "/odd/"
			argv := []string{program, "sync", "--delete", "--max-delete", "-1", "--tls", "off", "--json"}
			want := oddTreeOf(t, from)
			killed(t, append(argv, from+"/", url))
			sameOddTree(t, oddTreeOf(t, filepath.Join(served, "odd")), want)
			down := filepath.Join(t.TempDir(), "down")
			killed(t, append(argv, url, down+"/"))
			sameOddTree(t, oddTreeOf(t, down), safeNames(t, want))
		})
	}
}

// killed runs a command, which is killed at random moments, then to its end, and then
// once more to see that nothing is left to do.
func killed(t *testing.T, argv []string) {
	t.Helper()
	whole := 2 * time.Second
	for range syncKills {
		ctx, cancel := context.WithTimeout(t.Context(), rand.N(whole)+100*time.Millisecond)
		_ = exec.CommandContext(ctx, argv[0], argv[1:]...).Run()
		cancel()
	}
	for run := range 2 {
		out, err := runOdd(t, argv)
		if err != nil {
			t.Fatalf("run %d: %v\n%s", run, err, tail(out, `"failed"`))
		}
		if n := strings.Count(out, `"status":"done"`) + strings.Count(out, `"status":"deleted"`); run == 1 && n > 0 {
			t.Errorf("the second run did %d things:\n%s", n, tail(out, `"done"`))
		}
	}
}

func runOdd(t *testing.T, argv []string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	var words strings.Builder
	cmd.Stderr = &words
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
		t.Fatalf("%v", err)
	}
	return string(out) + words.String(), err
}

// tail returns the end of an output, and lines of interest.
func tail(out, mark string) string {
	var kept []string
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for i, line := range lines {
		if i >= len(lines)-3 || len(kept) < 5 && strings.Contains(line, mark) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

// TestFTPSyncChangedNames: Pure-FTPd writes "_" for tabs and for blanks at the end of a
// name. What it has stored under such a name stays, however often the tree is synced,
// and what is surplus goes.
func TestFTPSyncChangedNames(t *testing.T) {
	host := Require(t, "FTP_PURE")["FTP_PURE"]
	remote, served := Upload(t)
	from := t.TempDir()
	want := map[string]string{}
	for i, name := range []string{"plain", "x\ty", "trailing  ", "both\t  "} {
		writeOdd(t, filepath.Join(from, name), i)
		b, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		kept := strings.TrimRight(name, " ")
		want["/"+strings.ReplaceAll(kept, "\t", "_")+strings.Repeat("_", len(name)-len(kept))] = string(b)
	}
	at := &url.URL{Scheme: "ftp", Host: host, User: url.UserPassword(Alice, Password), Path: "/" + remote + "/odd"}
	open := func() (protocols.Client, error) {
		return ftp.New(at, &protocols.Options{TLS: protocols.TLS{Mode: protocols.TLSOff}})
	}
	to := transfer.Endpoint{Open: open, URL: protocols.Redact(at), Name: remote + "/odd", Protocol: "ftp"}
	here := transfer.Endpoint{Open: func() (protocols.Client, error) { return file.New(from, nil), nil }, URL: file.URL(from), Protocol: "file"}
	for run := range 3 {
		var warned []string
		o := &transfer.SyncOptions{Delete: true}
		o.Warn = func(text string) { warned = append(warned, text) }
		if _, err := transfer.Sync(t.Context(), here, to, o, nil); err != nil {
			t.Fatal(err)
		}
		sameOddTree(t, oddTreeOf(t, filepath.Join(served, "odd")), want)
		if len(warned) == 0 {
			t.Errorf("run %d: no warning", run)
		}
		if err := os.WriteFile(filepath.Join(served, "odd", "surplus"), []byte("of another size"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
