//go:build linux

package mailstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// TestDiskFull: on a full disk the archive fails, what it told as stored is whole,
// and nothing else lies about. With room again the rest is stored.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("cannot mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	text := func(i int) string {
		return fmt.Sprintf("Subject: %d\n\n%s", i, strings.Repeat("From here on.\n", 200*(1+i%5)))
	}
	for name, s := range map[string]store{"maildir": NewMaildir(nil), "mbox": NewMbox(nil)} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			stored := map[string]bool{}
			o := &protocols.ArchiveOptions{Stored: func(key string, _ int64, err error) error {
				stored[key] = err == nil
				return err
			}}
			err := fillUp(t, s, path, o, func(int) bool { return true }, text)
			if !errors.Is(err, syscall.ENOSPC) || protocols.KindOf(err) != protocols.KindLocal {
				t.Errorf("got %v of kind %v", err, protocols.KindOf(err))
			}
			left, _ := filepath.Glob(path + "/tmp/*")
			if len(left) > 0 {
				t.Errorf("%d files are left in tmp", len(left))
			}
			if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT, "size=32m"); err != nil {
				t.Fatal(err)
			}
			if err := fillUp(t, s, path, o, func(i int) bool { return !stored[key(i)] }, text); err != nil {
				t.Fatal(err)
			}
			var got, want []string
			for _, e := range list(t, s, path) {
				got = append(got, read(t, s, e.Path))
			}
			for i := range fullMessages {
				want = append(want, text(i))
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("%d messages, not the %d that were to be stored", len(got), len(want))
			}
			if err := errors.Join(os.RemoveAll(path), syscall.Mount("", dir, "", syscall.MS_REMOUNT, "size=2m")); err != nil {
				t.Fatal(err)
			}
		})
	}
}

const fullMessages = 400

// fillUp adds messages to an archive until it fails.
func fillUp(t *testing.T, s store, path string, o *protocols.ArchiveOptions, wanted func(int) bool, text func(int) string) error {
	a, err := s.OpenArchive(t.Context(), path, o)
	if err != nil {
		return err
	}
	defer a.Close()
	for i := range fullMessages {
		if !wanted(i) {
			continue
		}
		if err := a.Add(t.Context(), key(i), &protocols.Entry{}, strings.NewReader(text(i))); err != nil {
			return err
		}
	}
	return a.Flush(t.Context())
}

// TestReadOnly: what cannot be written is an error of the local disk, and reading
// goes on.
func TestReadOnly(t *testing.T) {
	stores(t, func(t *testing.T, s store, path string) {
		e, err := s.Put(t.Context(), path, strings.NewReader("x\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		parent := filepath.Dir(path)
		if err := syscall.Mount(parent, parent, "", syscall.MS_BIND, ""); err != nil {
			t.Skipf("cannot mount: %v", err)
		}
		defer syscall.Unmount(parent, syscall.MNT_DETACH)
		if err := syscall.Mount("", parent, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Put(t.Context(), path, strings.NewReader("y\n"), nil); !errors.Is(err, syscall.EROFS) || protocols.KindOf(err) != protocols.KindLocal {
			t.Errorf("put: %v of kind %v", err, protocols.KindOf(err))
		}
		if err := s.Remove(t.Context(), e.Path); protocols.KindOf(err) != protocols.KindLocal {
			t.Errorf("rm: %v of kind %v", err, protocols.KindOf(err))
		}
		if got := read(t, s, e.Path); got != "x\n" {
			t.Errorf("it is %q now", got)
		}
	})
}

// TestOddNames: file names of other programs are listed and read, and folders
// inside a maildir (Maildir++) are listed as mailboxes; what is not a file is an error
// that names it, and hidden files are nothing.
func TestOddNames(t *testing.T) {
	m, dir := NewMaildir(nil), t.TempDir()
	for _, d := range []string{dir, dir + "/.Sent", dir + "/.Sent.2024 old"} {
		if err := m.Make(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	names := []string{"1:2,", "2:2,S", "3:1,experimental", "4", "a b\tc\nd:2,FS", "\xff\xfe:2,R", strings.Repeat("n", 240) + ":2,T", "x;MSG=1", "%2F:2,Sa", "5:2,SSS"}
	for i, name := range names {
		if err := os.WriteFile(filepath.Join(dir, "cur", name), fmt.Appendf(nil, "Subject: %d\n\n", i), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "new", ".hidden"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	seen, boxes := map[string]bool{}, []string{}
	for _, e := range list(t, m, dir) {
		if e.Type == protocols.TypeMailbox {
			boxes = append(boxes, e.Name)
			continue
		}
		path := e.Path
		if u, err := protocols.ParseURL(e.URL, ""); err == nil {
			if path, err = MaildirSpec().Path(u); err != nil {
				t.Fatalf("%q: %v", e.URL, err)
			}
		} else if !strings.Contains(e.Name, "\n") {
			t.Fatalf("%q: %v", e.URL, err)
		}
		if got := read(t, m, path); got != "Subject: "+e.Subject+"\n\n" || filepath.Base(path) != e.Name {
			t.Errorf("%q: %q", e.Name, got)
		}
		seen[e.Name] = true
	}
	if len(seen) != len(names) || !slices.Equal(boxes, []string{".Sent", ".Sent.2024 old"}) {
		t.Errorf("%d messages, folders %q", len(seen), boxes)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "cur", "link")); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Get(t.Context(), filepath.Join(dir, "cur", "link"), nil); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a link: %v", err)
	}
	if _, err := m.Get(t.Context(), filepath.Join(dir, "cur", "none"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
}

// TestFlatMemory: a listing of many messages holds none of them.
func TestFlatMemory(t *testing.T) {
	const many = 2000
	stores(t, func(t *testing.T, s store, path string) {
		a := archive(t, s, path, &protocols.ArchiveOptions{NoSync: true})
		e := &protocols.Entry{Modified: time.Unix(1700000000, 0)}
		for i := range many {
			if err := a.Add(t.Context(), key(i), e, strings.NewReader("Subject: "+strings.Repeat("long ", 40)+"\n\nbody\n")); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.Close()
		n, before, most := 0, heap(), uint64(0)
		for _, err := range s.List(t.Context(), path) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n%(many/4) == 0 {
				most = max(most, heap())
			}
		}
		if n != many || most > before+512<<10 {
			t.Errorf("%d messages, %d bytes of memory more", n, most-before)
		}
	})
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
