package gopher

import (
	"bufio"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/textlab"
	"github.com/netclients/netclients/protocols/transfer"
)

// hole is a gopher hole with all that a mirror must not fall into: menus that
// point at themselves, upwards, at each other, out of the tree, at another server.
func hole(t *testing.T, foreign string) *textlab.GopherServer {
	tree := lab.NewTree()
	for _, name := range []string{"/top/a.txt", "/top/sub/b.txt", "/top/sub/deep/c.txt", "/top/other/d.txt", "/elsewhere/e.txt"} {
		tree.WriteFile(name, []byte("content of "+name+"\n"))
	}
	host, port, _ := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(foreign, "gopher://"), "/"))
	behind := map[string][]string{}
	s := labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{Tree: tree, Behind: behind})
	behind["/top"] = []string{
		"iinformation\t\tnull.host\t1", "1itself\t/top", "1itself again\t/top/", "1home\t", "1elsewhere\t/elsewhere",
		"0other a\t/top/sub/a.txt", "0climbs\t/top/../elsewhere/e.txt", "7search\t/search", "hlink\tURL:http://example.org/",
		"1another server\t/pub/nested/a/b\t" + host + "\t" + port, "8telnet\t\texample.org\t23",
	}
	behind["/top/sub"] = []string{"1up\t/top", "1across\t/top/other"}
	behind["/top/other"] = []string{"1across\t/top/sub"}
	tree.WriteFile("/top/sub/a.txt", []byte("another a\n"))
	return s
}

func gopherEnd(t *testing.T, s *textlab.GopherServer, name string, foreign bool) transfer.Endpoint {
	return transfer.Endpoint{Name: name, URL: s.URL() + name, Protocol: "gopher", Open: func() (protocols.Client, error) {
		c := labtest.Open(t, New, s.URL()+name, nil)
		c.Settings.Foreign = foreign
		return c, nil
	}}
}

func fileEnd(dir string) transfer.Endpoint {
	return transfer.Endpoint{URL: "file://" + dir, Protocol: "file", Open: func() (protocols.Client, error) { return file.New(dir, nil), nil }}
}

func mirror(t *testing.T, s *textlab.GopherServer, foreign bool, o *transfer.SyncOptions) (files []string, sum transfer.Summary) {
	t.Helper()
	dir := t.TempDir()
	sum, err := transfer.Sync(t.Context(), gopherEnd(t, s, "1/top", foreign), fileEnd(dir), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	return files, sum
}

// TestMirror: security 33 and 49: a sync takes what is below the start, once, and
// asks nobody else.
func TestMirror(t *testing.T) {
	other := labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{})
	s := hole(t, other.URL())
	files, sum := mirror(t, s, false, &transfer.SyncOptions{Depth: 5})
	want := []string{
		"a.txt", "a.txt~2", "gophermap", "other/d.txt", "other/gophermap", // sub is met in other first
		"other/sub/a.txt", "other/sub/b.txt", "other/sub/deep/c.txt", "other/sub/deep/gophermap", "other/sub/gophermap",
	}
	for _, name := range want {
		if !slices.Contains(files, name) {
			t.Errorf("%s is missing in %q", name, files)
		}
	}
	if other.Connections() != 0 || sum.Failed != 0 {
		t.Errorf("%d connections to another server, %+v", other.Connections(), sum)
	}
	for _, f := range files {
		if strings.Contains(f, "e.txt") || strings.Contains(f, "elsewhere") {
			t.Errorf("%s is not below the start", f)
		}
	}
	for _, line := range s.Commands() {
		if !below(line, "/top") {
			t.Errorf("asked for %q", line)
		}
	}
	if len(s.Commands()) > 30 {
		t.Errorf("%d requests", len(s.Commands()))
	}
	files, _ = mirror(t, s, true, &transfer.SyncOptions{Depth: 5})
	if !slices.Contains(files, "b/c/deep.txt") {
		t.Errorf("another server was asked for, and is missing in %q", files)
	}
}

// TestEndlessTree: a folder in each folder ends at the depth limit.
func TestEndlessTree(t *testing.T) {
	raw := map[string]string{}
	s := labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{Raw: raw, Host: "127.0.0.1"})
	_, port, _ := net.SplitHostPort(s.Addr())
	for i, selector := 0, "/top"; i < 40; i, selector = i+1, selector+"/x" {
		raw[selector] = "1deeper\t" + selector + "/x\t127.0.0.1\t" + port + "\r\n.\r\n"
	}
	files, sum := mirror(t, s, false, &transfer.SyncOptions{Depth: 10})
	if len(files) != 11 || sum.Failed != 0 {
		t.Errorf("%d files, %+v", len(files), sum)
	}
}

