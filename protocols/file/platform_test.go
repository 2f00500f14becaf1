package file

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/netclients/netclients/protocols"
)

func TestHold(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	open := func() *os.File {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	first, second := open(), open()
	if err := Hold(first, name); err != nil {
		t.Fatal(err)
	}
	if err := Hold(second, name); !errors.Is(err, protocols.ErrBusy) {
		t.Errorf("a file that is held was taken again: %v", err)
	}
	if _, err := second.WriteString("written all the same"); err != nil {
		t.Errorf("the lock keeps others from writing: %v", err)
	}
	first.Close()
	if err := Hold(second, name); err != nil {
		t.Errorf("a file that is free again: %v", err)
	}
}

func TestFoldersSync(t *testing.T) {
	for system, want := range map[string]bool{"linux": true, "darwin": true, "freebsd": true, "windows": false} {
		if foldersSync(system) != want {
			t.Errorf("%s: %v", system, !want)
		}
	}
	dir, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := SyncFolder(dir, ""); err != nil {
		t.Errorf("%s: %v", runtime.GOOS, err)
	}
	if err := SyncFolder(dir, "missing"); err == nil && foldersSync(runtime.GOOS) {
		t.Error("a folder that is not there was forced to the disk")
	}
}

// A drive's letter stands where a path begins (RFC 8089 appendix E.2).
func TestDrives(t *testing.T) {
	for _, c := range []struct{ system, url, path string }{
		{"windows", "/C:/dir/a b", "C:/dir/a b"},
		{"windows", "/dir/a", "/dir/a"},
		{"windows", "a", "a"},
		{"linux", "/C:/dir", "/C:/dir"},
	} {
		t.Run(c.system+" "+c.url, func(t *testing.T) {
			if got := withoutSlash(c.url, c.system); got != c.path {
				t.Errorf("path %q, want %q", got, c.path)
			}
			if got := withSlash(c.path, c.system); got != c.url {
				t.Errorf("URL path %q, want %q", got, c.url)
			}
		})
	}
}
