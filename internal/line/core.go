package line

import (
	"errors"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/netclients/netclients/internal/mask"
	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Core is the connection of a session: commands out, replies in. Commands may be
// queued and flushed together; replies come in the order of the commands. A session
// embeds it.
//
// # What lies unread
//
// A reply that came before its command was sent is nobody's answer: who is in the
// middle, or has got at the server, could have put it there. Before commands are
// written while no answer is due the input must therefore be empty; else the
// connection is out of step, for good (RFC 3207 6, CVE-2021-22947). The core counts
// for that: a command makes one answer due, [Core.Reply] takes one. What is answered
// without being a command, such as the end of a message, is announced by [Core.Expect].
type Core struct {
	Conn   *transport.Conn
	In     *wire.LineReader // nil: the session reads by itself, and sets Idle
	Out    *wire.Writer
	Limits protocols.Limits
	Mask   *mask.Mask
	Last   *protocols.Reply // the newest; never nil
	Used   time.Time        // when it came

	// Prompt says that the server sends each reply at once, without waiting for an
	// acknowledgement of what it sent before.
	Prompt bool

	// Encode, if set, returns an argument as it goes on the wire.
	Encode func(arg string) (string, error)
	// Explain, if set, changes an error of the connection.
	Explain func(err error) error
	// Idle, if set, looks at what lies unread, in the place of the check for replies.
	// It returns [ErrOver] where the server has ended the session.
	Idle func() error

	Cred      protocols.Credential // who logs in
	Mechanism string               // asked for; empty: the strongest
	Secret    bool                 // a password or token of Cred is to go over this connection

	// The content of a report.
	Banner   string
	Greeting time.Duration
	Login    time.Duration

	dialect *Dialect
	traced  bool
	wary    bool // looks below the buffer too, while the session is being made
	due     int  // answers
	owed    int  // answers to what is not written yet, beside those to commands
	proving bool // the exchange that a raw command began sends proofs only

	mu     sync.Mutex
	failed error // first failure of the connection; sticky
}

// ErrOver says that the server has ended a session that rested.
var ErrOver = error(overError{})

type overError struct{}

func (overError) Error() string     { return "the server has ended the session" }
func (overError) ErrorKind() string { return "protocol" }

func newCore(conn *transport.Conn, d *Dialect, l protocols.Limits, m *mask.Mask, traced bool) *Core {
	t := &Core{
		Conn: conn, Limits: l, Mask: m, Used: time.Now(), Last: &protocols.Reply{},
		dialect: d, traced: traced, wary: true, due: 1, // the greeting
	}
	if d.Read == nil {
		t.AttachOut(conn)
	} else {
		t.Attach(conn, conn)
	}
	return t
}

// Line returns t: it makes a session that embeds its Core a [Session].
func (t *Core) Line() *Core { return t }

// Attach makes the line reader and writer on what carries the session now:
// compression may have come between.
func (t *Core) Attach(r io.Reader, w io.Writer) {
	t.In = wire.NewLineReader(r, int(t.Limits.Line))
	if t.traced {
		t.In.OnLine = func(line []byte) { t.Conn.Event(protocols.EventRecv, string(line), 0) }
		t.In.OnBody, t.In.OnBodyEnd = func(p []byte) { transport.Sample(t.Conn, p) }, func(n int64) { transport.Received(t.Conn, n) }
	}
	t.AttachOut(w)
}

// AttachOut is Attach for a session that reads by itself.
func (t *Core) AttachOut(w io.Writer) {
	t.Out = wire.NewWriter(w, int(t.Limits.Line))
	t.Out.OnFlush = t.beforeWrite
	if t.traced {
		t.Out.OnCmd = func(line string) { t.Conn.Event(protocols.EventSend, line, 0) }
	}
}

// Queue adds a command to the next flush.
func (t *Core) Queue(verb string, args ...string) error {
	args, err := t.encode(args)
	if err != nil {
		return err
	}
	return t.Out.Cmd(verb, args...)
}

// QueueSecret adds a command whose arguments no trace and no error may show: display
// stands for them. What a server says back of them is hidden too.
func (t *Core) QueueSecret(verb, display string, args ...string) error {
	args, err := t.encode(args)
	if err != nil {
		return err
	}
	return t.Out.Secret(verb, display, args...)
}

func (t *Core) encode(args []string) ([]string, error) {
	if err := t.Failed(); err != nil {
		return nil, err
	}
	if t.Encode == nil {
		return args, nil
	}
	coded := make([]string, len(args))
	for i, a := range args {
		var err error
		if coded[i], err = t.Encode(a); err != nil {
			return nil, err
		}
	}
	return coded, nil
}

// Flush writes what is queued.
func (t *Core) Flush() error { return t.fail(t.Out.Flush()) }

// Reply reads the reply to the oldest command that has none yet.
func (t *Core) Reply() (*protocols.Reply, error) {
	if err := t.Failed(); err != nil {
		return nil, err
	}
	if t.In.Buffered() == 0 && !t.Prompt {
		t.Conn.QuickAck() // a server whose reply takes two writes waits for our acknowledgement
	}
	r, err := t.dialect.Read(t.In, t.Limits)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, t.fail(err)
	}
	t.Last, t.Used = r, time.Now()
	t.due, t.owed = t.due+t.owed, 0
	if t.due > 0 && (t.dialect.Preliminary == nil || !t.dialect.Preliminary(r)) {
		t.due--
	}
	return r, nil
}

