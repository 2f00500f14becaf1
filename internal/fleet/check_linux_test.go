package fleet

import (
	"os"
	"syscall"
	"testing"
)

// TestFitDisk: a folder on a disk with little room.
func TestFitDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting a small file system needs root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m,mode=700"); err != nil {
		t.Skipf("cannot mount a small file system: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	unfit(t, fitFolder(dir), "MiB left, and a worker needs 64")
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Skipf("cannot make it read-only: %v", err)
	}
	unfit(t, fitFolder(dir), "its folder cannot be written", "read-only")
}
