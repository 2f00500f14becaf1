package nntp

import (
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Part says how much of an article is wanted.
type Part string

// The parts of an article.
const (
	Whole Part = "ARTICLE"
	Head  Part = "HEAD"
	Body  Part = "BODY"
)

// partCodes are the codes that a part comes behind.
var partCodes = map[Part]int{Whole: 220, Head: 221, Body: 222}

// Get opens an article: "group/number" or "<message-id>". The caller closes the
// object's Body; until then the client is busy. The content is as the server has
// it, with line ends of CRLF and stuffed dots taken out. There is no way to ask
// for a part of the bytes: what stands before Offset is read and dropped.
func (c *Client) Get(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	return c.Part(ctx, name, Whole, o)
}

// Part is Get for the header or the body alone (HEAD, BODY).
func (c *Client) Part(ctx context.Context, name string, part Part, o *protocols.GetOptions) (*protocols.Object, error) {
	if o == nil {
		o = &protocols.GetOptions{}
	}
	obj, err := c.open(ctx, name, part, o)
	if err != nil {
		return c.instead(ctx, name, part, o, err)
	}
	return obj, nil
}

// instead looks elsewhere for an article that could not be opened.
func (c *Client) instead(ctx context.Context, name string, part Part, o *protocols.GetOptions, missing error) (*protocols.Object, error) {
	if t, err := article(name); err == nil && *o == (protocols.GetOptions{}) {
		if obj, err := c.fill(ctx, t, part, missing); err == nil {
			return obj, nil
		}
	}
	return nil, c.wrap(missing, "get", name)
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
	e, err := s.retrieve(ctx, t, part, o.Same)
	if err != nil {
		end()
		return nil, err
	}
	b := s.newBody(name)
	b.skip, b.left, b.release = o.Offset, -1, end
	if o.Length > 0 {
		b.left = o.Length
	}
	return &protocols.Object{Entry: e, Offset: o.Offset, Body: b}, nil
}

// retrieve asks for a part and reads the reply that stands before it.
func (s *session) retrieve(ctx context.Context, t target, part Part, same *protocols.Entry) (protocols.Entry, error) {
	if same != nil {
		if err := s.unchanged(ctx, t, same); err != nil {
			return protocols.Entry{}, err
		}
	}
	r, err := s.inGroup(ctx, t.group, nil, string(part), t.spec())
	if err != nil {
		return protocols.Entry{}, err
	}
	return s.begun(r, t, part)
}

// begun reads the reply to ARTICLE, HEAD or BODY.
func (s *session) begun(r *protocols.Reply, t target, part Part) (protocols.Entry, error) {
	if err := want(r, partCodes[part]); err != nil {
		if hasData(r.Code, "") {
			s.Fail(err) // lines follow that nobody has asked for
		}
		return protocols.Entry{}, err
	}
	number, rest, _ := strings.Cut(r.Text(), " ")
	n, ok := parseNumber(number)
	id, _ := cutBlank(strings.TrimSpace(rest))
	if !ok || t.id == "" && n != t.low {
		return protocols.Entry{}, s.Fail(protocols.ProtocolError(proto, "", "not the article "+t.spec()+": "+strconv.Quote(clip(r.Text()))))
	}
	if t.id != "" {
		n, id = 0, t.id
	}
	return s.articleEntry(t.group, n, id), nil
}

// unchanged looks at the overview of an article that is to be the same as before.
func (s *session) unchanged(ctx context.Context, t target, was *protocols.Entry) error {
	var is protocols.Entry
	is.Size = -1
	if err := s.overview(ctx, t, func(e protocols.Entry) bool { is = e; return true }); err != nil {
		return err
	}
	if was.ID != "" && is.ID != "" && was.ID != is.ID || was.Size >= 0 && is.Size >= 0 && was.Size != is.Size {
		return &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrChanged, Text: "another article has that name now"}
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

func (s *session) newBody(name string) *body {
	return &body{s: s, dot: s.block(), name: name, left: -1}
}

// Read reads content; io.EOF comes behind the final dot only.
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

// WriteTo writes all of it, a buffer of the connection at a time.
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
	sink := &sink{w: w}
	n, err := b.dot.WriteTo(sink)
	if err == nil {
		b.ended, b.err = true, io.EOF
		return n, nil
	}
	if sink.err != nil {
		b.err = b.s.Fail(sink.err) // bytes are lost: the place in the content is too
		return n, sink.err
	}
	return n, b.note(err)
}

// sink remembers whether it was the writer that failed.
type sink struct {
	w   io.Writer
	err error
}

func (k *sink) Write(p []byte) (int, error) {
	n, err := k.w.Write(p)
	k.err = err
	return n, err
}

// drop reads what stands before the offset.
func (b *body) drop() error {
	if b.skip == 0 {
		return nil
	}
	n, err := io.CopyN(io.Discard, struct{ io.Reader }{b.dot}, b.skip)
	b.skip -= n
	return b.note(err)
}

// note keeps what ended the content.
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

// bodyClosed is what a read after Close gives.
func bodyClosed() error {
	return &protocols.Error{Proto: proto, Op: "get", Kind: protocols.KindUsage, Sentinel: protocols.ErrClosed}
}

// Close reads on to the end where that is near, or gives the connection up.
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
}
