package transport

import (
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// Now runs read, whose reads of the connection return at once whether or not
// bytes have arrived, so that an idle session can be checked without a round
// trip. It reports whether anything arrived. It returns false and nil when
// nothing has, or when the connection cannot tell: it is not a socket, or the
// system does not support such reads. The end of the stream is io.EOF. With TLS,
// messages of TLS itself, such as session tickets, are processed and do not
// count.
func (c *Conn) Now(read func() error) (came bool, err error) {
	c.sock.now = true
	err = read()
	c.sock.now = false
	if errors.Is(err, errNothing) {
		return false, nil
	}
	return err == nil, err
}

// errNothing means that a non-blocking read found nothing. It looks like a
// deadline, so that crypto/tls keeps a partial record and continues with it
// later.
var errNothing error = nothing{}

type nothing struct{}

func (nothing) Error() string        { return "no data available" }
func (nothing) Timeout() bool        { return true }
func (nothing) Temporary() bool      { return true }
func (nothing) Is(target error) bool { return target == os.ErrDeadlineExceeded }

// nowReader is implemented by connections that are not sockets and can read
// without blocking: ReadNow returns 0 and nil when nothing has arrived.
type nowReader interface {
	ReadNow(p []byte) (int, error)
}

// receiveNow reads what has arrived, without blocking.
func (s *socket) receiveNow(p []byte) (int, error) {
	if err := s.arm(&s.rd, time.Now()); err != nil {
		return 0, err
	}
	n, err := readNow(s.Conn, p)
	s.eof = s.eof || err == io.EOF
	switch {
	case n > 0:
		if err := s.allowed(); err != nil {
			return 0, err
		}
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