// Expect announces n answers to what is queued without being a command, such as the
// end of a message.
func (t *Core) Expect(n int) { t.owed += n }

// Begin sends one command and reads its first reply, whatever it says: another one
// follows a preliminary one.
func (t *Core) Begin(verb string, args ...string) (*protocols.Reply, error) {
	if err := t.Queue(verb, args...); err != nil {
		return nil, err
	}
	return t.Answer()
}

// Cmd sends one command and reads its one reply, whatever it says.
func (t *Core) Cmd(verb string, args ...string) (*protocols.Reply, error) {
	r, err := t.Begin(verb, args...)
	return t.Only(r, err)
}

// Only returns the one reply to a command. A preliminary one is an error: no such
// command has a second reply, and the connection is out of step.
func (t *Core) Only(r *protocols.Reply, err error) (*protocols.Reply, error) {
	if err != nil || t.dialect.Preliminary == nil || !t.dialect.Preliminary(r) {
		return r, err
	}
	text := strconv.Itoa(r.Code) + " " + wire.Clip(r.Text())
	return nil, t.Fail(&protocols.Error{Kind: protocols.KindProtocol, Text: "unexpected preliminary reply: " + text})
}

// CmdSecret is Cmd for what [Core.QueueSecret] adds.
func (t *Core) CmdSecret(verb, display string, args ...string) (*protocols.Reply, error) {
	if err := t.QueueSecret(verb, display, args...); err != nil {
		return nil, err
	}
	r, err := t.Answer()
	return t.Only(r, err)
}

// Answer flushes and reads one reply.
func (t *Core) Answer() (*protocols.Reply, error) {
	if err := t.Flush(); err != nil {
		return nil, err
	}
	return t.Reply()
}

// Need is Cmd whose reply must be a success.
func (t *Core) Need(verb string, args ...string) (*protocols.Reply, error) {
	r, err := t.Cmd(verb, args...)
	if err != nil {
		return nil, err
	}
	return r, t.dialect.Want(r)
}

// Fail remembers that the connection is lost or out of step, and returns err.
func (t *Core) Fail(err error) error {
	if err != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.failed == nil {
			t.failed = err
		}
	}
	return err
}

// fail is Fail for what the connection says.
func (t *Core) fail(err error) error {
	if err != nil && t.Explain != nil {
		err = t.Explain(err)
	}
	return t.Fail(err)
}

// Failed returns the first failure of the connection.
func (t *Core) Failed() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed
}

