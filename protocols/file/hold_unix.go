//go:build unix

package file

import (
	"errors"
	"os"
	"syscall"
)

// heldByAnother tries to lock a file or folder until it is closed.
func heldByAnother(f *os.File) bool {
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}
