//go:build unix

package show

import (
	"os"

	"golang.org/x/sys/unix"
)

// abandoned reports whether f is a pipe or socket that nobody reads any more.
func abandoned(f *os.File) bool {
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	gone := false
	_ = raw.Control(func(fd uintptr) {
		p := []unix.PollFd{{Fd: int32(fd)}}
		n, err := unix.Poll(p, 0)
		gone = err == nil && n > 0 && p[0].Revents&unix.POLLERR != 0
	})
	return gone
}
