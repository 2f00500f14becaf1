//go:build unix

package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// stranger is a user who is neither the one of the tests nor root.
const stranger = 54321

// giveAway makes path another user's, which only root can do.
func giveAway(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file to another user")
	}
	check(t, os.Lchown(path, stranger, stranger))
}

// planted is what may stand under a name before the program opens it.
type planted struct {
	name string
	make func(t *testing.T, path string) // path is in a folder of its own
	want map[Rule]string                 // refusals by rule; not there: opened
}

const (
	foreignLink = "is a symbolic link of another user"
	foreignFile = "belongs to another user"
	secondName  = "has a second name"
	byEverybody = "can be written by everybody"
	isFIFO      = "is a FIFO, not a regular file"
)

func plants() []planted {
	file := func(t *testing.T, path string, mode fs.FileMode) {
		write(t, path, "content")
		check(t, os.Chmod(path, mode))
	}
	fifo := func(t *testing.T, path string) { check(t, syscall.Mkfifo(path, 0o666)) }
	all := func(why string) map[Rule]string {
		return map[Rule]string{RulePrivate: why, RuleConfig: why, RuleMailbox: why}
	}
	return []planted{
		{"own file", func(t *testing.T, p string) { file(t, p, 0o600) }, nil},
		{"own link to an own file", func(t *testing.T, p string) {
			file(t, p+".there", 0o600)
			check(t, os.Symlink(filepath.Base(p)+".there", p))
		}, nil},
		{"file that everybody may write", func(t *testing.T, p string) { file(t, p, 0o666) }, map[Rule]string{
			RulePrivate: byEverybody, RuleConfig: "can be written by others", RuleMailbox: byEverybody,
		}},
		{"file that the group may write", func(t *testing.T, p string) { file(t, p, 0o660) }, map[Rule]string{RuleConfig: "can be written by others"}},
		{"hard link", func(t *testing.T, p string) {
			file(t, p+".there", 0o600)
			check(t, os.Link(p+".there", p))
		}, map[Rule]string{RulePrivate: secondName, RuleMailbox: secondName}},
		{"folder", func(t *testing.T, p string) { check(t, os.Mkdir(p, 0o700)) }, all("is a folder, not a regular file")},
		{"link of another user", func(t *testing.T, p string) {
			file(t, p+".there", 0o600)
			check(t, os.Symlink(p+".there", p))
			giveAway(t, p)
		}, all(foreignLink)},
		{"dangling link of another user", func(t *testing.T, p string) {
			check(t, os.Symlink(p+".there", p))
			giveAway(t, p)
		}, all(foreignLink)},
		{"own link to a file of another user", func(t *testing.T, p string) {
			file(t, p+".there", 0o644)
			check(t, os.Symlink(p+".there", p))
			giveAway(t, p+".there")
		}, map[Rule]string{RulePrivate: foreignFile, RuleConfig: foreignFile}},
		{"file of another user", func(t *testing.T, p string) {
			file(t, p, 0o644)
			giveAway(t, p)
		}, map[Rule]string{RulePrivate: foreignFile, RuleConfig: foreignFile}},
		{"file of another user where everybody may write", func(t *testing.T, p string) {
			file(t, p, 0o644)
			giveAway(t, p)
			check(t, os.Chmod(filepath.Dir(p), 0o777|fs.ModeSticky))
		}, all(foreignFile)},
		{"FIFO of another user where everybody may write", func(t *testing.T, p string) {
			fifo(t, p)
			giveAway(t, p)
			check(t, os.Chmod(filepath.Dir(p), 0o777|fs.ModeSticky))
		}, map[Rule]string{RulePrivate: isFIFO, RuleConfig: isFIFO, RuleMailbox: isFIFO, RuleNamed: "is a FIFO of another user"}},
	}
}

