package pop3

import (
	"context"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Get opens a message (RETR), byte for byte as the server stores it. The caller
// closes the object's Body; until then the client is busy. POP3 has no parts of
// messages: what is before an offset is read and dropped here.
func (c *Client) Get(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	if o == nil {
		o = &protocols.GetOptions{}
	}
	return c.open(ctx, "get", name, o, func(number string) []string { return []string{"RETR", number} })
}

// Top opens the header of a message and the first lines of its body (TOP, RFC 1939
// 7). The caller closes the object's Body.
func (c *Client) Top(ctx context.Context, name string, lines int) (*protocols.Object, error) {
	if lines < 0 {
		return nil, c.wrap(protocols.UsageError(proto, "top", "the number of lines is 0 or more"), "top", name)
	}
	return c.open(ctx, "top", name, &protocols.GetOptions{}, func(number string) []string { return []string{"TOP", number, strconv.Itoa(lines)} })
}

func (c *Client) open(ctx context.Context, op, name string, o *protocols.GetOptions, command func(number string) []string) (*protocols.Object, error) {
	return line.Opened(ctx, c.line, op, name, func(ctx context.Context) (*protocols.Object, error) {
		return c.retrieved(ctx, op, name, o, command)
	})
}

func (c *Client) retrieved(ctx context.Context, op, name string, o *protocols.GetOptions, command func(number string) []string) (*protocols.Object, error) {
	var t target
	ctx, s, end, err := c.line.Begin(ctx, name, func() (err error) {
		if o.Offset < 0 || o.Length < 0 {
			return protocols.UsageError(proto, "get", "offset and length are 0 or more")
		}
		t, err = one(name)
		return err
	})
	if err != nil {
		return nil, c.wrap(err, op, name)
	}
	b := &body{s: s, ctx: ctx, left: -1, free: end}
	e, err := s.retrieve(t, o, command)
	if err == nil {
		b.dot, b.name = s.dots(), e.Path
		err = b.skip(o)
	}
	if err != nil {
		end()
		return nil, c.wrap(err, op, name)
	}
	return &protocols.Object{Entry: e, Offset: o.Offset, Body: b}, nil
}

// retrieve sends the command, with LIST before it where both may go at once, and
// reads their status lines.
func (s *session) retrieve(t target, o *protocols.GetOptions, command func(string) []string) (protocols.Entry, error) {
	number, err := s.number(t)
	if err != nil {
		return protocols.Entry{}, err
	}
	if err := s.unchanged(number, t, o.Same); err != nil {
		return protocols.Entry{}, err
	}
	size, words := int64(-1), command(strconv.Itoa(number))
	whole := words[0] == "RETR"
	if whole && s.pipelined() {
		if err := s.Queue("LIST", words[1]); err != nil {
			return protocols.Entry{}, err
		}
	}
	if err := s.Queue(words[0], words[1:]...); err != nil {
		return protocols.Entry{}, err
	}
	if err := s.Flush(); err != nil {
		return protocols.Entry{}, err
	}
	if whole && s.pipelined() {
		r, err := s.Reply()
		if err != nil {
			return protocols.Entry{}, err
		}
		if _, value, told := scan(r.Text()); told && ok(r) {
			size = sizeIn(value)
		}
	}
	r, err := s.Reply()
	if err != nil {
		return protocols.Entry{}, err
	}
	if !ok(r) {
		return protocols.Entry{}, refusal(r)
	}
	if whole && size < 0 {
		size = announced(r.Text())
	}
	return s.message(t, number, size), nil
}

// unchanged finds out whether a message is still the one it was.
func (s *session) unchanged(number int, t target, was *protocols.Entry) error {
	if was == nil {
		return nil
	}
	e, err := s.stat(nameOf(number, t.uid))
	if err != nil {
		return err
	}
	if was.ID != "" && e.ID != "" && was.ID != e.ID || was.Size >= 0 && e.Size >= 0 && was.Size != e.Size {
		return &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrChanged, Text: "it is another message now"}
	}
	return nil
}

// message returns the entry of a message that is read.
func (s *session) message(t target, number int, size int64) protocols.Entry {
	name := nameOf(number, t.uid)
	s.c.numbered = s
	return protocols.Entry{
		Protocol: proto, URL: s.c.urlOf(name), Name: strconv.Itoa(number), Path: name, Type: protocols.TypeMessage, Size: size, ID: t.uid,
		MessageInfo: &protocols.MessageInfo{Number: int64(number), UID: t.uid},
	}
}

