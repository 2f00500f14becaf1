//go:build unix

package lab

import (
	"net"
	"syscall"
)

// inlineUrgent keeps urgent data in the stream.
func inlineUrgent(conn net.Conn) {
	if f, ok := conn.(*faultConn); ok {
		conn = f.Conn
	}
	if s, ok := conn.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			raw.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_OOBINLINE, 1) })
		}
	}
}

// sendUrgent sends p with the urgent pointer behind it, on a TCP connection.
func sendUrgent(conn net.Conn, p []byte) error {
	if f, ok := conn.(*faultConn); ok {
		conn = f.Conn
	}
	s, ok := conn.(syscall.Conn)
	if !ok {
		_, err := conn.Write(p)
		return err
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Write(func(fd uintptr) bool {
		failed = syscall.Sendto(int(fd), p, syscall.MSG_OOB, nil)
		return failed != syscall.EAGAIN
	})
	if err == nil {
		err = failed
	}
	return err
}
