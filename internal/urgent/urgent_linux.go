package urgent

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Send sends p with the urgent pointer after it. It bypasses TLS and byte
// counters.
func Send(c syscall.Conn, p []byte) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Write(func(fd uintptr) bool {
		for len(p) > 0 && failed == nil {
			n, err := unix.SendmsgN(int(fd), p, nil, nil, unix.MSG_OOB|unix.MSG_NOSIGNAL)
			switch err {
			case nil:
				p = p[n:]
			case unix.EAGAIN:
				return false
			case unix.EINTR:
			default:
				failed = err
			}
		}
		return true
	})
	if err == nil {
		err = failed
	}
	return err
}

// Inline keeps urgent data in the stream (SO_OOBINLINE).
func Inline(c syscall.Conn) {
	if raw, err := c.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_OOBINLINE, 1) })
	}
}

// Ahead reports whether urgent data has arrived that has not been read yet.
func Ahead(c syscall.Conn) (ahead bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	_ = raw.Control(func(fd uintptr) {
		fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLPRI}}
		n, err := unix.Poll(fds[:], 0)
		ahead = err == nil && n > 0 && fds[0].Revents&unix.POLLPRI != 0
	})
	return ahead
}
