package file

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/netclients/netclients/protocols"
)

var then = time.Date(2024, 5, 6, 7, 8, 9, 123456789, time.UTC)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, path, content string) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(path), 0o777))
	check(t, os.WriteFile(path, []byte(content), 0o666))
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	check(t, err)
	return string(b)
}

func names(t testing.TB, dir string) []string {
	t.Helper()
	in, err := os.ReadDir(dir)
	check(t, err)
	var all []string
	for _, e := range in {
		all = append(all, e.Name())
	}
	return all
}

func open(t testing.TB, root string) *Client {
	c := New(root, nil)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestSpec(t *testing.T) {
	r, err := protocols.NewRegistry(Spec())
	check(t, err)
	dir := t.TempDir()
	write(t, dir+"/a b", "x")
	for _, text := range []string{"file://" + dir + "/a%20b", "file:" + dir + "/a%20b", "file://localhost" + dir + "/a%20b"} {
		target, err := r.Parse(text, "")
		check(t, err)
		c, err := target.Open(nil)
		check(t, err)
		e, err := protocols.Stat(t.Context(), c, target.Name)
		check(t, err)
		if e.URL != "file://"+dir+"/a%20b" || e.Size != 1 {
			t.Errorf("%s: %+v", text, e)
		}
		check(t, c.Close())
	}
	if _, err := r.Parse("file://host/x", ""); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("a host: %v", err)
	}
	if u := URL("/a/%b c"); u != "file:///a/%25b%20c" {
		t.Errorf("URL %s", u)
	}
	if _, err := PathOf(&url.URL{Scheme: "file"}); err == nil {
		t.Error("no path was taken")
	}
}

func TestListAndStat(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/d/f", "123")
	check(t, os.Chmod(dir+"/d/f", 0o640))
	check(t, os.Chtimes(dir+"/d/f", then, then))
	check(t, os.Symlink("f", dir+"/d/l"))
	check(t, os.Mkdir(dir+"/d/sub", 0o777))
	c := open(t, dir)
	got := map[string]protocols.Entry{}
	for e, err := range c.List(t.Context(), "d") {
		check(t, err)
		got[e.Name] = e
	}
	for _, e := range got {
		again, err := c.Stat(t.Context(), e.Path)
		check(t, err)
		if again.URL != e.URL || again.Size != e.Size || again.Type != e.Type || again.Target != e.Target {
			t.Errorf("listed %+v, stat returned %+v", e, again)
		}
	}
	f := got["f"]
	if len(got) != 3 || f.Size != 3 || !f.Modified.Equal(then) || f.Mode != 0o640 || f.Path != "d/f" || f.Type != protocols.TypeFile {
		t.Errorf("got %+v", got)
	}
	if got["l"].Type != protocols.TypeLink || got["l"].Target != "f" || got["sub"].Type != protocols.TypeDir {
		t.Errorf("got %+v", got)
	}
	if f.URL != "file://"+dir+"/d/f" {
		t.Errorf("URL %s", f.URL)
	}
	e, err := c.StatFollow(t.Context(), "d/l")
	check(t, err)
	if e.Type != protocols.TypeFile || e.Name != "l" {
		t.Errorf("followed: %+v", e)
	}
}

