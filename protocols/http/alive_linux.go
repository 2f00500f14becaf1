package http

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"

	"github.com/netclients/netclients/internal/transport"
)

// peek looks at what waits in a connection's receive buffer. ended: the peer has
// closed it. known is false where that cannot be seen.
func peek(conn *transport.Conn) (n int, ended, known bool) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, false, false
	}
	var one [1]byte
	var got int
	var rerr error
	err = raw.Read(func(fd uintptr) bool {
		got, _, rerr = unix.Recvfrom(int(fd), one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		return true
	})
	late, ok := errors.AsType[net.Error](err)
	switch {
	case ok && late.Timeout():
		return 0, true, true // it has rested for longer than a server may be silent
	case err != nil:
		return 0, false, false
	case rerr == unix.EAGAIN || rerr == unix.EINTR:
		return 0, false, true
	case rerr != nil || got == 0:
		return 0, true, true
	}
	return got, false, true
}

// alive reports whether a connection that rests is still good. In clear nothing
// may have come; under TLS that may be a session ticket.
func alive(conn *transport.Conn) bool {
	n, ended, known := peek(conn)
	return !known || !ended && (n == 0 || conn.TLS() != nil)
}
