package transfer

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// wantedOf asks for files of a fake server by their names.
func wantedOf(s *fakeServer) []Wanted {
	var items []Wanted
	for name := range s.files {
		items = append(items, Wanted{Name: name, URL: "fake://host/" + name, As: name})
	}
	return items
}

// bulkEnd is an endpoint whose clients get in bulk; after is as in bulkClient.
func (s *fakeServer) bulkEnd(after int, asked *int) Endpoint {
	end := s.end("")
	end.Open = func() (protocols.Client, error) { return &bulkClient{&fakeClient{s: s}, after, asked}, nil }
	return end
}

// TestCopyMany: small and large objects, cut ones and refused ones, with clients
// that get in bulk, that fail at it, and that cannot.
func TestCopyMany(t *testing.T) {
	for _, after := range []int{-1, 0, 7, unasked} {
		files := map[string]string{"large": pattern(5 << 20), "empty": "", "cut": pattern(3 << 20), "old": "new content"}
		for i := range 100 {
			files[fmt.Sprint("f", i)] = pattern(i * 31)
		}
		s := newServer(files)
		s.cuts["cut"], s.cuts["f9"] = []int64{1 << 20, 0}, []int64{3}
		items := append(wantedOf(s), Wanted{Name: "gone", URL: "fake://host/gone", As: "gone"}, Wanted{Name: "f1", URL: "fake://host/f1", As: "folder"})
		dir := t.TempDir()
		writeTree(t, dir, map[string]string{"old": "old content, longer", "folder/": ""})
		check(t, os.Chmod(filepath.Join(dir, "old"), 0o640))
		asked, o, got := 0, quick(), outcome{}
		isPartial(t, CopyMany(t.Context(), s.bulkEnd(after, &asked), localEnd(dir), items, &o, 3, got.add))
		if len(got) != len(items) || (after > 0 || after == -1) && asked == 0 || s.most > 3 {
			t.Errorf("after %d: %d results of %d, %d in bulk, %d connections", after, len(got), len(items), asked, s.most)
		}
		got.want(t, "gone", StatusFailed)
		got.want(t, "folder", StatusFailed)
		if r := got.want(t, "cut", StatusDone); r.Bytes != 3<<20 || r.Source != "fake://host/cut" {
			t.Errorf("cut: %+v", r)
		}
		for name, want := range files {
			info, err := os.Stat(filepath.Join(dir, name))
			if err != nil || contentOf(t, filepath.Join(dir, name)) != want || !info.ModTime().Equal(then) {
				t.Errorf("after %d: %s is not what the server has: %v", after, name, err)
			}
		}
		if info, _ := os.Stat(filepath.Join(dir, "old")); info.Mode().Perm() != 0o640 {
			t.Errorf("the mode of the replaced file is %v", info.Mode())
		}
		in, err := os.ReadDir(dir)
		if check(t, err); len(in) != len(files)+1 {
			t.Errorf("%d names in the folder", len(in))
		}
	}
}

// TestCopyManyRefusedLogin: one object that needs another login stops no other.
func TestCopyManyRefusedLogin(t *testing.T) {
	s := newServer(map[string]string{"a": "1", "b": "2", "c": "3"})
	s.fails["get b"] = &protocols.Error{Kind: protocols.KindAuth, Code: 401}
	asked, o, got := 0, quick(), outcome{}
	isPartial(t, CopyMany(t.Context(), s.bulkEnd(-1, &asked), localEnd(t.TempDir()), wantedOf(s), &o, 1, got.add))
	got.want(t, "a", StatusDone)
	got.want(t, "b", StatusFailed)
	got.want(t, "c", StatusDone)
}

// TestCopyManyInterrupted: what came of a large object stays as a part.
func TestCopyManyInterrupted(t *testing.T) {
	s := newServer(map[string]string{"a": "1", "large": pattern(3 << 20)})
	s.cuts["large"] = []int64{2 << 20}
	ctx, cancel := context.WithCancel(t.Context())
	s.onGet = func(name string, offset int64) {
		if name == "large" && offset > 0 {
			cancel()
		}
	}
	dir := t.TempDir()
	asked, o := 0, quick()
	err := CopyMany(ctx, s.bulkEnd(-1, &asked), localEnd(dir), wantedOf(s), &o, 1, func(Result) {})
	if protocols.KindOf(err) != protocols.KindInterrupted {
		t.Errorf("%v", err)
	}
	if info, err := os.Stat(file.PartName(filepath.Join(dir, "large"))); err != nil || info.Size() != 2<<20 {
		t.Errorf("no part was kept: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "large")); !os.IsNotExist(err) {
		t.Errorf("the final name is there: %v", err)
	}
}

// TestCopyManyFollowsNoLink: a link that bears the name is replaced, not followed.
func TestCopyManyFollowsNoLink(t *testing.T) {
	s := newServer(map[string]string{"a": "1", "b": "2"})
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "outside")
	check(t, os.WriteFile(outside, []byte("mine"), 0o600))
	check(t, os.Symlink(outside, filepath.Join(dir, "a")))
	asked, o := 0, quick()
	check(t, CopyMany(t.Context(), s.bulkEnd(-1, &asked), localEnd(dir), wantedOf(s), &o, 2, func(Result) {}))
	if info, err := os.Lstat(filepath.Join(dir, "a")); err != nil || info.Mode()&fs.ModeSymlink != 0 || contentOf(t, outside) != "mine" {
		t.Errorf("through a link: %v", err)
	}
}
