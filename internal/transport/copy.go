package transport

import (
	"errors"
	"io"
	"math"
	"net"
	"os"
	"runtime"
	"time"
)

const (
	piece      = 4 << 20   // bytes of a fast copy between updates of the counters
	bufferSize = 256 << 10 // of a copy through memory
	firstSize  = 16 << 10  // of its first piece

	pastStopSize = 4 << 10 // of the read that passes an urgent mark: a pipe that polls as writable has this much room
)

// zeroCopy is true only on Linux: elsewhere the standard library does not splice,
// and a deadline that interrupts its sendfile does not report exactly how much
// was sent.
const zeroCopy = runtime.GOOS == "linux"

// WriteTo copies everything received to w, until the stream ends. A plain TCP or
// UNIX connection is spliced into an [*os.File].
func (c *Conn) WriteTo(w io.Writer) (int64, error) { return c.WriteToN(w, math.MaxInt64) }

// WriteToN is WriteTo for at most n bytes. Like [io.LimitReader] it returns no
// error when the stream ends earlier.
func (c *Conn) WriteToN(w io.Writer, n int64) (int64, error) { return copier{c}.to(w, n) }

// copier moves bytes between a connection and something else on the shortest
// route: spliced or sent by the kernel, or through memory.
type copier struct{ *Conn }

// to copies at most n bytes to w.
func (c copier) to(w io.Writer, n int64) (int64, error) {
	if !c.fast() || !takesFast(w) {
		return c.bufferTo(w, n)
	}
	total, err := c.flushAhead(w, n)
	if err != nil {
		return total, err
	}
	if p := pipeFile(w); p != nil {
		m, works, err := c.toPipe(p, n-total)
		if works {
			return total + m, err
		}
	}
	m, err := c.spliceTo(w, n-total)
	return total + m, err
}

// fast reports whether the kernel can copy directly from or to the socket.
func (c copier) fast() bool {
	if !zeroCopy || c.tls != nil || c.d.traced() || c.d.o.Limiter != nil || c.d.o.Guard != nil {
		return false
	}
	switch c.sock.Conn.(type) {
	case *net.TCPConn, *net.UnixConn:
		return true
	}
	return false
}

// takesFast reports whether w may have a fast path for a socket.
func takesFast(w io.Writer) bool {
	_, ok := w.(io.ReaderFrom)
	return ok
}

// flushAhead writes to w what was read before the copy.
func (c copier) flushAhead(w io.Writer, n int64) (int64, error) {
	ahead := c.sock.ahead[:min(int64(len(c.sock.ahead)), n)]
	if len(ahead) == 0 {
		return 0, nil
	}
	m, err := w.Write(ahead)
	c.sock.ahead = c.sock.ahead[m:]
	c.count(&c.read, m)
	return int64(m), err
}

// spliceTo copies in pieces. When a deadline of the source interrupts a piece,
// everything taken from the socket has been written, because the standard library
// waits on the socket only with an empty pipe; so the copy simply continues. A
// splice that returns 0 is not the end of the stream: urgent data in the queue
// stops it too.
func (c copier) spliceTo(w io.Writer, n int64) (total int64, err error) {
	last := time.Now()
	for total < n {
		if err := c.sock.tick(&c.sock.rd, time.Now()); err != nil {
			return total, err
		}
		want := min(piece, n-total)
		m, err := io.Copy(w, &io.LimitedReader{R: c.sock.Conn, N: want})
		total += m
		c.count(&c.read, int(m))
		if m > 0 {
			last = time.Now()
		}
		switch {
		case err == nil && m < want:
			k, more, err := c.pastStop(w, want-m)
			total += k
			if !more {
				return total, err
			}
			last = time.Now()
		case err == nil:
		case !isDeadline(err):
			return total, c.spliceError(err)
		default:
			if err := c.sock.expired(&c.sock.rd, last); err != nil {
				return total, err
			}
		}
	}
	return total, nil
}

// pastStop reads once through memory where a splice has stopped: unlike a splice,
// a read passes the urgent mark. more is false at the end of the stream.
func (c copier) pastStop(w io.Writer, n int64) (moved int64, more bool, err error) {
	buf := make([]byte, min(n, pastStopSize))
	k, err := c.Read(buf)
	if err == io.EOF {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	k, err = w.Write(buf[:k])
	return int64(k), err == nil, err
}

// spliceError distinguishes errors of the socket from those of the file: the
// standard library wraps both with the file's name.
func (c copier) spliceError(err error) error {
	cause := err
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		cause = pe.Err
		if !isNetwork(cause) {
			return err
		}
	}
	if isNetwork(cause) {
		return c.sock.fail(cause)
	}
	return err
}

