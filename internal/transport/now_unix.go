//go:build unix

package transport

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// readSocketNow reads from a socket, which the runtime has made non-blocking. It
// returns 0 and nil when nothing has arrived, or c is not a socket.
func readSocketNow(c net.Conn, p []byte) (n int, err error) {
	s, ok := c.(syscall.Conn)
	if !ok || len(p) == 0 {
		return 0, nil
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return 0, nil
	}
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		for failed = syscall.EINTR; failed == syscall.EINTR; {
			n, failed = syscall.Read(int(fd), p)
		}
		return true
	})
	switch {
	case err != nil:
		return 0, err
	case errors.Is(failed, syscall.EAGAIN):
		return 0, nil
	case failed != nil:
		return 0, &net.OpError{Op: "read", Net: c.LocalAddr().Network(), Err: os.NewSyscallError("read", failed)}
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}
