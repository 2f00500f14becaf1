// Package oddnames makes trees of files with difficult names, for tests of syncs.
package oddnames

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/file"
)

// Names are hard on a command line, in a listing, in a URL, in XML or on a file system.
var Names = []string{
	"plain", " leading", "in side", "two  blanks", "trailing  ", "-rf", "--", "--help", ".hidden", "..two", "...", "end.", "~", "~user", "$HOME", "`x`", "!a", "^", "\tx", "x\ty",
	"*", "?", "a?b", "[a-z]", "{a,b}", "%", "%%s", "100%", "50%zz", "%41", "%2F", "%2e%2e", "#", "a#b", "a;type=a", "a;b", "a&b=c", "a+b", "a=b", "a:b", "c:", "C:\\x", "back\\slash", "\"quoted\"", "'single'", "a\"b",
	"total 5", "drwxr-xr-x 2 a b 0 Jan 1 00:00 x", "a -> b", "a,b", "(a)", "<a>", "|a|", "a@b", "@", "a=b;c=d; e", "type=dir; x", "&amp;", "&#65;", "]]>", "<!--", "index.html", "robots.txt",
	"\u00fc", "u\u0308", "\u65e5\u672c\u8a9e", "\U0001f600", "\u202eabc", "\u00a0", "\xe9", "\xff", "\xff\xff", "a\xffb", "\xfe\xff", "\xc3", "\x80", "\x01", "bell\a", "a\x1bb", "esc\x1b[2J", "\x7f",
	"CON", "nul.txt", "name.ncpart.x", "Thumbs.db", "lost+found", strings.Repeat("n", 200), strings.Repeat("\u00fc", 90),
}

// Tree makes a folder of n files with such names, in folders with such names, except for those that skip reports.
// n is at most the square of the number of names.
func Tree(t testing.TB, n int, skip func(name string) bool) string {
	t.Helper()
	top := t.TempDir()
	for i := range n {
		folder, name := Names[i%len(Names)], Names[(i+i/len(Names))%len(Names)]
		if i/len(Names)%2 == 1 {
			name = fmt.Sprint(name, i%7)
		}
		dir := filepath.Join(top, folder)
		if skip(folder) || skip(name) {
			dir, name = filepath.Join(top, "plain"), fmt.Sprint("plain", i)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		Write(t, filepath.Join(dir, name), i)
	}
	return top
}

// Write writes a file whose content and time depend on i.
func Write(t testing.TB, path string, i int) {
	t.Helper()
	if err := os.WriteFile(path, fmt.Appendf(nil, "%d %s", i, strings.Repeat("x", i%300)), 0o644); err != nil {
		t.Fatal(err)
	}
	then := time.Date(2024, 1, 2, 3, 4, i%60, 0, time.UTC)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

// Read returns the content of all files below a folder, by their paths relative to it.
func Read(t testing.TB, top string) map[string]string {
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

// Safe returns a tree as it is written to a local folder, where no name has control characters.
func Safe(t testing.TB, tree map[string]string) map[string]string {
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

// Same reports the first ten differences between two trees.
func Same(t testing.TB, got, want map[string]string) {
	t.Helper()
	wrong := 0
	for name, content := range want {
		if g, ok := got[name]; !ok || g != content {
			if wrong++; wrong < 10 {
				t.Errorf("%q: exists %v, %d bytes, want %d", name, ok, len(g), len(content))
			}
		}
	}
	if len(got) != len(want) || wrong > 0 {
		t.Errorf("%d files, want %d; %d wrong", len(got), len(want), wrong)
	}
}