// TestMirrorAgain: without times a mirror fetches again, unless content is compared
// or what is there is trusted.
func TestMirrorAgain(t *testing.T) {
	s := labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{})
	dir := t.TempDir()
	run := func(o *transfer.SyncOptions) transfer.Summary {
		sum, err := transfer.Sync(t.Context(), gopherEnd(t, s, "1/pub/nested", false), fileEnd(dir), o, nil)
		if err != nil || sum.Failed > 0 {
			t.Fatal(sum, err)
		}
		return sum
	}
	all := run(nil).Done
	if sum := run(nil); sum.Done != all {
		t.Errorf("plain: %+v, want %d done", sum, all)
	}
	if sum := run(&transfer.SyncOptions{Checksum: true}); sum.Done != 0 || sum.Skipped != all {
		t.Errorf("compared: %+v", sum)
	}
	mine := filepath.Join(dir, "many", "file07.txt")
	if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Tree().WriteFile("/pub/nested/many/new.txt", []byte("new"))
	if sum := run(&transfer.SyncOptions{Missing: true}); sum.Done != 1 || sum.Skipped != all {
		t.Errorf("trusted: %+v", sum)
	}
	if got, _ := os.ReadFile(mine); string(got) != "mine" {
		t.Errorf("a file that was there became %q", got)
	}
	if sum := run(&transfer.SyncOptions{Checksum: true}); sum.Done != 2 { // that one, and the menu with the new item
		t.Errorf("compared: %+v", sum)
	}
}

// TestFileNames: whatever a selector is, the file's name is one that can be made.
func TestFileNames(t *testing.T) {
	long := strings.Repeat("ä", 300)
	for selector, want := range map[string]string{"/a/b.txt": "b.txt", "/a/": "a", "": "the text-x", "/..": "the text-x", "/.": "the text-x"} {
		if got := fileName(&item{selector: selector}, "the text/x"); got != want {
			t.Errorf("%q: %q, want %q", selector, got, want)
		}
	}
	if got := fileName(&item{}, ".."); got != "item" {
		t.Errorf("no name at all: %q", got)
	}
	one, two := fileName(&item{selector: "/" + long + "1"}, ""), fileName(&item{selector: "/" + long + "2"}, "")
	if one == two || len(one) > longestName || !utf8.ValidString(one) || !strings.HasPrefix(one, "ää") {
		t.Errorf("%q and %q", one, two)
	}
}

// TestMirrorOfTheRoot: the menu of the whole server is kept too.
func TestMirrorOfTheRoot(t *testing.T) {
	s := labtest.Start(t, textlab.StartGopher, textlab.GopherOptions{})
	for _, name := range []string{"", "1"} {
		dir := t.TempDir()
		sum, err := transfer.Sync(t.Context(), gopherEnd(t, s, name, false), fileEnd(dir), nil, nil)
		if err != nil || sum.Failed != 0 {
			t.Errorf("%q: %+v, %v", name, sum, err)
		}
		if b, err := os.ReadFile(filepath.Join(dir, menuFile)); err != nil || !strings.Contains(string(b), "\t") {
			t.Errorf("%q: the menu itself: %q, %v", name, b, err)
		}
	}
}

// TestNothingDeletedAfterErrors: a menu that is an error, has one among its items or did
// not come at all is no reason to delete.
func TestNothingDeletedAfterErrors(t *testing.T) {
	for name, c := range map[string]struct {
		menu string
		gone bool
	}{
		"whole":                   {"0a\t/pub/a\tHOST\r\n.\r\n", true},
		"error":                   {"3'/pub' does not exist\t\terror.host\t1\r\n.\r\n", false},
		"error with fewer fields": {"3'/pub' does not exist\terror.host\t1\r\n.\r\n", false},
		"error without fields":    {"3no such folder\r\n.\r\n", false},
		"error among the items":   {"0a\t/pub/a\tHOST\r\n3cannot read b\t\terror.host\t1\r\n.\r\n", false},
		"no answer":               {"", false},
	} {
		t.Run(name, func(t *testing.T) {
			var address string
			address = labtest.Serve(t, func(conn net.Conn) {
				line, _ := bufio.NewReader(conn).ReadString('\n')
				if strings.HasPrefix(line, "/pub/a") {
					io.WriteString(conn, "text\r\n.\r\n")
					return
				}
				io.WriteString(conn, strings.ReplaceAll(c.menu, "HOST", strings.ReplaceAll(address, ":", "\t")))
			})
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "old"), nil, 0o666); err != nil {
				t.Fatal(err)
			}
			at := "gopher://" + address + "/1/pub"
			from := transfer.Endpoint{Name: "1/pub", URL: at, Protocol: "gopher", Open: func() (protocols.Client, error) { return labtest.Open(t, New, at, nil), nil }}
			sum, err := transfer.Sync(t.Context(), from, fileEnd(dir), &transfer.SyncOptions{Delete: true, Options: transfer.Options{Retries: -1}}, nil)
			_, old := os.Stat(filepath.Join(dir, "old"))
			if os.IsNotExist(old) != c.gone || (err == nil && sum.Failed == 0) != c.gone {
				t.Errorf("%+v, %v, %v", sum, err, old)
			}
		})
	}
}
