package pop3

import (
	"io"
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// control is the connection: commands out, status lines and bodies in. Commands
// may be queued and flushed together; answers come in the order of the commands.
type control struct {
	conn   *transport.Conn
	in     *wire.LineReader
	out    *wire.Writer
	limits protocols.Limits
	used   time.Time // when the newest status came
	failed error     // first failure of the connection; sticky
}

func newControl(conn *transport.Conn, l protocols.Limits) *control {
	t := &control{conn: conn, limits: l}
	t.in = wire.NewLineReader(conn, int(l.Line))
	t.in.OnLine = func(line []byte) { conn.Event(protocols.EventRecv, string(line), 0) }
	t.out = wire.NewWriter(conn, int(l.Line))
	t.out.OnCmd = func(line string) { conn.Event(protocols.EventSend, line, 0) }
	return t
}

func (t *control) queue(verb string, args ...string) error {
	if t.failed != nil {
		return t.failed
	}
	return t.out.Cmd(verb, args...)
}

func (t *control) flush() error { return t.fail(t.out.Flush()) }

// status reads the first line of the answer to the oldest command that has none yet.
func (t *control) status() (wire.Status, error) {
	if t.failed != nil {
		return wire.Status{}, t.failed
	}
	st, err := wire.ReadStatus(t.in)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	t.used = time.Now()
	return st, t.fail(err)
}

// cmd sends one command and reads the first line of its answer, whatever it says.
func (t *control) cmd(verb string, args ...string) (wire.Status, error) {
	if err := t.queue(verb, args...); err != nil {
		return wire.Status{}, err
	}
	return t.answered()
}

// secret is cmd with arguments that no trace may show.
func (t *control) secret(verb, display string, args ...string) (wire.Status, error) {
	if t.failed != nil {
		return wire.Status{}, t.failed
	}
	if err := t.out.Secret(verb, display, args...); err != nil {
		return wire.Status{}, err
	}
	return t.answered()
}

func (t *control) answered() (wire.Status, error) {
	if err := t.flush(); err != nil {
		return wire.Status{}, err
	}
	t.conn.QuickAck()
	return t.status()
}

// need is cmd where anything but +OK is an error.
func (t *control) need(verb string, args ...string) (wire.Status, error) {
	st, err := t.cmd(verb, args...)
	if err != nil {
		return st, err
	}
	return st, want(st)
}

// fail remembers that the connection is lost or out of step.
func (t *control) fail(err error) error {
	if err != nil && t.failed == nil {
		t.failed = err
	}
	return err
}

// lines returns the lines of a multi-line answer whose status has been read. When
// each says no, the rest is read and dropped, or the connection given up.
func (t *control) lines(each func(line []byte) bool) error {
	d := wire.NewDotReader(t.in)
	d.LenientLF = true
	for {
		line, err := d.ReadLine()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return t.fail(err)
		}
		if !each(line) {
			t.drain(d)
			return nil
		}
	}
}

// maxDrain is how much of an unwanted answer is read so that the connection can
// be used on.
const maxDrain = 256 << 10

func (t *control) drain(d *wire.DotReader) { t.fail(d.Drain(maxDrain)) }