// announced reads the size in the answer to RETR, "120 octets"; -1 when it is not
// told.
func announced(text string) int64 {
	f := strings.Fields(text)
	if len(f) > 1 && strings.HasPrefix(strings.ToLower(f[1]), "octets") {
		return sizeIn(f[0])
	}
	return -1
}

// body reads one message. It ends with io.EOF only after the final dot.
type body struct {
	s    *session
	dot  *wire.DotReader
	ctx  context.Context
	name string
	left int64 // bytes still wanted; -1: all
	err  error
	free func() // nil: freed, or not for the reader to free
}

// skip goes to the offset.
func (b *body) skip(o *protocols.GetOptions) error {
	if o.Offset > 0 {
		n, err := io.CopyN(io.Discard, b, o.Offset)
		if err == io.EOF {
			return &protocols.Error{Kind: protocols.KindRefused, Text: "the message has only " + strconv.FormatInt(n, 10) + " bytes"}
		}
		if err != nil {
			return err
		}
	}
	if o.Length > 0 {
		b.left = o.Length
	}
	return nil
}

func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.left >= 0 {
		if b.left == 0 {
			return 0, io.EOF
		}
		p = p[:min(int64(len(p)), b.left)]
	}
	n, err := b.dot.Read(p)
	if b.left > 0 {
		b.left -= int64(n)
	}
	return n, b.note(err)
}

// WriteTo hands the body out by whole buffers.
func (b *body) WriteTo(w io.Writer) (int64, error) {
	if b.left >= 0 || b.err != nil {
		return io.Copy(w, struct{ io.Reader }{b})
	}
	k := &wire.Sink{W: w}
	n, err := b.dot.WriteTo(k)
	if k.Err != nil {
		return n, k.Err
	}
	if err == nil {
		err = io.EOF
	}
	if err = b.note(err); err == io.EOF {
		err = nil
	}
	return n, err
}

// note makes an error of the connection one of ours, and remembers it.
func (b *body) note(err error) error {
	if err == nil {
		return nil
	}
	if err == io.EOF {
		err = b.ended()
	}
	if err != io.EOF {
		err = b.s.c.wrap(b.s.Fail(err), "get", b.name)
	}
	b.err = err
	return err
}

// outOfStep is the fact that what came after a message was not an answer. Nothing is deleted
// at such a server.
const outOfStep = "pop3: answers out of step"

func (c *Client) memory() *protocols.Memory {
	if m := c.line.Opts.Memory; m != nil {
		return m
	}
	return &c.own
}

// ended returns io.EOF for a message that ends with the final dot, and an error where
// more comes after that: a server that does not double the dots of a message has sent
// only its beginning so far, and the rest would be taken for answers.
func (b *body) ended() error {
	err := b.s.Stray()
	if err == nil && !isAnswer(b.s.Head(len("+OK"))) {
		err = protocols.ProtocolError("", "", "what follows the message is not an answer: the server does not double the dots of messages, and this one has not come as a whole")
	}
	if err != nil {
		b.s.c.memory().Note(b.s.c.line.URL.Host, outOfStep)
		return err
	}
	return io.EOF
}

// isAnswer reports whether an answer may begin so. No answer is none that is wrong.
func isAnswer(head []byte) bool {
	text := strings.ToUpper(string(head))
	return text == "" || text == "+OK" || text == "-ER"
}

// Close frees the client. What was not read is dropped, or the connection is where
// it is much.
func (b *body) Close() error {
	if b.free == nil {
		return nil
	}
	b.finish()
	b.free()
	b.free, b.err = nil, fs.ErrClosed
	return nil
}

// drainWithin bounds the wait for what nobody wants.
const drainWithin = 2 * time.Second

// finish brings the connection to the next answer.
func (b *body) finish() {
	if b.err == nil && b.s.Failed() == nil && b.ctx.Err() == nil {
		b.s.Conn.SetReadDeadline(time.Now().Add(drainWithin))
		b.s.drain(b.dot)
		b.s.Conn.SetReadDeadline(time.Time{})
	}
	if !b.dot.Ended() { // else the end was reported
		transport.Received(b.s.Conn, b.dot.Count)
	}
}
