package telnet

import (
	"golang.org/x/sys/unix"

	"github.com/netclients/netclients/protocols/transport"
)

// inlineUrgent keeps urgent data in the stream: the data mark of a Synch must not
// go missing behind its IAC.
func inlineUrgent(c *transport.Conn) {
	if raw, err := c.SyscallConn(); err == nil && c.TLS() == nil {
		raw.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_OOBINLINE, 1) })
	}
}

// urgentAhead reports whether urgent data is on its way that was not read yet.
func urgentAhead(c *transport.Conn) (ahead bool) {
	raw, err := c.SyscallConn()
	if err != nil || c.TLS() != nil {
		return false
	}
	raw.Control(func(fd uintptr) {
		fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLPRI}}
		n, err := unix.Poll(fds[:], 0)
		ahead = err == nil && n > 0 && fds[0].Revents&unix.POLLPRI != 0
	})
	return ahead
}

// sendUrgent sends IAC DM with the urgent pointer behind it, RFC 854.
func sendUrgent(c *transport.Conn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		_, err = c.Write([]byte{IAC, DM})
		return err
	}
	var failed error
	err = raw.Write(func(fd uintptr) bool {
		failed = unix.Sendto(int(fd), []byte{IAC, DM}, unix.MSG_OOB|unix.MSG_NOSIGNAL, nil)
		return failed != unix.EAGAIN
	})
	if err == nil {
		err = failed
	}
	return err
}
