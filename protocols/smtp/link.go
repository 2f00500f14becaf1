package smtp

import (
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// link is the connection: commands out, replies in. Commands may be queued and
// flushed together; replies come in the order of the commands.
type link struct {
	conn   *transport.Conn
	in     *wire.LineReader
	out    *wire.Writer
	limits wire.Limits
	last   int       // code of the newest reply
	used   time.Time // when it came
	failed error     // first failure of the connection; sticky
}

func newLink(conn *transport.Conn, l protocols.Limits) *link {
	t := &link{conn: conn, limits: wire.Limits{Lines: l.ReplyLines, Bytes: int(l.Reply)}, used: time.Now()}
	t.in = wire.NewLineReader(conn, int(l.Line))
	t.in.OnLine = func(line []byte) { conn.Event(protocols.EventRecv, string(line), 0) }
	t.out = wire.NewWriter(conn, int(l.Line))
	t.out.OnCmd = func(line string) { conn.Event(protocols.EventSend, line, 0) }
	return t
}

// queue adds a command to the next flush.
func (t *link) queue(verb string, args ...string) error {
	if t.failed != nil {
		return t.failed
	}
	return t.out.Cmd(verb, args...)
}

// secret adds a command whose arguments no trace may show.
func (t *link) secret(verb, display string, args ...string) error {
	if t.failed != nil {
		return t.failed
	}
	return t.out.Secret(verb, display, args...)
}

func (t *link) flush() error { return t.fail(t.out.Flush()) }

// reply reads the reply of the oldest command that has none yet.
func (t *link) reply() (*protocols.Reply, error) {
	if t.failed != nil {
		return nil, t.failed
	}
	if t.in.Buffered() == 0 {
		t.conn.QuickAck() // a server whose reply takes two writes waits for our acknowledgement
	}
	r, err := wire.ReadReply(t.in, wire.SMTP, t.limits)
	if err != nil {
		return nil, t.fail(err)
	}
	t.last, t.used = r.Code, time.Now()
	reply := &protocols.Reply{Code: r.Code, Lines: r.Lines}
	for _, l := range r.Lines {
		if code, _ := wire.Enhanced(l); code != "" {
			reply.Enhanced = code
			break
		}
	}
	return reply, nil
}

// cmd sends one command and reads its reply, whatever it says.
func (t *link) cmd(verb string, args ...string) (*protocols.Reply, error) {
	if err := t.queue(verb, args...); err != nil {
		return nil, err
	}
	if err := t.flush(); err != nil {
		return nil, err
	}
	return t.reply()
}

// need sends one command whose reply must be a success.
func (t *link) need(verb string, args ...string) (*protocols.Reply, error) {
	r, err := t.cmd(verb, args...)
	if err != nil {
		return nil, err
	}
	return r, want(r, 2)
}

// fail remembers that the connection is lost or out of step.
func (t *link) fail(err error) error {
	if err != nil && t.failed == nil {
		t.failed = err
	}
	return err
}
