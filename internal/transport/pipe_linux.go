package transport

import (
	"io"
	"math"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	pipeSize = 1 << 20 // requested from the kernel for a pipe that is copied from or to
	pipeWait = 200     // milliseconds after which a wait for a pipe checks the connection again
)

// pipeFile returns the file if it is a pipe that can be spliced to a socket.
func pipeFile(r any) *os.File {
	f := osFile(r)
	if f == nil {
		return nil
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return nil
	}
	return f
}

// fromPipe splices all of a pipe to the peer. Everything taken from the pipe is
// sent.
func (c copier) fromPipe(f *os.File) (total int64, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	works := true
	cerr := raw.Control(func(fd uintptr) {
		p := pipeCopy{c: c, fd: int(fd)}
		total, works, err = p.copy(math.MaxInt64)
	})
	if err == nil {
		err = cerr
	}
	if !works {
		return c.bufferFrom(f)
	}
	return total, err
}

// toPipe splices at most n bytes from the peer to a pipe. Each byte is moved
// once, whereas the standard library would use an additional pipe. works is false
// when the kernel cannot do that, and nothing was moved.
func (c copier) toPipe(f *os.File, n int64) (total int64, works bool, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, true, err
	}
	cerr := raw.Control(func(fd uintptr) {
		p := pipeCopy{c: c, fd: int(fd), in: true, out: f}
		total, works, err = p.copy(n)
	})
	if err == nil {
		err = cerr
	}
	if err == unix.EPIPE { // the reader of the pipe has exited: not an error of the peer
		err = &os.PathError{Op: "write", Path: f.Name(), Err: err}
	}
	return total, works, err
}

// pipeCopy is one end of a copy between the connection and a pipe.
type pipeCopy struct {
	c  copier
	fd int
	in bool // from the connection into the pipe

	out io.Writer // the pipe, where in is set
}

// copy runs until n bytes have been moved or the source ends. works is false when
// the kernel cannot splice these two, and nothing was moved.
func (p *pipeCopy) copy(n int64) (total int64, works bool, err error) {
	_, _ = unix.FcntlInt(uintptr(p.fd), unix.F_SETPIPE_SZ, pipeSize) // for larger pieces; failure is harmless
	events, counter := int16(unix.POLLIN), &p.c.written
	if p.in {
		events, counter = unix.POLLOUT, &p.c.read
	}
	for total < n {
		if err := p.c.sock.err(); err != nil {
			return total, true, err
		}
		fds := [1]unix.PollFd{{Fd: int32(p.fd), Events: events}}
		if ready, err := unix.Poll(fds[:], pipeWait); ready == 0 || err == unix.EINTR {
			continue
		} else if err != nil {
			return total, true, os.NewSyscallError("poll", err)
		}
		m, err := p.some(min(n-total, pipeSize))
		total += m
		p.c.count(counter, int(m))
		switch {
		case err == unix.EINVAL && total == 0:
			return 0, false, nil
		case p.in && err == unix.EPIPE:
			return total, true, err
		case err != nil:
			return total, true, p.c.sock.fail(err)
		case m == 0 && p.in: // the end of the stream, or an urgent mark
			k, more, err := p.c.pastStop(p.out, n-total)
			total += k
			if !more {
				return total, true, err
			}
		case m == 0:
			return total, true, nil
		}
	}
	return total, true, nil
}

// some moves what is available, and waits for the socket at most the idle
// timeout.
func (p *pipeCopy) some(n int64) (moved int64, err error) {
	sock := p.c.sock
	deadline := &sock.wd
	if p.in {
		deadline = &sock.rd
	}
	last := time.Now()
	for {
		if err := sock.tick(deadline, time.Now()); err != nil {
			return 0, err
		}
		moved, err = p.once(int(n))
		if err == nil || !isDeadline(err) {
			return moved, err
		}
		if err := sock.expired(deadline, last); err != nil {
			return 0, err
		}
	}
}

// once calls splice once, without waiting for the pipe.
func (p *pipeCopy) once(n int) (moved int64, err error) {
	to, ok := p.c.sock.Conn.(syscall.Conn)
	if !ok {
		return 0, unix.EINVAL
	}
	raw, err := to.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failed error
	splice := func(fd uintptr) bool {
		from, to := p.fd, int(fd)
		if p.in {
			from, to = to, from
		}
		for failed = unix.EINTR; failed == unix.EINTR; {
			n, e := unix.Splice(from, nil, to, nil, n, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
			moved, failed = int64(n), e // an int on 32-bit systems
		}
		return failed != unix.EAGAIN
	}
	if p.in {
		err = raw.Read(splice)
	} else {
		err = raw.Write(splice)
	}
	if err != nil {
		return 0, err
	}
	return max(moved, 0), failed
}
