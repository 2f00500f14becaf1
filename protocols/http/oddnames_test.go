package http

import (
	"context"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/webdav"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/transfer"
)

// oddNames are names that URLs, XML and shells read in ways of their own.
var oddNames = []string{
	"plain", "a b", " first", "last ", "two  blanks", "100%", "50%zz", "%41", "%2e%2e", "%2F", "a+b", "a&b", "a;b", "a?b", "a#b", "a=b", "a:b", "c:", "a@b", "a|b", "a~b", "~", "~root", "*", "?", "[a]", "{a}", "<a>", "\"q\"", "'q'", "`id`", "$HOME", "!x", "^", "a,b",
	"back\\slash", "..x", "...", ".hidden", "-dash", "--", "name.ncpart.x", "index.html", "robots.txt", "caf\u00e9", "cafe\u0301", "\u65e5\u672c\u8a9e", "\U0001f600", "&amp;", "&#65;", "]]>", "<!--", "CON", "x;type=a", "tab\there", "bell\a", "esc\x1b[2J", "del\x7f", strings.Repeat("n", 200), "\u202egnp.exe", "\u00a0", "\xe9", "\xff\xfe", "trailing  ", "\x01", "end.", "lost+found",
}

// treeOf returns the content of all files below a folder.
func treeOf(t *testing.T, top string) map[string]string {
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

// safeTree is a tree as it is written to a local folder, where no name has control characters.
func safeTree(t *testing.T, tree map[string]string) map[string]string {
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

// TestDAVSyncOddNames: a tree of difficult names goes up to a server of WebDAV and comes
// down again, byte for byte, however often a run is interrupted; another run then has
// nothing to do.
func TestDAVSyncOddNames(t *testing.T) {
	from, served, down := t.TempDir(), t.TempDir(), t.TempDir()
	for i, dir := range append([]string{""}, oddNames...) {
		if err := os.MkdirAll(filepath.Join(from, "d", dir), 0o777); err != nil {
			t.Fatal(err)
		}
		for k, name := range oddNames {
			if dir == "" {
				name += ".f"
			} else if (i+k)%7 > 0 {
				continue
			}
			if err := os.WriteFile(filepath.Join(from, "d", dir, name), fmt.Appendf(nil, "%d %d", i, k), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := httptest.NewServer(&webdav.Handler{FileSystem: webdav.Dir(served), LockSystem: webdav.NewMemLS()})
	t.Cleanup(s.Close)
	at := s.URL + "/d/"
	u := labtest.URL(t, at)
	remote := transfer.Endpoint{Open: func() (protocols.Client, error) { return New(u, nil) }, Name: "d/", URL: at, Protocol: proto}
	want := treeOf(t, filepath.Join(from, "d"))
	for _, way := range []struct {
		name     string
		src, dst transfer.Endpoint
		made     string
		want     map[string]string
	}{{"up", transfer.Local(filepath.Join(from, "d")), remote, filepath.Join(served, "d"), want}, {"down", remote, transfer.Local(down), down, safeTree(t, want)}} {
		for n := range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(20+30*n)*time.Millisecond)
			_, _ = transfer.Sync(ctx, way.src, way.dst, &transfer.SyncOptions{Delete: true}, nil)
			cancel()
		}
		for run := range 2 {
			sum, err := transfer.Sync(quick(t), way.src, way.dst, &transfer.SyncOptions{Delete: true}, func(r transfer.Result) {
				if r.Err != nil {
					t.Errorf("%s, run %d: %q: %v", way.name, run, r.Name, r.Err)
				}
			})
			if err != nil || run == 1 && sum.Done+sum.Deleted > 0 {
				t.Errorf("%s, run %d: %+v, %v", way.name, run, sum, err)
			}
		}
		got := treeOf(t, way.made)
		for name, content := range way.want {
			if got[name] != content {
				t.Errorf("%s: %q is %q, want %q", way.name, name, got[name], content)
			}
		}
		if len(got) != len(way.want) {
			t.Errorf("%s: %d files, want %d", way.name, len(got), len(way.want))
		}
	}
}
