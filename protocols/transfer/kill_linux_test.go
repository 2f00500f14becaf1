package transfer

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

func TestDiskFull(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting a small file system needs root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("cannot mount a small file system: %v", err)
	}
	t.Cleanup(func() { check(t, syscall.Unmount(dir, 0)) })
	s := newServer(map[string]string{"big": pattern(3 << 20)})
	o := quick()
	_, err := Copy(t.Context(), s.end("big"), localEnd(filepath.Join(dir, "big")), &o)
	full(t, err)
	files := many(2000)
	s = newServer(files)
	sum, err := Sync(t.Context(), s.end(""), localEnd(filepath.Join(dir, "tree")), quickSync(), nil)
	full(t, err)
	if sum.Failed > 5 {
		t.Errorf("it went on and on: %+v", sum)
	}
	for name, content := range readTree(t, filepath.Join(dir, "tree")) {
		if want, ok := files[name]; ok && want != content || file.IsPart(name) {
			t.Errorf("%q has %d bytes, want %d", name, len(content), len(want))
		}
	}
}

func full(t *testing.T, err error) {
	t.Helper()
	if protocols.KindOf(err) != protocols.KindLocal || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v, of kind %v", err, protocols.KindOf(err))
	}
}