// beforeWrite keeps commands back where something lies unread that answers nothing.
func (t *Core) beforeWrite(commands int) error {
	if t.due == 0 && t.dialect.Read != nil {
		if err := t.Quiet(t.wary); err != nil {
			return err
		}
	}
	t.due, t.owed = t.due+commands+t.owed, 0
	return nil
}

// unanswered reports whether something that was queued or sent has no answer yet.
func (t *Core) unanswered() bool {
	return t.dialect.Read != nil && (t.due > 0 || t.owed > 0 || t.Out.Buffered() > 0)
}

// Ready fails when commands cannot be written now, before they are: when something
// lies unread that answers nothing.
func (t *Core) Ready() error {
	if t.due > 0 {
		return t.Failed()
	}
	return t.Quiet(false)
}

// Quiet fails when something lies unread. With look it looks at the socket too, which
// costs a system call and no round trip. A farewell is told as such.
func (t *Core) Quiet(look bool) error {
	err := t.unread(look)
	if errors.Is(err, ErrOver) {
		err = io.ErrUnexpectedEOF
	}
	return t.fail(err)
}

// Stray fails when something has come after the end of an answer that was the last one
// due: then the answer was not what it seemed. That the server has ended the session is
// for the next command to find.
func (t *Core) Stray() error {
	if t.unanswered() {
		return nil
	}
	err := t.unread(true)
	if errors.Is(err, ErrOver) {
		return nil
	}
	return t.fail(err)
}

// Head waits for the first n bytes of the answer that is due next, and leaves them there.
// They are nil when none is due, or when none comes, which is for whoever reads it to find.
func (t *Core) Head(n int) []byte {
	if t.due == 0 || t.In == nil {
		return nil
	}
	head, err := t.In.Peek(n)
	if err != nil {
		return nil
	}
	return head
}

func (t *Core) unread(look bool) error {
	switch {
	case t.Idle != nil && look:
		return t.Idle()
	case t.In == nil:
		return nil
	}
	if look && t.In.Buffered() == 0 {
		if _, err := t.Conn.Now(t.In.Fill); err != nil {
			return over(err)
		}
	}
	if t.In.Buffered() == 0 {
		return nil
	}
	return t.unasked()
}

// over: an end of the stream, or of the connection, is the server's.
func over(err error) error {
	switch kind := protocols.KindOf(err); {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), kind == protocols.KindConnect:
		return ErrOver
	}
	return err
}

// unasked makes the error of what lies unread: a farewell says why the server ends
// the session, and all else has no business here.
func (t *Core) unasked() error {
	var r *protocols.Reply
	_, err := t.Conn.Now(func() (err error) {
		r, err = t.dialect.Read(t.In, t.Limits)
		return err
	})
	if err == nil && r != nil {
		t.Last = r
	}
	if err == nil && r != nil && t.dialect.Farewell(r) {
		return &farewell{t.dialect.Refusal(r)}
	}
	text := "unexpected data from the server, before any command asked for it"
	if r != nil {
		text += ": " + strconv.Quote(wire.Clip(r.Text()))
	}
	return &protocols.Error{Kind: protocols.KindProtocol, Text: text + " (possible man-in-the-middle)"}
}

// farewell is the last word of a server.
type farewell struct{ error }

func (f *farewell) Unwrap() error { return f.error }

// Rested looks at a session that rested: [ErrOver] when the server has ended it, with
// or without a word.
func (t *Core) rested() error {
	t.due, t.owed = 0, 0
	err := t.unread(true)
	if err == nil {
		return nil
	}
	if _, said := errors.AsType[*farewell](err); said {
		return ErrOver
	}
	// Some servers say goodbye with another reply: it is one when the end follows.
	if t.In != nil && !errors.Is(err, ErrOver) {
		if _, end := t.Conn.Now(func() error { return drain(t.In) }); end != nil {
			return ErrOver
		}
	}
	return t.fail(err)
}

// drain reads what lies there, within reason.
func drain(lr *wire.LineReader) error {
	for range 10 {
		if _, err := lr.ReadLine(); err != nil {
			return err
		}
	}
	return nil
}