// bufferTo copies through memory.
func (c copier) bufferTo(w io.Writer, n int64) (int64, error) {
	return throughMemory(w, io.LimitReader(c.Conn, n), min(bufferSize, max(n, 1)))
}

// throughMemory copies without using ReadFrom or WriteTo of either side, through a buffer
// of a size. The buffer is small until it has been filled once: the large one for each of
// many small files would keep the garbage collector busy.
func throughMemory(w io.Writer, r io.Reader, size int64) (total int64, err error) {
	buf := make([]byte, min(size, firstSize))
	for {
		n, err := r.Read(buf)
		if n > 0 {
			m, werr := w.Write(buf[:n])
			total += int64(m)
			if werr != nil {
				return total, werr
			}
			if m < n {
				return total, io.ErrShortWrite
			}
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		if n == len(buf) && int64(n) < size {
			buf = make([]byte, size)
		}
	}
}

// ReadFrom copies all of r to the peer. A regular file, also inside an
// [io.LimitedReader], is sent with sendfile on a plain TCP or UNIX connection; a
// pipe is spliced. To a peer on loopback a file is copied through memory:
// sendfile would pass it pages that are in no CPU cache, and the peer, which
// copies them, would take 1.2 to 1.4 times as long for a large file.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) { return copier{c}.from(r) }

// from copies all of r.
func (c copier) from(r io.Reader) (int64, error) {
	if p := pipeFile(r); p != nil && c.fast() {
		return c.fromPipe(p)
	}
	f, limit := regularFile(r)
	if f == nil || !c.fast() || addrIP(c.RemoteAddr()).IsLoopback() {
		return c.bufferFrom(r)
	}
	left := int64(math.MaxInt64)
	if limit != nil {
		left = limit.N
	}
	n, err := c.sendFile(f, left)
	if limit != nil {
		limit.N -= n
	}
	return n, err
}

// regularFile returns the file if sendfile can be used for r. It excludes pipes,
// which would be read ahead of what is sent.
func regularFile(r io.Reader) (*os.File, *io.LimitedReader) {
	limit, _ := r.(*io.LimitedReader)
	if limit != nil {
		r = limit.R
	}
	f := osFile(r)
	if f == nil {
		return nil, nil
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, nil
	}
	return f, limit
}

// osFile returns the file that a reader is, or that it stands for.
func osFile(r any) *os.File {
	if of, ok := r.(interface{ OSFile() *os.File }); ok {
		return of.OSFile()
	}
	f, _ := r.(*os.File)
	return f
}

// sendFile copies in pieces, at most n bytes.
func (c copier) sendFile(f *os.File, n int64) (total int64, err error) {
	to, ok := c.sock.Conn.(io.ReaderFrom)
	if !ok {
		return c.bufferFrom(io.LimitReader(f, n))
	}
	start, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	last := time.Now()
	for total < n {
		if err := c.sock.tick(&c.sock.wd, time.Now()); err != nil {
			return total, err
		}
		want := min(piece, n-total)
		m, err := to.ReadFrom(&io.LimitedReader{R: f, N: want})
		total += m
		c.count(&c.written, int(m))
		if m > 0 {
			last = time.Now()
		}
		if err == nil && m < want {
			return total, nil
		}
		if err != nil {
			if err := c.sendPaused(f, start+total, last, err); err != nil {
				return total, err
			}
		}
	}
	return total, nil
}

// sendPaused continues after a deadline that interrupted a piece. If sendfile did
// not work, the library copied through a buffer and the file offset is beyond
// what was sent, so it is reset.
func (c copier) sendPaused(f *os.File, at int64, last time.Time, err error) error {
	if !isDeadline(err) {
		return c.sendError(err)
	}
	if err := c.sock.expired(&c.sock.wd, last); err != nil {
		return err
	}
	_, err = f.Seek(at, io.SeekStart)
	return err
}

// sendError returns an error of the file unchanged.
func (c copier) sendError(err error) error {
	if _, ok := errors.AsType[*os.PathError](err); ok && !isNetwork(err) {
		return err
	}
	return c.sock.fail(err)
}

// bufferFrom copies through memory.
func (c copier) bufferFrom(r io.Reader) (int64, error) { return throughMemory(c.Conn, r, bufferSize) }
