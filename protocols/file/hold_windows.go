package file

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/windows"
)

// heldByAnother tries to lock a file until it is closed. Locks of this system keep
// others from reading and writing what they cover: one byte, where no file reaches.
// Folders cannot be locked, and count as free.
func heldByAnother(f *os.File) bool {
	const now = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	beyond := &windows.Overlapped{Offset: math.MaxUint32, OffsetHigh: math.MaxInt32}
	return errors.Is(windows.LockFileEx(windows.Handle(f.Fd()), now, 0, 1, 0, beyond), windows.ERROR_LOCK_VIOLATION)
}
