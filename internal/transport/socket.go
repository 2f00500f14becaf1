package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/netclients/netclients/protocols"
)

// longAgo is a deadline in the past.
var longAgo = time.Unix(1, 0)

// socket is the lowest layer of a [Conn]: a net.Conn with an idle timeout, user
// deadlines, and an abort that is final. TLS runs on top of it, so that a
// harmless internal deadline never interrupts a record.
type socket struct {
	net.Conn
	idle time.Duration // 0: none

	alive func() error // of the guard; nil: none

	mu      sync.Mutex
	rd, wd  deadline
	broken  error // why the connection is unusable
	closing bool  // this side is closing it

	ahead   []byte   // bytes already read, which Read returns first
	records *records // limits reads to TLS records while TLS is active
	eof     bool     // the end of the peer's stream was read
	now     bool     // reads do not block, see Conn.Now
}

// deadline is the deadline of one direction of a connection.
type deadline struct {
	set   func(time.Time) error
	user  time.Time // from SetDeadline; zero if none
	until time.Time // as set on the connection
}

func newSocket(c net.Conn, idle time.Duration) *socket {
	return &socket{
		Conn: c, idle: idle,
		rd: deadline{set: c.SetReadDeadline},
		wd: deadline{set: c.SetWriteDeadline},
	}
}

// arm ensures a deadline one idle timeout after since. A deadline at most a
// quarter too early is kept, to avoid moving a system timer at each small read;
// expired distinguishes an early deadline from a real one.
func (s *socket) arm(d *deadline, since time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	var want time.Time
	if s.idle > 0 {
		want = since.Add(s.idle)
		if d.until.After(since.Add(s.idle-s.idle/4)) && !d.until.After(want) && d.user.IsZero() {
			return nil
		}
	}
	return s.failed(d.move(want))
}

// tick sets a deadline shortly ahead, for copies that check their progress.
func (s *socket) tick(d *deadline, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	step := 200 * time.Millisecond
	if s.idle > 0 {
		step = min(step, s.idle/4)
	}
	return s.failed(d.move(now.Add(step)))
}

// move sets the earlier of want and the user's deadline, if it changed.
func (d *deadline) move(want time.Time) error {
	if !d.user.IsZero() && (want.IsZero() || d.user.Before(want)) {
		want = d.user
	}
	if want.Equal(d.until) {
		return nil
	}
	d.until = want
	return d.set(want)
}

// expired returns the error for a deadline that interrupted an operation, or nil
// if there is time left since the last byte moved. An idle connection is marked
// broken.
func (s *socket) expired(d *deadline, last time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	switch {
	case s.broken != nil:
		return s.broken
	case !d.user.IsZero() && !now.Before(d.user):
		return os.ErrDeadlineExceeded
	case s.idle > 0 && now.Sub(last) >= s.idle:
		s.broken = idleError(s.idle)
		return s.broken
	}
	d.until = time.Time{} // in the past: arm must not keep it
	return nil
}

// fail records a network error, after which the connection is unusable, and
// returns the effective error: an earlier end of the context takes precedence.
func (s *socket) fail(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed(err)
}

// failed is fail for callers that hold the lock.
func (s *socket) failed(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, syscall.ECONNREFUSED) { // a datagram found no listener; the next one may
		return ioError(err)
	}
	if s.broken == nil {
		s.broken = ioError(err)
		if s.closing && errors.Is(err, io.ErrClosedPipe) { // of a net.Pipe
			s.broken = closedError()
		}
	}
	return s.broken
}

// close records that this side closes the connection.
func (s *socket) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
}

// abort ends all I/O at once and for good.
func (s *socket) abort(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.broken = why
	}
	s.Conn.SetDeadline(longAgo)
}

func (s *socket) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

// Read reads what is available, waiting at most the idle timeout for the first
// byte.
func (s *socket) Read(p []byte) (int, error) {
	if s.records != nil {
		return s.records.read(p, s.readAhead)
	}
	return s.readAhead(p)
}

func (s *socket) readAhead(p []byte) (int, error) {
	if len(s.ahead) > 0 {
		n := copy(p, s.ahead)
		s.ahead = s.ahead[n:]
		return n, nil
	}
	return s.receive(p)
}

func (s *socket) receive(p []byte) (int, error) {
	if s.now {
		return s.receiveNow(p)
	}
	start := time.Now()
	for {
		if err := s.arm(&s.rd, start); err != nil {
			return 0, err
		}
		n, err := s.Conn.Read(p)
		if n > 0 || err == nil {
			if err := s.allowed(); err != nil {
				return 0, err
			}
			return n, nil // the next call returns the error again
		}
		s.eof = s.eof || err == io.EOF
		if !isDeadline(err) {
			return 0, s.fail(err)
		}
		if err := s.expired(&s.rd, start); err != nil {
			return 0, err
		}
	}
}

// Write writes all of p, without a time limit while bytes move.
func (s *socket) Write(p []byte) (total int, err error) {
	last := time.Now()
	for {
		if err := s.arm(&s.wd, last); err != nil {
			return total, err
		}
		if err := s.allowed(); err != nil {
			return total, err
		}
		n, err := s.Conn.Write(p[total:])
		total += n
		if err == nil {
			return total, nil
		}
		if !isDeadline(err) {
			return total, s.fail(err)
		}
		if n > 0 {
			last = time.Now()
		}
		if err := s.expired(&s.wd, last); err != nil {
			return total, err
		}
	}
}

// allowed returns the error of the guard, after which the connection is unusable.
func (s *socket) allowed() error {
	if s.alive == nil {
		return nil
	}
	return s.fail(s.alive())
}

// SetDeadline sets both deadlines; the idle timeout stays in effect.
func (s *socket) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}

// SetReadDeadline sets the deadline for reads.
func (s *socket) SetReadDeadline(t time.Time) error { return s.setUser(&s.rd, t) }

// SetWriteDeadline sets the deadline for writes.
func (s *socket) SetWriteDeadline(t time.Time) error { return s.setUser(&s.wd, t) }

func (s *socket) setUser(d *deadline, t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return nil // keep the deadline in the past
	}
	d.user = t
	want := time.Time{}
	if s.idle > 0 {
		want = time.Now().Add(s.idle)
	}
	return d.move(want)
}

// isDeadline reports whether err is the standard library's deadline error. Our
// own errors of kind timeout match os.ErrDeadlineExceeded too and are excluded.
func isDeadline(err error) bool {
	if _, ours := errors.AsType[*protocols.Error](err); ours {
		return false
	}
	return errors.Is(err, os.ErrDeadlineExceeded)
}

// causeError returns the error for an operation whose context ended.
func causeError(ctx context.Context) error {
	cause := context.Cause(ctx)
	if e, ok := errors.AsType[*protocols.Error](cause); ok {
		return e
	}
	return &protocols.Error{Kind: protocols.KindOf(ctx.Err()), Err: cause}
}
