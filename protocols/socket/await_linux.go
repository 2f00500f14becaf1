package socket

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// await blocks until there is something to read, or the end, without a buffer.
func (p *Peer) await() error {
	c, ok := p.Conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	if p.idle > 0 {
		p.SetReadDeadline(time.Now().Add(p.idle))
	}
	err = raw.Read(func(fd uintptr) bool {
		fds := [1]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds[:], 0)
		return n != 0 || err != nil && err != unix.EINTR
	})
	if _, ok := err.(*net.OpError); ok {
		return nil // the read that follows tells it in its own words
	}
	return err
}
