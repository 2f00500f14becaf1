package lab

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// tap is a connection as a server from a library sees it: it gives one command line
// at each Read, so that a scripted fault can take the place of a command and its
// answer in the right order.
type tap struct {
	net.Conn
	next func() error // reads a line; leaves line empty where the library is not to see it
	in   *bufio.Reader
	line []byte // not handed out yet
	raw  int64  // bytes behind it that pass as they come

	once   sync.Once
	closed chan struct{}
}

func newTap(conn net.Conn) *tap {
	return &tap{Conn: conn, in: bufio.NewReaderSize(conn, 32<<10), closed: make(chan struct{})}
}

// Close ends the connection and tells the frame.
func (t *tap) Close() error {
	err := t.Conn.Close()
	t.once.Do(func() { close(t.closed) })
	return err
}

// Read returns commands line by line, and what is raw as it comes.
func (t *tap) Read(p []byte) (int, error) {
	for len(t.line) == 0 && t.raw == 0 {
		if err := t.next(); err != nil {
			return 0, err
		}
	}
	if len(t.line) == 0 {
		n, err := t.in.Read(p[:min(int64(len(p)), t.raw)])
		t.raw -= int64(n)
		return n, err
	}
	n := copy(p, t.line)
	t.line = t.line[n:]
	return n, nil
}

// play does what a fault says; false means that the connection is to end, as it is
// behind a reply of farewell.
func (t *tap) play(f Fault, farewell string) bool {
	return play(t.Conn, t.in, f) && !strings.HasPrefix(f.Text, farewell)
}

// play does to a connection what a fault says, in being what still comes from it.
// It reports whether the session goes on.
func play(conn net.Conn, in io.Reader, f Fault) bool {
	switch f.Kind {
	case FaultHang:
		io.Copy(io.Discard, in)
	case FaultReset:
		reset(conn)
	default:
		return misbehave(conn, f)
	}
	return false
}

// handed is the listener that a server from a library gets: the connections that
// the frame of this package has accepted.
type handed struct {
	*core
	conns chan net.Conn
}

func newHanded(c *core) handed { return handed{c, make(chan net.Conn)} }

// Accept waits for the next connection.
func (h handed) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close does nothing: the listener is core's.
func (h handed) Close() error { return nil }

// Addr is the server's address.
func (h handed) Addr() net.Addr { return h.ln.Addr() }

// hand returns a connection to the library and waits for its end.
func (h handed) hand(c net.Conn, t *tap) {
	select {
	case h.conns <- c:
	case <-h.done:
		return
	}
	select {
	case <-t.closed:
		return
	case <-h.done: // core has closed the connection: the library's next read or write says so
	}
	select {
	case <-t.closed:
	case <-time.After(handedGrace):
	}
}

// handedGrace bounds how long Close waits for a library to leave a connection that
// is closed: what it does meanwhile is its own.
const handedGrace = 5 * time.Second

// quiet logs nothing: what goes wrong is what the tests are about.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}
