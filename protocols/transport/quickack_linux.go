package transport

import "syscall"

// QuickAck asks the kernel to acknowledge what comes at once, for talk in turns
// with a server that answers in small writes: else its second one waits for our
// delayed acknowledgement. The kernel forgets it, so it is set before each wait.
// It does nothing where a connection is no TCP socket.
func (c *Conn) QuickAck() {
	if s, err := c.SyscallConn(); err == nil {
		// A hint only: on other sockets the option fails, which changes nothing.
		_ = s.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
		})
	}
}
