//go:build linux

package interop

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/oddnames"
	"github.com/netclients/netclients/internal/programtest"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/ftp"
	"github.com/netclients/netclients/protocols/transfer"
)

const (
	syncKills = 5    // how often a run is killed, in each direction
	oddFiles  = 5000 // in a tree
)

// oddServers are the servers, and the names that they refuse, change or do not keep
// apart.
var oddServers = []struct {
	name, service, scheme string
	skip                  func(name string) bool
}{
	{"vsftpd", "FTP", "ftp", func(string) bool { return false }},
	{"ProFTPD", "FTP_PRO", "ftp", func(name string) bool { return name == "*" }}, // no name of a folder
	{"Pure-FTPd", "FTP_PURE", "ftp", func(name string) bool {
		return strings.ContainsAny(name, "\\\t\x01\a\x1b\x7f") || strings.HasSuffix(name, " ")
	}},
	{"Apache DAV", "HTTP_DAV", "http", func(string) bool { return false }},
}

// TestSyncOddNames: trees of difficult names go up and come down again, byte for
// byte, however often the run is killed; another run then has nothing to do.
func TestSyncOddNames(t *testing.T) {
	program := programtest.Build(t)
	for _, srv := range oddServers {
		t.Run(srv.name, func(t *testing.T) {
			host := Require(t, srv.service)[srv.service]
			remote, served := Upload(t)
			from := oddnames.Tree(t, oddFiles, srv.skip)
			url := srv.scheme + "://" + Alice + ":" + Password + "@" + host + "/" + remote + "/odd/"
			argv := []string{program, "sync", "--delete", "--max-delete", "-1", "--tls", "off", "--json"}
			want := oddnames.Read(t, from)
			killed(t, append(argv, from+"/", url))
			oddnames.Same(t, oddnames.Read(t, filepath.Join(served, "odd")), want)
			down := filepath.Join(t.TempDir(), "down")
			killed(t, append(argv, url, down+"/"))
			oddnames.Same(t, oddnames.Read(t, down), oddnames.Safe(t, want))
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
		oddnames.Write(t, filepath.Join(from, name), i)
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
		oddnames.Same(t, oddnames.Read(t, filepath.Join(served, "odd")), want)
		if len(warned) == 0 {
			t.Errorf("run %d: no warning", run)
		}
		if err := os.WriteFile(filepath.Join(served, "odd", "surplus"), []byte("of another size"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}
