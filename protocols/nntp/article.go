package nntp

import (
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Part is the part of an article to read.
type Part string

// The parts of an article.
const (
	Whole Part = "ARTICLE"
	Head  Part = "HEAD"
	Body  Part = "BODY"
)

// partCodes are the reply codes that precede each part.
var partCodes = map[Part]int{Whole: 220, Head: 221, Body: 222}

// Get opens an article: "group/number" or "<message-id>". The caller closes the
// object's Body; until then the client is busy. The content is as the server sends
// it, with CRLF line ends and without dot-stuffing. NNTP has no ranges: the bytes
// before Offset are read and dropped.
func (c *Client) Get(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	return c.Part(ctx, name, Whole, o)
}

// Part is Get for the header or the body alone (HEAD, BODY).
func (c *Client) Part(ctx context.Context, name string, part Part, o *protocols.GetOptions) (*protocols.Object, error) {
	return line.Opened(ctx, c.line, "get", name, func(ctx context.Context) (*protocols.Object, error) { return c.part(ctx, name, part, o) })
}

func (c *Client) part(ctx context.Context, name string, part Part, o *protocols.GetOptions) (*protocols.Object, error) {
	if o == nil {
		o = &protocols.GetOptions{}
	}
	obj, err := c.open(ctx, name, part, o)
	if err != nil {
		return filler{c}.instead(ctx, name, part, o, err)
	}
	return obj, nil
}

func (c *Client) open(ctx context.Context, name string, part Part, o *protocols.GetOptions) (*protocols.Object, error) {
	var t target
	ctx, s, end, err := c.line.Begin(ctx, name, func() (err error) {
		if o.Offset < 0 || o.Length < 0 {
			return protocols.UsageError(proto, "get", "offset and length are 0 or more")
		}
		t, err = article(name)
		return err
	})
	if err != nil {
		return nil, err
	}
	e, err := articleReader{s}.retrieve(ctx, t, part, o.Same)
	if err != nil {
		end()
		return nil, err
	}
	b := articleReader{s}.newBody(name)
	b.skip, b.left, b.release = o.Offset, -1, end
	if o.Length > 0 {
		b.left = o.Length
	}
	return &protocols.Object{Entry: e, Offset: o.Offset, Body: b}, nil
}

// articleReader reads articles, their parts and their state.
type articleReader struct{ *session }

// retrieve requests a part of an article and reads the reply line before it.
func (a articleReader) retrieve(ctx context.Context, t target, part Part, same *protocols.Entry) (protocols.Entry, error) {
	if same != nil {
		if err := a.unchanged(ctx, t, same); err != nil {
			return protocols.Entry{}, err
		}
	}
	r, err := a.inGroup(ctx, t.group, nil, string(part), t.spec())
	if err != nil {
		return protocols.Entry{}, err
	}
	return a.begun(r, t, part)
}

// begun reads the reply to ARTICLE, HEAD or BODY.
func (a articleReader) begun(r *protocols.Reply, t target, part Part) (protocols.Entry, error) {
	if err := want(r, partCodes[part]); err != nil {
		if hasData(r.Code, "") {
			a.Fail(err) // unrequested lines follow
		}
		return protocols.Entry{}, err
	}
	number, rest, _ := strings.Cut(r.Text(), " ")
	n, ok := parseNumber(number)
	id, _ := cutBlank(strings.TrimSpace(rest))
	if !ok || t.id == "" && n != t.low {
		return protocols.Entry{}, a.Fail(protocols.ProtocolError(proto, "", "not the article "+t.spec()+": "+strconv.Quote(wire.Clip(r.Text()))))
	}
	if t.id != "" {
		n, id = 0, t.id
	}
	return a.articleEntry(t.group, n, id), nil
}

// unchanged returns an error with [protocols.ErrChanged] if the overview shows
// another article than was.
func (a articleReader) unchanged(ctx context.Context, t target, was *protocols.Entry) error {
	var is protocols.Entry
	is.Size = -1
	err := overviewReader{a.session}.overview(ctx, t, func(e protocols.Entry) bool { is = e; return true })
	if err != nil {
		return err
	}
	if was.ID != "" && is.ID != "" && was.ID != is.ID || was.Size >= 0 && is.Size >= 0 && was.Size != is.Size {
		return &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrChanged, Text: "another article has this name now"}
	}
	return nil
}

// body is the content of an article while it is read.
type body struct {
	s       *session
	dot     *wire.DotReader
	name    string
	skip    int64 // bytes to drop first
	left    int64 // bytes still wanted; -1: all
	ended   bool  // the final dot was read
	err     error // sticky
	release func()
}

// newBody returns the content of the article whose reply line was just read.
func (a articleReader) newBody(name string) *body {
	return &body{s: a.session, dot: a.block(), name: name, left: -1}
}

// Read reads content; it returns io.EOF only after the final dot.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.left == 0 {
		return 0, io.EOF
	}
	if err := b.drop(); err != nil {
		return 0, err
	}
	if b.left > 0 {
		p = p[:min(int64(len(p)), b.left)]
	}
	n, err := b.dot.Read(p)
	if b.left > 0 {
		b.left -= int64(n)
	}
	return n, b.note(err)
}

// WriteTo writes the content, one buffer of the connection at a time.
func (b *body) WriteTo(w io.Writer) (int64, error) {
	if b.left >= 0 || b.err != nil {
		return io.Copy(w, struct{ io.Reader }{b})
	}
	if err := b.drop(); err != nil {
		if err == io.EOF {
			return 0, nil
		}
		return 0, err
	}
	sink := &wire.Sink{W: w}
	n, err := b.dot.WriteTo(sink)
	if err == nil {
		b.ended, b.err = true, io.EOF
		return n, nil
	}
	if sink.Err != nil {
		b.err = b.s.Fail(sink.Err) // bytes are lost, and so is the position in the content
		return n, sink.Err
	}
	return n, b.note(err)
}

// drop reads up to the offset.
func (b *body) drop() error {
	if b.skip == 0 {
		return nil
	}
	n, err := io.CopyN(io.Discard, struct{ io.Reader }{b.dot}, b.skip)
	b.skip -= n
	return b.note(err)
}

// note keeps the error that ended the content.
func (b *body) note(err error) error {
	switch {
	case err == nil:
		return nil
	case err == io.EOF:
		b.ended, b.err = true, io.EOF
	default:
		b.err = b.s.c.wrap(b.s.Fail(err), "get", b.name)
	}
	return b.err
}

// bodyClosed returns the error of a read after Close.
func bodyClosed() error {
	return &protocols.Error{Proto: proto, Op: "get", Kind: protocols.KindUsage, Sentinel: protocols.ErrClosed}
}

// Close reads up to the final dot if that is near; otherwise it closes the connection.
func (b *body) Close() error {
	if b.release == nil {
		return nil
	}
	b.finish()
	b.err = bodyClosed()
	b.release()
	b.release = nil
	return nil
}

func (b *body) finish() {
	if !b.ended && b.s.Failed() == nil {
		if err := b.dot.Drain(mostDrained); err != nil {
			b.s.Fail(err)
		}
	}
	b.ended = true
	if !b.dot.Ended() { // else the end was reported
		transport.Received(b.s.Conn, b.dot.Count)
	}
}