// TestOpenPlanted: what another user may have put under a name is not opened, and
// what is the user's own is.
func TestOpenPlanted(t *testing.T) {
	for _, p := range plants() {
		for rule, name := range map[Rule]string{RulePrivate: "private", RuleConfig: "config", RuleMailbox: "mailbox", RuleNamed: "named"} {
			t.Run(p.name+"/"+name, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "name")
				p.make(t, path)
				refusal, refused := p.want[rule]
				if !refused && rule == RuleNamed {
					return // opened as os.OpenFile does
				}
				f, err := Open(t.Context(), path, rule, os.O_RDWR|os.O_CREATE, 0o600)
				if refused {
					if protocols.KindOf(err) != protocols.KindLocal || !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), refusal) {
						t.Fatalf("%v, want %q", err, refusal)
					}
					return
				}
				check(t, err)
				defer f.Close()
				if b, err := io.ReadAll(f); string(b) != "content" || err != nil {
					t.Errorf("read %q, %v", b, err)
				}
			})
		}
	}
}

// TestOpenMakes: a missing file is made with its mode, also behind an own link that
// leads nowhere; O_EXCL and O_TRUNC mean what they mean to the system.
func TestOpenMakes(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "new")
	check(t, os.Symlink("new", filepath.Join(dir, "link")))
	f, err := Open(t.Context(), filepath.Join(dir, "link"), RulePrivate, os.O_RDWR|os.O_CREATE, 0o600)
	check(t, err)
	f.WriteString("long text")
	check(t, f.Close())
	if info, err := os.Lstat(path); err != nil || info.Mode() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	if _, err := Open(t.Context(), path, RulePrivate, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); !errors.Is(err, fs.ErrExist) {
		t.Errorf("O_EXCL: %v", err)
	}
	f, err = Open(t.Context(), path, RulePrivate, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	check(t, err)
	f.WriteString("short")
	check(t, f.Close())
	if got := read(t, path); got != "short" {
		t.Errorf("O_TRUNC: %q", got)
	}
	if _, err := Open(t.Context(), path+"/x", RulePrivate, os.O_RDWR, 0); err == nil {
		t.Error("a file as a folder")
	}
	check(t, os.Symlink("loop", filepath.Join(dir, "loop")))
	if _, err := Open(t.Context(), filepath.Join(dir, "loop"), RulePrivate, os.O_RDWR|os.O_CREATE, 0o600); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a loop: %v", err)
	}
}

// TestOpenFolder: a folder, or an own link to one.
func TestOpenFolder(t *testing.T) {
	dir := t.TempDir()
	check(t, os.Symlink(dir, dir+"/own"))
	f, err := Open(t.Context(), dir+"/own", RuleFolder, os.O_RDONLY, 0)
	check(t, err)
	check(t, f.Close())
	write(t, dir+"/file", "x")
	if _, err := Open(t.Context(), dir+"/file", RuleFolder, os.O_RDONLY, 0); protocols.KindOf(err) != protocols.KindLocal {
		t.Errorf("a file: %v", err)
	}
	check(t, os.Symlink(dir, dir+"/theirs"))
	giveAway(t, dir+"/theirs")
	if _, err := Open(t.Context(), dir+"/theirs", RuleFolder, os.O_RDONLY, 0); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a link of another user: %v", err)
	}
}

// TestOpenFIFO: opening an own FIFO waits for the other side, and no longer than the
// context allows; nothing goes on waiting after that.
func TestOpenFIFO(t *testing.T) {
	dir := t.TempDir()
	for i, c := range []struct {
		rule Rule
		flag int
	}{{RulePrivate, os.O_WRONLY}, {RuleNamed, os.O_WRONLY}, {RuleNamed, os.O_RDONLY}} {
		path := filepath.Join(dir, strconv.Itoa(i))
		check(t, syscall.Mkfifo(path, 0o600))
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if f, err := Open(ctx, path, c.rule, c.flag, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("rule %d, flag %d: %v, %v", c.rule, c.flag, f, err)
		}
		stop()
	}
	path := filepath.Join(dir, "fifo")
	check(t, syscall.Mkfifo(path, 0o600))
	if _, err := Open(t.Context(), path, RulePrivate, os.O_RDWR|os.O_CREATE, 0o600); protocols.KindOf(err) != protocols.KindLocal {
		t.Errorf("a FIFO as a state: %v", err)
	}

	go func() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err == nil {
			f.WriteString("through the FIFO")
			f.Close()
		}
	}()
	if b, err := ReadAll(t.Context(), path, 100); string(b) != "through the FIFO" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}

