package transport

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	pipeSize = 1 << 20 // asked of the kernel for a pipe that is copied from
	pipeWait = 200     // milliseconds until a wait for a pipe looks at the connection again
)

// pipeFile finds a pipe that can be spliced to a socket.
func pipeFile(r any) *os.File {
	f, ok := r.(*os.File)
	if !ok {
		return nil
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return nil
	}
	return f
}

// fromPipe splices all of a pipe to the peer. Nothing is taken from the pipe
// that does not go out.
func (c *Conn) fromPipe(f *os.File) (total int64, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	works := true
	cerr := raw.Control(func(fd uintptr) {
		unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize) // more at a time; the size it has will do too
		total, works, err = c.splicePipe(int(fd))
	})
	if err == nil {
		err = cerr
	}
	if !works {
		return c.bufferFrom(f)
	}
	return total, err
}

// splicePipe copies until the pipe ends. works is false when the kernel cannot
// splice these two, and nothing was moved.
func (c *Conn) splicePipe(pipe int) (total int64, works bool, err error) {
	for {
		if err := c.sock.err(); err != nil {
			return total, true, err
		}
		fds := [1]unix.PollFd{{Fd: int32(pipe), Events: unix.POLLIN}}
		if n, err := unix.Poll(fds[:], pipeWait); n == 0 || err == unix.EINTR {
			continue
		} else if err != nil {
			return total, true, os.NewSyscallError("poll", err)
		}
		n, err := c.spliceSome(pipe)
		total += n
		c.count(&c.written, int(n))
		switch {
		case err == unix.EINVAL && total == 0:
			return 0, false, nil
		case err != nil:
			return total, true, c.sock.fail(err)
		case n == 0:
			return total, true, nil
		}
	}
}

// spliceSome moves what is in the pipe, and waits for room in the socket, at
// most the idle time.
func (c *Conn) spliceSome(pipe int) (n int64, err error) {
	last := time.Now()
	for {
		if err := c.sock.tick(&c.sock.wd, time.Now()); err != nil {
			return 0, err
		}
		n, err = c.spliceOnce(pipe)
		if err == nil || !isDeadline(err) {
			return n, err
		}
		if err := c.sock.expired(&c.sock.wd, last); err != nil {
			return 0, err
		}
	}
}

// spliceOnce moves once, without waiting for the pipe.
func (c *Conn) spliceOnce(pipe int) (n int64, err error) {
	to, ok := c.sock.Conn.(syscall.Conn)
	if !ok {
		return 0, unix.EINVAL
	}
	raw, err := to.SyscallConn()
	if err != nil {
		return 0, err
	}
	var moved error
	err = raw.Write(func(fd uintptr) bool {
		for moved = unix.EINTR; moved == unix.EINTR; {
			n, moved = unix.Splice(pipe, nil, int(fd), nil, pipeSize, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
		}
		return moved != unix.EAGAIN
	})
	if err != nil {
		return 0, err
	}
	return max(n, 0), moved
}
