package transport

import "syscall"

// QuickAck asks the kernel to acknowledge received data at once, for
// request-response exchanges with a server that answers in small writes:
// otherwise its second write waits for our delayed acknowledgement. The kernel
// resets the option, so it is set before each wait. It does nothing if the
// connection is not a TCP socket.
func (c *Conn) QuickAck() {
	if s, err := c.SyscallConn(); err == nil {
		// Only a hint: on other sockets the option fails, which is harmless.
		_ = s.Control(func(fd uintptr) {
			_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
		})
	}
}
