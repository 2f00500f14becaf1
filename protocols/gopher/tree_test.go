package gopher

import (
	"io/fs"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/transfer"
)

// hole is a gopher hole with all that a mirror must not fall into: menus that
// point at themselves, upwards, at each other, out of the tree, at another server.
func hole(t *testing.T, foreign string) *lab.GopherServer {
	tree := lab.NewTree()
	for _, name := range []string{"/top/a.txt", "/top/sub/b.txt", "/top/sub/deep/c.txt", "/top/other/d.txt", "/elsewhere/e.txt"} {
		tree.WriteFile(name, []byte("content of "+name+"\n"))
	}
	host, port, _ := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(foreign, "gopher://"), "/"))
	behind := map[string][]string{}
	s := startLab(t, lab.GopherOptions{Tree: tree, Behind: behind})
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

func mirror(t *testing.T, s *lab.GopherServer, foreign bool, o *transfer.SyncOptions) (files []string, sum transfer.Summary) {
	t.Helper()
	dir := t.TempDir()
	src := transfer.Endpoint{Name: "1/top", URL: s.URL() + "1/top", Protocol: "gopher", Open: func() (protocols.Client, error) {
		c := open(t, s.URL()+"1/top", nil)
		c.Settings.Foreign = foreign
		return c, nil
	}}
	dst := transfer.Endpoint{URL: "file://" + dir, Protocol: "file", Open: func() (protocols.Client, error) { return file.New(dir, nil), nil }}
	sum, err := transfer.Sync(t.Context(), src, dst, o, nil)
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
	other := startLab(t, lab.GopherOptions{})
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
	s := startLab(t, lab.GopherOptions{Raw: raw, Host: "127.0.0.1"})
	_, port, _ := net.SplitHostPort(s.Addr())
	for i, selector := 0, "/top"; i < 40; i, selector = i+1, selector+"/x" {
		raw[selector] = "1deeper\t" + selector + "/x\t127.0.0.1\t" + port + "\r\n.\r\n"
	}
	files, sum := mirror(t, s, false, &transfer.SyncOptions{Depth: 10})
	if len(files) != 11 || sum.Failed != 0 {
		t.Errorf("%d files, %+v", len(files), sum)
	}
}
