package base

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"
)

// TestFileAgainstSlice does random writes, truncations and reads on a file and
// on a slice, which must stay the same.
func TestFileAgainstSlice(t *testing.T) {
	tree := NewTree()
	f, err := tree.Create("/f")
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	var want []byte
	for range 60 {
		off := rnd.IntN(3 * chunkSize)
		switch rnd.IntN(4) {
		case 0:
			if err := f.Truncate(int64(off)); err != nil {
				t.Fatal(err)
			}
			want = append(want, make([]byte, max(0, off-len(want)))...)[:off]
		default:
			p := []byte(pattern(uint64(off), rnd.IntN(chunkSize)))
			if _, err := f.WriteAt(p, int64(off)); err != nil {
				t.Fatal(err)
			}
			want = append(want, make([]byte, max(0, off+len(p)-len(want)))...)
			copy(want[off:], p)
		}
		// Bytes after a truncation must not come back.
		clear(want[len(want):cap(want)])
	}
	got, err := tree.ReadFile("/f")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("content differs (%d and %d bytes), %v", len(got), len(want), err)
	}
	equal(t, "used", tree.Used(), int64(len(want)))
	tree.Remove("/f")
	equal(t, "used after removal", tree.Used(), 0)
}

func TestFileAppendAndHole(t *testing.T) {
	tree := NewTree()
	f, _ := tree.Create("/f")
	f.Append([]byte("ab"))
	f.Append([]byte("cd"))
	f.WriteAt([]byte("z"), 5<<30)
	equal(t, "size", f.Size(), 5<<30+1)
	p := []byte{1, 1, 1, 1, 1, 1}
	if n, err := f.ReadAt(p, 2); n != 6 || err != nil || string(p) != "cd\x00\x00\x00\x00" {
		t.Errorf("%q, %d, %v", p, n, err)
	}
	if n, err := f.ReadAt(p, 5<<30-1); n != 2 || err != io.EOF || string(p[:2]) != "\x00z" {
		t.Errorf("%q, %d, %v", p, n, err)
	}
}

func TestPatternIsPositional(t *testing.T) {
	whole := pattern(3, 100)
	for off := range 50 {
		p := make([]byte, 20)
		Pattern(3)(p, int64(off))
		equal(t, "piece", string(p), whole[off:off+20])
	}
}

func TestTreeVirtual(t *testing.T) {
	tree := NewTree()
	tree.SetCapacity(10)
	if err := tree.Virtual("/a/big", 10<<30, Pattern(1)); err != nil {
		t.Fatal(err)
	}
	info, err := tree.Stat("/a/big")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "size", info.Size, 10<<30)
	if _, err = tree.Create("/a/big"); !errors.Is(err, ErrVirtual) {
		t.Error(err)
	}
	if err := tree.Remove("/a/big"); err != nil {
		t.Error(err)
	}
	equal(t, "used", tree.Used(), 0)
}

func TestTreeErrors(t *testing.T) {
	tree := Sample()
	tree.Symlink("loop2", "/loop1")
	tree.Symlink("loop1", "/loop2")
	tree.Mkdir("/ro")
	tree.Chmod("/ro", 0o555)
	tree.SetCapacity(tree.Used() + 10)
	_, open := tree.Open("/loop1")
	_, missing := tree.Stat("/pub/dangling")
	_, list := tree.ReadDir("/README.txt")
	_, through := tree.Stat("/README.txt/x")
	_, dangling := tree.Create("/pub/dangling")
	for name, c := range map[string]struct{ got, want error }{
		"loop":              {open, ErrLoop},
		"dangling":          {missing, fs.ErrNotExist},
		"write to dangling": {dangling, fs.ErrNotExist},
		"list a file":       {list, ErrNotDir},
		"below a file":      {through, ErrNotDir},
		"read-only folder":  {tree.WriteFile("/ro/x", nil), fs.ErrPermission},
		"root":              {tree.Mkdir("/"), fs.ErrExist},
		"existing":          {tree.Mkdir("/pub"), fs.ErrExist},
		"not empty":         {tree.Rmdir("/pub"), ErrNotEmpty},
		"file as folder":    {tree.Rmdir("/README.txt"), ErrNotDir},
		"folder as file":    {tree.Remove("/pub"), ErrIsDir},
		"into itself":       {tree.Rename("/pub", "/pub/nested/x"), fs.ErrInvalid},
		"onto a folder":     {tree.Rename("/README.txt", "/pub"), fs.ErrExist},
		"full":              {tree.WriteFile("/incoming/x", make([]byte, 11)), ErrDiskFull},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
}

func TestTreeChanges(t *testing.T) {
	tree := Sample()
	before, _ := tree.Stat("/README.txt")
	if err := tree.Rename("/README.txt", "/pub/../pub/r"); err != nil {
		t.Fatal(err)
	}
	after, err := tree.Stat("/pub/r")
	equal(t, "same file", after.ID, before.ID)
	equal(t, "new name", after.Name, "r")
	if err != nil || !after.ModTime.Equal(sampleTime()) {
		t.Errorf("%v, %v", after, err)
	}
	tree.WriteFile("/pub/r", []byte("new"))
	if after, _ = tree.Stat("/pub/r"); time.Since(after.ModTime) > time.Hour {
		t.Errorf("a write left the time at %v", after.ModTime)
	}
	if err := tree.Rename("/pub/r", "/pub/empty.txt"); err != nil {
		t.Error("replacing a file:", err)
	}
	used := tree.Used()
	tree.WriteFile("/incoming/a/b/c", make([]byte, 100))
	tree.RemoveAll("/incoming")
	equal(t, "used", tree.Used(), used)
	tree.Chown("/pub/empty.txt", "bob", "staff")
	after, _ = tree.Lstat("/pub/empty.txt")
	equal(t, "owner", after.Owner+after.Group, "bobstaff")
}

// TestTreeConcurrent is for the race detector.
func TestTreeConcurrent(t *testing.T) {
	tree := Sample()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name := "/incoming/" + strconv.Itoa(i%4)
			for n := range 100 {
				tree.WriteFile(name, []byte(pattern(uint64(n), 100)))
				tree.ReadFile(name)
				tree.ReadDir("/incoming")
				tree.Chtimes(name, sampleTime())
				tree.Rename(name, name+"x")
				tree.Remove(name + "x")
			}
		})
	}
	wg.Wait()
	tree.RemoveAll("/incoming")
	equal(t, "used", tree.Used(), Sample().Used())
}

// equal fails the test when two values differ.
func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// pattern is n bytes of Pattern(seed).
func pattern(seed uint64, n int) string {
	p := make([]byte, n)
	Pattern(seed)(p, 0)
	return string(p)
}
