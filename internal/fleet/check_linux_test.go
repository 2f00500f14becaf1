package fleet

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// smallDisk returns a folder on a disk of 8 MiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting a small file system needs root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m,mode=700"); err != nil {
		t.Skipf("cannot mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil { // a broker that could not start may still have files open
			t.Error(err)
		}
	})
	return dir
}

// fill leaves no room on the disk of a folder.
func fill(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "fill"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// TestFullDisk: an embedded broker that can store nothing says so, and what it holds can
// still be read.
func TestFullDisk(t *testing.T) {
	full := func(t *testing.T, err error, dir string) {
		t.Helper()
		if protocols.KindOf(err) != protocols.KindLocal || !strings.Contains(err.Error(), "the disk of "+dir) {
			t.Errorf("kind %v: %v", protocols.KindOf(err), err)
		}
	}
	t.Run("no fleet yet", func(t *testing.T) {
		dir := smallDisk(t)
		at := filepath.Join(dir, "fleet")
		if err := os.Mkdir(at, 0o700); err != nil {
			t.Fatal(err)
		}
		fill(t, dir)
		f, err := Open(t.Context(), Options{Broker: Broker{Dir: at}})
		if err == nil {
			f.Close()
		}
		if protocols.KindOf(err) != protocols.KindLocal {
			t.Errorf("kind %v: %v", protocols.KindOf(err), err)
		}
	})
	t.Run("more jobs", func(t *testing.T) {
		dir := smallDisk(t)
		at := filepath.Join(dir, "fleet")
		f, err := Open(t.Context(), Options{Broker: Broker{Dir: at}})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		fill(t, dir)
		var jobs []*Job
		for i := range 200 {
			j := &Job{ID: strings.Repeat("x", 100) + strconv.Itoa(i), Verb: "ls", Args: []string{"ftp://server/"}}
			if err := j.Prepare(DefaultLane); err != nil {
				t.Fatal(err)
			}
			jobs = append(jobs, j)
		}
		_, err = f.Submit(t.Context(), slices.Values(jobs))
		full(t, err, at)
	})
}

// TestFitDisk: a folder on a disk with little room.
func TestFitDisk(t *testing.T) {
	dir := smallDisk(t)
	unfit(t, fitFolder(dir), "MiB left, and a worker needs 64")
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Skipf("cannot make it read-only: %v", err)
	}
	unfit(t, fitFolder(dir), "its folder cannot be written", "read-only")
}
