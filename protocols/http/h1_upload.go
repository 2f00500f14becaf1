package http

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols/http/internal/upbody"
)

const (
	// listenFor is how long one look for an early answer takes at most.
	listenFor = time.Second
	// finishWithin is how long the end of a body may be after the answer to it.
	finishWithin = 50 * time.Millisecond
	// stopWithin bounds the wait for a body's reader that does not come back.
	stopWithin = time.Second
)

// upload is a body that is being sent while the answer is listened for: a server
// may refuse it before it has read all (RFC 9110 10.1.1, RFC 9112 9.5), or answer
// piece by piece.
type upload struct {
	l    *http1
	done chan struct{} // closed when nothing more is sent
	err  error         // why not all was sent; read it after done

	looks atomic.Bool // all was sent, and the body is asked for more

	mu        sync.Mutex
	listening bool // the reader is to be woken when all is sent
}

// startUpload sends the body of m in the background.
func (l *http1) startUpload(m *outgoing) *upload {
	u := &upload{l: l, done: make(chan struct{})}
	go func() {
		var err error
		n := m.Length
		if m.Length < 0 {
			n, err = l.chunks(m.Body)
		} else {
			err = u.plain(m.Body, m.Length)
		}
		if err == nil {
			transport.Sent(l.conn, n)
		}
		u.mu.Lock()
		defer u.mu.Unlock()
		u.err = err
		close(u.done)
		if u.listening {
			l.conn.SetReadDeadline(time.Unix(1, 0))
		}
	}()
	return u
}

// ended reports whether nothing more is sent.
func (u *upload) ended() bool {
	select {
	case <-u.done:
		return true
	default:
		return false
	}
}

// listen sets the deadline of the next look, or takes it away.
func (u *upload) listen(on bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.listening = on
	if !on {
		u.l.conn.SetReadDeadline(time.Time{})
		return
	}
	within := listenFor
	if idle := u.l.opts.IdleWithin(); idle > 0 {
		within = min(within, idle/2) // silence is not a failure as long as bytes go out
	}
	u.l.conn.SetReadDeadline(time.Now().Add(within))
}

// status waits until the final answer begins, and returns its status: 0 when it does
// not look like one. Interim answers are read. The error is that of the body, or
// of the connection when nothing came over it.
func (u *upload) status(m *outgoing) (int, error) {
	for {
		line, err := u.wait()
		if err != nil {
			return 0, err
		}
		status, _ := strconv.Atoi(string(bytes.TrimSpace(line[len("HTTP/1.1"):])))
		if status/100 != 1 {
			return status, nil
		}
		if _, err = u.l.head(m, status); err == nil {
			err = u.l.interim.came(!u.ended())
		}
		if err != nil {
			return 0, err
		}
	}
}

// wait waits for the first bytes of an answer.
func (u *upload) wait() (line []byte, err error) {
	l := u.l
	defer u.listen(false)
	for {
		l.bound.left = l.headLimit
		u.listen(true)
		ended := u.ended()
		if ended {
			u.listen(false)
			if u.err != nil && !l.conn.Broken() {
				return nil, u.err
			}
		}
		line, err = l.in.Peek(len("HTTP/1.1 200"))
		late, ok := errors.AsType[net.Error](err)
		switch {
		case err == nil:
			return line, nil
		case !ended && ok && late.Timeout() && !l.conn.Broken():
			continue
		case ended && u.err != nil:
			return nil, u.err
		}
		return nil, err
	}
}

// surplus returns the error of a body that has more than its length says, as far as that
// shows soon: the answer to the part that was sent is not a success.
func (u *upload) surplus() error {
	if !u.looks.Load() {
		return nil
	}
	select {
	case <-u.done:
		return u.err
	case <-time.After(finishWithin):
		return nil
	}
}

// finish waits for the end of the body, and stops it when that does not come. It
// reports whether all of it was sent.
func (u *upload) finish() bool {
	select {
	case <-u.done:
		return u.err == nil
	case <-time.After(finishWithin):
	}
	u.l.cut = true
	u.l.conn.SetWriteDeadline(time.Unix(1, 0))
	select {
	case <-u.done:
	case <-time.After(stopWithin): // it waits for the body's own reader, and ends with that
	}
	return false
}

// plain sends a body of known length. A file goes by sendfile.
func (u *upload) plain(r io.Reader, length int64) error {
	_, file := r.(upbody.File) // may grow meanwhile
	var in io.Reader = &io.LimitedReader{R: r, N: length}
	if !file {
		in = &upbody.Exactly{In: in, Left: length, Whole: &u.looks}
	}
	n, err := u.l.conn.ReadFrom(in)
	if err != nil || file && n == length {
		return err
	}
	if n < length {
		return upbody.TooShort(n, length)
	}
	if n, _ := io.ReadFull(r, make([]byte, 1)); n > 0 {
		return upbody.TooLong()
	}
	return nil
}

// chunks sends a body of unknown length (RFC 9112 7.1).
func (l *http1) chunks(r io.Reader) (sent int64, err error) {
	const most = 64 << 10
	buf := make([]byte, 8+most+2) // hexadecimal length, CR LF, content, CR LF
	for {
		n, rerr := r.Read(buf[8 : 8+most])
		if n > 0 {
			size := strconv.FormatInt(int64(n), 16) + "\r\n"
			start := 8 - len(size)
			copy(buf[start:], size)
			if _, err := l.conn.Write(append(buf[start:8+n], "\r\n"...)); err != nil {
				return sent, err
			}
			sent += int64(n)
		}
		if rerr == io.EOF {
			_, err := io.WriteString(l.conn, "0\r\n\r\n")
			return sent, err
		}
		if rerr != nil {
			return sent, rerr
		}
	}
}