// TestReadAll: bounded, and a FIFO whose writer says nothing ends with the context.
func TestReadAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, "12345")
	if b, err := ReadAll(t.Context(), path, 5); string(b) != "12345" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := ReadAll(t.Context(), path, 4); protocols.KindOf(err) != protocols.KindLocal {
		t.Errorf("too long: %v", err)
	}
	if _, err := ReadAll(t.Context(), path+".no", 4); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	fifo := path + ".fifo"
	check(t, syscall.Mkfifo(fifo, 0o600))
	silent, err := os.OpenFile(fifo, os.O_RDWR, 0)
	check(t, err)
	defer silent.Close()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	if _, err := ReadAll(ctx, fifo, 4); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("silence: %v", err)
	}
}

// TestOpenMissing: what the user names is not made through a link of another user.
func TestOpenMissing(t *testing.T) {
	dir := t.TempDir()
	own, foreign := filepath.Join(dir, "own"), filepath.Join(dir, "foreign")
	check(t, os.Symlink(filepath.Join(dir, "a"), own))
	f, err := Open(t.Context(), own, RuleNamed, os.O_WRONLY|os.O_CREATE, 0o600)
	check(t, err)
	check(t, f.Close())
	if _, err := Open(t.Context(), filepath.Join(dir, "none"), RuleNamed, os.O_RDONLY, 0); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	check(t, os.Symlink(filepath.Join(dir, "b"), foreign))
	giveAway(t, foreign)
	if _, err := Open(t.Context(), foreign, RuleNamed, os.O_WRONLY|os.O_CREATE, 0o600); !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "b")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the file was made")
	}
}

// TestPutInPlaceFIFO: what is below the destination is written in place only when it is
// a regular file: a FIFO neither blocks nor gets the content.
func TestPutInPlaceFIFO(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "fifo")
	check(t, syscall.Mkfifo(path, 0o666))
	r, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	check(t, err)
	defer r.Close()
	c := New(dir, nil)
	defer c.Close()
	for _, o := range []protocols.PutOptions{{Append: true}, {InPlace: true}} {
		if _, err := c.Put(t.Context(), "fifo", strings.NewReader("private"), &o); protocols.KindOf(err) != protocols.KindLocal {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if n, _ := r.Read(make([]byte, 10)); n > 0 {
		t.Error("the FIFO got the content")
	}
}

// TestDescriptorNames: which paths name an open file descriptor.
func TestDescriptorNames(t *testing.T) {
	for path, want := range map[string]bool{
		"/dev/stdin": true, "/dev/stdout": true, "/dev/stderr": true, "/dev/fd/3": true, "/proc/self/fd/1": true, "/proc/17/fd/2": true, "/dev//fd/0": true,
		"/dev/standard": false, "/dev/fd/x": false, "/dev/fd/": false, "/proc/self/environ": false, "/proc/self/fd/../environ": false, "/proc/x/fd/1": false, "/tmp/fd/1": false,
	} {
		if got := isDescriptor(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// TestOpenHeld: one process has a file, and what was replaced while another waited is
// not used.
func TestOpenHeld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "state")
	f, err := OpenHeld(t.Context(), path)
	check(t, err)
	if _, err := OpenHeld(t.Context(), path); !errors.Is(err, protocols.ErrBusy) {
		t.Errorf("a second time: %v", err)
	}
	write(t, path+".new", "new")
	check(t, os.Chmod(path+".new", 0o600))
	check(t, os.Rename(path+".new", path))
	if isAt(f, path) {
		t.Error("the replaced file counts as the one that the path names")
	}
	check(t, f.Close())
	f, err = OpenHeld(t.Context(), path)
	check(t, err)
	defer f.Close()
	if b, err := io.ReadAll(f); string(b) != "new" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}
