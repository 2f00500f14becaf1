package ftp

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// control is the control connection: commands out, replies in. Commands may be
// queued and flushed together; replies come in the order of the commands.
type control struct {
	conn   *transport.Conn
	in     *wire.LineReader
	out    *wire.Writer
	limits wire.Limits
	enc    encoding.Encoding // nil: names go as they are
	last   protocols.Reply   // the newest reply
	used   time.Time         // when it came
	failed error             // first failure of the connection; sticky
}

func newControl(conn *transport.Conn, l protocols.Limits, charset string) (*control, error) {
	t := &control{conn: conn, limits: wire.Limits{Lines: l.ReplyLines, Bytes: int(l.Reply)}}
	if charset != "" && !strings.EqualFold(charset, "utf-8") {
		enc, err := htmlindex.Get(charset)
		if err != nil {
			return nil, protocols.UsageError(proto, "", fmt.Sprintf("unknown charset %q", charset))
		}
		t.enc = enc
	}
	t.in = wire.NewLineReader(conn, int(l.Line))
	t.in.OnLine = func(line []byte) { conn.Event(protocols.EventRecv, string(line), 0) }
	t.out = wire.NewWriter(conn, int(l.Line))
	t.out.OnCmd = func(line string) { conn.Event(protocols.EventSend, line, 0) }
	return t, nil
}

// queue adds a command to the next flush.
func (t *control) queue(verb string, args ...string) error {
	if t.failed != nil {
		return t.failed
	}
	for i, a := range args {
		enc, err := t.encode(a)
		if err != nil {
			return err
		}
		args[i] = enc
	}
	return t.out.Cmd(verb, args...)
}

// secret adds a command whose argument no trace may show.
func (t *control) secret(verb, value string) error {
	if t.failed != nil {
		return t.failed
	}
	return t.out.Secret(verb, "****", value)
}

func (t *control) flush() error { return t.fail(cutShort(t.out.Flush())) }

// reply reads the reply of the oldest command that has none yet.
func (t *control) reply() (*protocols.Reply, error) {
	if t.failed != nil {
		return nil, t.failed
	}
	r, err := wire.ReadReply(t.in, wire.FTP, t.limits)
	if err != nil {
		return nil, t.fail(cutShort(err))
	}
	for i, l := range r.Lines {
		r.Lines[i] = t.decode(l)
	}
	t.last, t.used = protocols.Reply{Code: r.Code, Lines: r.Lines}, time.Now()
	reply := t.last
	return &reply, nil
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

// need sends one command whose reply must be of the class.
func (t *control) need(class int, verb string, args ...string) (*protocols.Reply, error) {
	r, err := t.cmd(verb, args...)
	if err != nil {
		return nil, err
	}
	return r, want(r, class)
}

// fail remembers that the connection is lost or out of step.
func (t *control) fail(err error) error {
	if err != nil && t.failed == nil {
		t.failed = err
	}
	return err
}

// encode returns the bytes of a name on the wire. A byte 0xFF is doubled, since
// the control connection is a Telnet stream (RFC 959 2.3, RFC 2640 3.1).
func (t *control) encode(name string) (string, error) {
	if t.enc != nil {
		s, err := t.enc.NewEncoder().String(name)
		if err != nil {
			return "", protocols.UsageError(proto, "", fmt.Sprintf("name %q cannot be written in the charset of the server", name))
		}
		name = s
	}
	return strings.ReplaceAll(name, "\xff", "\xff\xff"), nil
}

func (t *control) decode(text string) string {
	if t.enc == nil {
		return text
	}
	s, err := t.enc.NewDecoder().String(text)
	if err != nil {
		return text
	}
	return s
}
