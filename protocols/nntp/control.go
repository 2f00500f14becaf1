package nntp

import (
	"io"
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// control is the conversation: commands out, replies and lines in. Commands may
// be queued and flushed together; replies come in the order of the commands.
type control struct {
	conn   *transport.Conn
	in     *wire.LineReader
	out    *wire.Writer
	limits protocols.Limits
	last   int       // code of the newest reply
	used   time.Time // when it came
	failed error     // first failure of the connection; sticky
}

// prompt reads from a connection with each wait announced: servers answer in two
// small writes, of which the second one waits for our acknowledgement.
type prompt struct{ conn *transport.Conn }

func (p prompt) Read(b []byte) (int, error) {
	p.conn.QuickAck()
	return p.conn.Read(b)
}

func newControl(conn *transport.Conn, l protocols.Limits) *control {
	t := &control{conn: conn, limits: l}
	t.attach(prompt{conn}, conn)
	return t
}

// attach makes the line reader and writer on what carries the conversation now.
func (t *control) attach(r io.Reader, w io.Writer) {
	t.in = wire.NewLineReader(r, int(t.limits.Line))
	t.in.OnLine = func(line []byte) { t.conn.Event(protocols.EventRecv, string(line), 0) }
	t.out = wire.NewWriter(w, int(t.limits.Line))
	t.out.OnCmd = func(line string) { t.conn.Event(protocols.EventSend, line, 0) }
}

// queue adds a command to the next flush.
func (t *control) queue(verb string, args ...string) error {
	if t.failed != nil {
		return t.failed
	}
	return t.out.Cmd(verb, args...)
}

// secret sends a command whose argument no trace may show.
func (t *control) secret(verb, value string) (*protocols.Reply, error) {
	if t.failed != nil {
		return nil, t.failed
	}
	if err := t.out.Secret(verb, "****", value); err != nil {
		return nil, err
	}
	if err := t.flush(); err != nil {
		return nil, err
	}
	return t.reply()
}

func (t *control) flush() error { return t.fail(t.out.Flush()) }

// reply reads the reply of the oldest command that has none yet.
func (t *control) reply() (*protocols.Reply, error) {
	if t.failed != nil {
		return nil, t.failed
	}
	r, err := wire.ReadReply(t.in, wire.NNTP, wire.Limits{})
	if err != nil {
		return nil, t.fail(err)
	}
	t.last, t.used = r.Code, time.Now()
	return &protocols.Reply{Code: r.Code, Lines: r.Lines}, nil
}

// cmd sends one command and reads its reply, whatever it says.
func (t *control) cmd(verb string, args ...string) (*protocols.Reply, error) {
	if err := t.queue(verb, args...); err != nil {
		return nil, err
	}
	if err := t.flush(); err != nil {
		return nil, err
	}
	return t.reply()
}

// lines reads the lines behind a reply; it returns errStop when each had enough.
// A line is valid until the next one.
func (t *control) lines(each func(line []byte) bool) error {
	return t.linesOf(t.block(), each)
}

func (t *control) linesOf(d lineSource, each func(line []byte) bool) error {
	for {
		line, err := d.ReadLine()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return t.fail(err)
		case !each(line):
			return t.rest(d)
		}
	}
}

// parsed is linesOf for lines that each can be parsed or not, which it tells: a
// server that goes on with nonsense for as many lines as a reply may have is left.
func (t *control) parsed(d lineSource, each func(line []byte) (ok, more bool)) error {
	bad := 0
	err := t.linesOf(d, func(line []byte) bool {
		ok, more := each(line)
		if bad++; ok {
			bad = 0
		}
		return more && bad <= t.limits.ReplyLines
	})
	if bad > t.limits.ReplyLines {
		return t.fail(&wire.LimitError{What: "run of lines that make no sense", Limit: int64(t.limits.ReplyLines), Unit: "lines"})
	}
	return err
}

// lineSource returns the lines of a multi-line reply up to io.EOF.
type lineSource interface {
	ReadLine() ([]byte, error)
	Drain(limit int64) error
}

func (t *control) block() *wire.DotReader { return wire.NewDotReader(t.in) }

// mostDrained is how many bytes of an answer that nobody wants are read, so that
// the connection can be used on.
const mostDrained = 256 << 10

// rest drops what is left of a reply, or gives the connection up where that is much.
func (t *control) rest(d lineSource) error {
	if err := d.Drain(mostDrained); err != nil {
		t.fail(err)
	}
	return errStop
}

// bounded collects the lines behind a reply, within the limits of a reply.
func (t *control) bounded(d lineSource) ([]string, error) {
	var lines []string
	size := int64(0)
	var limit error
	err := t.linesOf(d, func(line []byte) bool {
		if size += int64(len(line)) + 2; size > t.limits.Reply {
			limit = &wire.LimitError{What: "reply", Limit: t.limits.Reply}
			return false
		}
		if len(lines) == t.limits.ReplyLines {
			limit = &wire.LimitError{What: "reply", Limit: int64(t.limits.ReplyLines), Unit: "lines"}
			return false
		}
		lines = append(lines, string(line))
		return true
	})
	if limit != nil {
		return lines, t.fail(limit)
	}
	return lines, err
}

// fail remembers that the connection is lost or out of step.
func (t *control) fail(err error) error {
	if err != nil && t.failed == nil {
		t.failed = err
	}
	return err
}