func TestListMany(t *testing.T) {
	dir := t.TempDir()
	for i := range 3*chunk + 5 {
		write(t, filepath.Join(dir, strings.Repeat("x", i%9)+string(rune('a'+i%26))+hash(string(rune(i)))), "")
	}
	c := open(t, dir)
	n := 0
	for _, err := range c.List(t.Context(), "") {
		check(t, err)
		n++
	}
	if n != 3*chunk+5 {
		t.Errorf("listed %d", n)
	}
	for range c.List(t.Context(), "") {
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range c.List(ctx, "") {
		if protocols.KindOf(err) != protocols.KindInterrupted {
			t.Errorf("%v", err)
		}
	}
}

func TestNothingLeadsOutside(t *testing.T) {
	around := t.TempDir()
	write(t, around+"/secret", "s")
	root := around + "/root"
	check(t, os.Mkdir(root, 0o777))
	check(t, os.Symlink("..", root+"/up"))
	check(t, os.Symlink(around, root+"/abs"))
	check(t, os.Symlink("../secret", root+"/file"))
	c, ctx := open(t, root), t.Context()
	for _, name := range []string{"up/secret", "abs/secret", "file"} {
		if obj, err := c.Get(ctx, name, nil); err == nil {
			obj.Body.Close()
			t.Errorf("read %s", name)
		}
	}
	for _, name := range []string{"up/new", "abs/new"} {
		if _, err := c.Put(ctx, name, strings.NewReader("x"), nil); err == nil {
			t.Errorf("wrote %s", name)
		}
		if c.Make(ctx, name) == nil || c.Remove(ctx, strings.Replace(name, "new", "secret", 1)) == nil {
			t.Errorf("changed %s", name)
		}
	}
	for _, name := range []string{"../../new", "/../new", "a/../../new"} {
		if _, err := c.Put(ctx, name, strings.NewReader("x"), nil); err != nil {
			t.Errorf("%s: %v", name, err) // it means root/new
		}
	}
	if _, err := c.Put(ctx, "file", strings.NewReader("mine"), nil); err != nil {
		t.Error(err)
	}
	if read(t, around+"/secret") != "s" || !slices.Equal(names(t, around), []string{"root", "secret"}) {
		t.Errorf("outside: %q", names(t, around))
	}
	if read(t, root+"/file") != "mine" || read(t, root+"/new") != "x" {
		t.Error("inside: not written")
	}
}

func TestGet(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/f", "0123456789")
	c, ctx := open(t, dir), t.Context()
	tests := []struct {
		offset, length int64
		want           string
		file           bool
	}{
		{0, 0, "0123456789", true}, {4, 0, "456789", true}, {2, 3, "234", false}, {5, 5, "56789", true}, {5, 50, "56789", true}, {10, 0, "", true},
	}
	for _, tt := range tests {
		for _, root := range []*Client{c, open(t, dir+"/f")} {
			name := ""
			if root == c {
				name = "f"
			}
			obj, err := root.Get(ctx, name, &protocols.GetOptions{Offset: tt.offset, Length: tt.length})
			check(t, err)
			if _, isFile := Opened(obj.Body); isFile != tt.file || obj.Size != 10 || obj.Offset != tt.offset {
				t.Errorf("%+v: body %T, %+v", tt, obj.Body, obj.Entry)
			}
			check(t, iotest.TestReader(struct{ io.Reader }{obj.Body}, []byte(tt.want))) // without Seek, which knows the whole file
			check(t, obj.Body.Close())
		}
	}
	for name, o := range map[string]*protocols.GetOptions{
		"size": {Same: &protocols.Entry{Size: 9}},
		"time": {Same: &protocols.Entry{Size: 10, Modified: then}},
	} {
		if _, err := c.Get(ctx, "f", o); !errors.Is(err, protocols.ErrChanged) {
			t.Errorf("other %s: %v", name, err)
		}
	}
	if _, err := c.Get(ctx, "none", nil); !errors.Is(err, fs.ErrNotExist) || protocols.KindOf(err) != protocols.KindLocal {
		t.Errorf("%v", err)
	}
	if _, err := c.Get(ctx, "", nil); err == nil {
		t.Error("a folder was opened")
	}
}

func TestPut(t *testing.T) {
	dir := t.TempDir()
	c, ctx := open(t, dir), t.Context()
	e, err := c.Put(ctx, "f", strings.NewReader("one"), &protocols.PutOptions{Modified: then})
	check(t, err)
	if e.Size != 3 || !e.Modified.Equal(then) || e.Path != "f" {
		t.Errorf("%+v", e)
	}
	check(t, os.Chmod(dir+"/f", 0o604))
	if e, err = c.Put(ctx, "f", strings.NewReader("two!"), nil); err != nil || e.Mode != 0o604 {
		t.Errorf("the mode was not kept: %+v %v", e, err)
	}
	_, err = c.Put(ctx, "g", strings.NewReader(""), nil)
	check(t, err)
	_, err = c.Put(ctx, "f", strings.NewReader("+"), &protocols.PutOptions{Append: true})
	check(t, err)
	e, err = c.Put(ctx, "f", strings.NewReader("u"), &protocols.PutOptions{Unique: true})
	check(t, err)
	_, err = c.Put(ctx, "g", strings.NewReader("in place"), &protocols.PutOptions{InPlace: true})
	check(t, err)
	_, err = c.Put(ctx, "g", strings.NewReader("PLACE"), &protocols.PutOptions{InPlace: true, Offset: 3})
	check(t, err)
	if e.Path != "f.1" || read(t, dir+"/f") != "two!+" || read(t, dir+"/g") != "in PLACE" {
		t.Errorf("%+v %q %q", e, read(t, dir+"/f"), read(t, dir+"/g"))
	}
	if !slices.Equal(names(t, dir), []string{"f", "f.1", "g"}) {
		t.Errorf("%q", names(t, dir))
	}
	if _, err := open(t, dir+"/h").Put(ctx, "", strings.NewReader("root"), nil); err != nil || read(t, dir+"/h") != "root" {
		t.Errorf("the root itself: %v", err)
	}
}

func TestPutFailureLeavesWhatWasThere(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/f", "old")
	c, ctx := open(t, dir), t.Context()
	broken := io.MultiReader(strings.NewReader("new"), iotest.ErrReader(syscall.ECONNRESET))
	for _, o := range []*protocols.PutOptions{nil, {Unique: true}} {
		_, err := c.Put(ctx, "f", broken, o)
		if protocols.KindOf(err) == protocols.KindOK || read(t, dir+"/f") != "old" || len(names(t, dir)) != 1 {
			t.Errorf("%v; %q", err, names(t, dir))
		}
	}
	write(t, dir+"/p"+protocols.PartSuffix, "1234junk")
	o := &protocols.PutOptions{Offset: 4}
	if _, err := c.Put(ctx, "p", io.MultiReader(strings.NewReader("5"), iotest.ErrReader(syscall.ECONNRESET)), o); err == nil {
		t.Error("no error")
	}
	if got := read(t, dir+"/p"+protocols.PartSuffix); got != "12345" {
		t.Errorf("the part holds %q", got)
	}
	o.Offset = 5
	_, err := c.Put(ctx, "p", strings.NewReader("67"), o)
	check(t, err)
	if read(t, dir+"/p") != "1234567" {
		t.Errorf("%q", read(t, dir+"/p"))
	}
	o.Offset = 50
	if _, err := c.Put(ctx, "p", strings.NewReader("x"), o); err == nil {
		t.Error("went on from an offset that is not there")
	}
}

func TestPutIntoFolderName(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/d/f", "x")
	if _, err := open(t, dir).Put(t.Context(), "d", strings.NewReader("y"), nil); err == nil || len(names(t, dir)) != 1 {
		t.Errorf("%v %q", err, names(t, dir))
	}
}

func TestStraight(t *testing.T) {
	for path, want := range map[string]bool{"/dev/null": true, "/dev/stdout": true, "/dev/fd/1": true, t.TempDir(): false, "/nonexistent": false} {
		if got := New(path, nil).Straight(); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	if _, err := open(t, "/dev/null").Put(t.Context(), "", strings.NewReader("gone"), nil); err != nil {
		t.Error(err)
	}
}

func TestChange(t *testing.T) {
	dir := t.TempDir()
	c, ctx := open(t, dir+"/made/here"), t.Context()
	check(t, c.Make(ctx, ""))
	check(t, c.Make(ctx, ""))
	check(t, c.Make(ctx, "d"))
	if err := c.Make(ctx, "d"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("%v", err)
	}
	_, err := c.Put(ctx, "d/f", strings.NewReader("x"), nil)
	check(t, err)
	check(t, c.Move(ctx, "d/f", "g"))
	check(t, c.Chmod(ctx, "g", 0o600))
	check(t, c.SetModified(ctx, "g", then))
	check(t, c.Symlink(ctx, "g", "l"))
	if c.Remove(ctx, "d") == nil || c.Unmake(ctx, "g") == nil || c.Move(ctx, "", "x") == nil || c.Move(ctx, "g", "") == nil {
		t.Error("a wrong change went through")
	}
	check(t, c.Unmake(ctx, "d"))
	check(t, c.Remove(ctx, "l"))
	e, err := c.Stat(ctx, "g")
	check(t, err)
	if e.Mode != 0o600 || !e.Modified.Equal(then) || !slices.Equal(names(t, dir+"/made/here"), []string{"g"}) {
		t.Errorf("%+v", e)
	}
	check(t, c.Remove(ctx, "g"))
	if err := c.Remove(ctx, "g"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	check(t, c.Unmake(ctx, ""))
	if len(names(t, dir+"/made")) != 0 {
		t.Error("the root is still there")
	}
	if c.Make(ctx, "nul\x00") == nil {
		t.Error("a NUL was taken")
	}
}

func TestLife(t *testing.T) {
	c := New(filepath.Join(t.TempDir(), "none"), nil)
	r, err := c.Probe(t.Context())
	if r == nil || r.Up || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%+v %v", r, err)
	}
	check(t, c.Close())
	check(t, c.Close())
	if _, err := c.Get(t.Context(), "x", nil); !errors.Is(err, protocols.ErrClosed) {
		t.Errorf("%v", err)
	}
	if r, err := open(t, t.TempDir()).Probe(t.Context()); err != nil || !r.Up {
		t.Errorf("%+v %v", r, err)
	}
}

func TestLinkStays(t *testing.T) {
	tests := []struct {
		name, target string
		want         bool
	}{
		{"l", "f", true}, {"l", "d/e/f", true}, {"d/l", "../f", true}, {"d/e/l", "../../f", true}, {"d/l", ".././f", true},
		{"l", "..", false}, {"l", "../f", false}, {"d/l", "../../f", false}, {"l", "/etc", false}, {"l", "", false},
		{"d/l", "x/../y", false}, {"l", `a\b`, false}, {"l", "a\x00", false}, {"d/l", "..", true},
	}
	for _, tt := range tests {
		if got := LinkStays(tt.name, tt.target); got != tt.want {
			t.Errorf("%s -> %s: %v", tt.name, tt.target, got)
		}
	}
}

func TestPartNames(t *testing.T) {
	long := strings.Repeat("ä", 127)
	for _, name := range []string{"f", "d/f", long, "d/" + long, long[:252] + "x"} {
		part, rec := PartName(name), RecordName(name)
		if filepath.Dir(part) != filepath.Dir(name) || len(filepath.Base(part)) > maxName || len(filepath.Base(rec)) > maxName || !IsPart(part) || !IsPart(rec) {
			t.Errorf("%s: %s %s", name, part, rec)
		}
	}
	if PartName(long) == PartName(long[:252]+"x") {
		t.Error("two long names have one part")
	}
	dir := t.TempDir()
	if _, err := open(t, dir).Put(t.Context(), long, strings.NewReader("x"), nil); err != nil {
		t.Error(err)
	}
}

func TestPourFromFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a", strings.Repeat("x", 100_000))
	in, err := os.Open(dir + "/a")
	check(t, err)
	defer in.Close()
	out, err := os.Create(dir + "/b")
	check(t, err)
	defer out.Close()
	n, err := Pour(t.Context(), out, in)
	if n != 100_000 || err != nil || read(t, dir+"/b") != read(t, dir+"/a") {
		t.Errorf("%d %v", n, err)
	}
}

func TestReaderErrorIsNotLocal(t *testing.T) {
	for err, want := range map[error]protocols.Kind{
		&fs.PathError{Op: "write", Path: "f", Err: os.NewSyscallError("splice", syscall.ECONNRESET)}: protocols.KindConnect,
		&fs.PathError{Op: "write", Path: "f", Err: os.ErrDeadlineExceeded}:                           protocols.KindTimeout,
		&fs.PathError{Op: "write", Path: "f", Err: syscall.ENOSPC}:                                   protocols.KindLocal,
	} {
		if got := protocols.KindOf(readerError(err)); got != want {
			t.Errorf("%v: %v, want %v", err, got, want)
		}
	}
}

func TestTempIsItsOwn(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	check(t, err)
	defer root.Close()
	outside := t.TempDir() + "/x"
	check(t, os.Symlink(outside, filepath.Join(dir, PartName("f"))))
	tmp, err := CreatePart(root, "f", 0o600)
	check(t, err)
	if _, err := os.Stat(outside); err == nil {
		t.Error("written through a link")
	}
	_, err = tmp.WriteString("mine")
	check(t, err)
	check(t, tmp.Store(Each))
	tmp.Abort()
	tmp.Keep()
	if !bytes.Equal([]byte(read(t, dir+"/f")), []byte("mine")) || len(names(t, dir)) != 1 {
		t.Errorf("%q", names(t, dir))
	}
}

// TestClosed: after Close every verb fails with an error of class ErrClosed, also for
// the root itself.
func TestClosed(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/f", "x")
	for _, name := range []string{"", "f"} {
		c := New(dir, nil)
		check(t, c.Close())
		_, probe := c.Probe(t.Context())
		_, stat := c.Stat(t.Context(), name)
		_, get := c.Get(t.Context(), name, nil)
		_, put := c.Put(t.Context(), name, strings.NewReader("x"), nil)
		var list error
		for _, err := range c.List(t.Context(), name) {
			list = err
		}
		for verb, err := range map[string]error{
			"Probe": probe, "Stat": stat, "Get": get, "Put": put, "List": list,
			"Remove": c.Remove(t.Context(), "f"), "Make": c.Make(t.Context(), name), "Move": c.Move(t.Context(), "f", "g"),
		} {
			if !errors.Is(err, protocols.ErrClosed) || protocols.IsRetryable(err) {
				t.Errorf("%s of %q: %v", verb, name, err)
			}
		}
	}
}
