package transport

import (
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// Now runs read, whose reads of the connection return at once whether or not
// bytes have come, so that a session at rest can be looked at without a round
// trip. It reports whether something came; false and nil when nothing has, or
// when the connection cannot tell: it is no socket, or the system has no such
// read. An end of the stream is io.EOF. With TLS, what the peer's TLS sends on its
// own account, such as session tickets, is taken in and does not count.
func (c *Conn) Now(read func() error) (came bool, err error) {
	c.sock.now = true
	err = read()
	c.sock.now = false
	if errors.Is(err, errNothing) {
		return false, nil
	}
	return err == nil, err
}

// errNothing says that a read that does not wait found nothing. It passes for a
// deadline: crypto/tls keeps what it has of a record, and goes on with it later.
var errNothing error = nothing{}

type nothing struct{}

func (nothing) Error() string        { return "nothing has come" }
func (nothing) Timeout() bool        { return true }
func (nothing) Temporary() bool      { return true }
func (nothing) Is(target error) bool { return target == os.ErrDeadlineExceeded }

// nowReader is implemented by connections that are no sockets and can read
// without waiting: 0 and nil when nothing has come.
type nowReader interface {
	ReadNow(p []byte) (int, error)
}

// receiveNow reads what has come, without waiting.
func (s *socket) receiveNow(p []byte) (int, error) {
	if err := s.arm(&s.rd, time.Now()); err != nil {
		return 0, err
	}
	n, err := readNow(s.Conn, p)
	s.eof = s.eof || err == io.EOF
	switch {
	case n > 0:
		return n, nil
	case err != nil && !isDeadline(err):
		return 0, s.fail(err)
	}
	return 0, errNothing
}

func readNow(c net.Conn, p []byte) (int, error) {
	if r, ok := c.(nowReader); ok {
		return r.ReadNow(p)
	}
	return readSocketNow(c, p)
}
