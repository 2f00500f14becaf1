package socket

import (
	"errors"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// await blocks until there is something to read, or the end, without a buffer.
func (p *Peer) await() error {
	err := p.poll(unix.POLLIN)
	if _, ok := err.(*net.OpError); ok {
		return nil // the read that follows reports it
	}
	return err
}

// Gone waits for the connection to be cut by the peer, which is the error then, or
// to be closed here. It is for who has read the peer's end and writes nothing: a
// peer that has ended its direction may still want an answer, but one that is gone
// refuses the probes of keep-alive, after a minute or so.
func (p *Peer) Gone() error {
	if p.poll(0) != nil {
		return nil
	}
	return errors.New("the peer is gone")
}

// poll blocks until one of the events is there, or an error of the connection. Its
// own error is that the connection was closed here.
func (p *Peer) poll(events int16) error {
	c, ok := p.raw.(syscall.Conn)
	if !ok {
		return errors.ErrUnsupported
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Read(func(fd uintptr) bool {
		fds := [1]unix.PollFd{{Fd: int32(fd), Events: events}}
		n, err := unix.Poll(fds[:], 0)
		return n != 0 || err != nil && err != unix.EINTR
	})
}
