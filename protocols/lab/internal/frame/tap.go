package frame

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
)

// Tap is a connection as a server from a library sees it: it returns one command line
// at each Read, so that a scripted fault can take the place of a command and its
// answer in the right order.
type Tap struct {
	net.Conn
	Next func() error // reads a line; leaves line empty where the library is not to see it
	In   *bufio.Reader
	Line []byte // not handed out yet
	Raw  int64  // bytes after it that pass as they come

	begun  bool
	once   sync.Once
	closed chan struct{}
}

// NewTap returns a tap on conn; the caller sets Next.
func NewTap(conn net.Conn) *Tap {
	return &Tap{Conn: conn, In: bufio.NewReaderSize(conn, 32<<10), closed: make(chan struct{})}
}

// First reports whether it is called for the first time.
func (t *Tap) First() bool {
	first := !t.begun
	t.begun = true
	return first
}

// Close ends the connection and informs the frame.
func (t *Tap) Close() error {
	err := t.Conn.Close()
	t.Detach()
	return err
}

// Detach informs the frame as Close does, and leaves the connection open: the library is
// done with it, another part of the server is not.
func (t *Tap) Detach() { t.once.Do(func() { close(t.closed) }) }

// Read returns commands line by line, and what is raw as it comes.
func (t *Tap) Read(p []byte) (int, error) {
	for len(t.Line) == 0 && t.Raw == 0 {
		if err := t.Next(); err != nil {
			return 0, err
		}
	}
	if len(t.Line) == 0 {
		n, err := t.In.Read(p[:min(int64(len(p)), t.Raw)])
		t.Raw -= int64(n)
		return n, err
	}
	n := copy(p, t.Line)
	t.Line = t.Line[n:]
	return n, nil
}

// Play does what a fault says; false means that the connection is to end, as it is
// after a reply of farewell.
func (t *Tap) Play(f base.Fault, farewell string) bool {
	return Play(t.Conn, t.In, f) && !strings.HasPrefix(f.Text, farewell)
}

// Play does to a connection what a fault says, in being what still comes from it.
// It reports whether the session goes on.
func Play(conn net.Conn, in io.Reader, f base.Fault) bool {
	switch f.Kind {
	case base.FaultHang:
		io.Copy(io.Discard, in)
	case base.FaultReset:
		Reset(conn)
	default:
		return Misbehave(conn, f)
	}
	return false
}

// Handed is the listener that a server from a library gets: the connections that
// the frame of this package has accepted.
type Handed struct {
	*Listener
	conns chan net.Conn
}

// NewHanded returns a listener for the connections that c accepts.
func NewHanded(c *Listener) Handed { return Handed{c, make(chan net.Conn)} }

// Accept waits for the next connection.
func (h Handed) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.Done:
		return nil, net.ErrClosed
	}
}

// Close does nothing: the listener is core's.
func (h Handed) Close() error { return nil }

// Addr is the server's address.
func (h Handed) Addr() net.Addr { return h.ln.Addr() }

// Hand returns a connection to the library and waits for its end.
func (h Handed) Hand(c net.Conn, t *Tap) {
	select {
	case h.conns <- c:
	case <-h.Done:
		return
	}
	select {
	case <-t.closed:
		return
	case <-h.Done: // core has closed the connection: the library's next read or write says so
	}
	select {
	case <-t.closed:
	case <-time.After(handedGrace):
	}
}

// handedGrace bounds how long Close waits for a library to leave a connection that
// is closed: what it does meanwhile is its own.
const handedGrace = 5 * time.Second

// Quiet logs nothing: what goes wrong is what the tests are about.
type Quiet struct{}

// Printf does nothing.
func (Quiet) Printf(string, ...any) {}

// Println does nothing.
func (Quiet) Println(...any) {}
