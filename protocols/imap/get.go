package imap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// Get opens a message, or the part of it that the name says (";SECTION=", ";PARTIAL="),
// byte for byte. The caller closes the object's Body; until then the client is
// busy. Nothing is marked as seen, unless Settings.MarkSeen says so. An offset
// goes on inside a large message (RFC 3501 6.4.5).
func (c *Client) Get(ctx context.Context, text string, o *protocols.GetOptions) (*protocols.Object, error) {
	if o == nil {
		o = &protocols.GetOptions{}
	}
	release, err := c.enter(ctx, text)
	if err != nil {
		return nil, c.wrap(err, "get", text)
	}
	n, err := readable(text, o)
	var obj *protocols.Object
	if err == nil {
		obj, err = c.get(ctx, text, n, o, release)
	}
	if err != nil {
		release()
		return nil, c.wrap(err, "get", text)
	}
	return obj, nil
}

// readable reads the name of something with content.
func readable(text string, o *protocols.GetOptions) (*imapwire.Name, error) {
	n, err := imapwire.ParseName(text)
	switch {
	case err != nil:
		return nil, err
	case o.Offset < 0 || o.Length < 0:
		return nil, protocols.UsageError(proto, "get", "offset and length are 0 or more")
	case n.UID == 0 && n.Set == "":
		return nil, protocols.UsageError(proto, "get", "the URL names no message: it wants ;UID=n behind the mailbox")
	case n.UID == 0:
		return nil, protocols.UsageError(proto, "get", "the URL names several messages: cat and get take them, where all URLs are about IMAP")
	}
	return n, nil
}

func (c *Client) get(ctx context.Context, text string, n *imapwire.Name, o *protocols.GetOptions, release func()) (*protocols.Object, error) {
	s, err := c.keeper.Get(ctx)
	if err != nil {
		return nil, err
	}
	done := s.conn.Use(ctx)
	b := &body{s: s, free: func() {
		done()
		c.keeper.Settle(s)
	}}
	e, err := s.startGet(text, n, o, b)
	if err != nil {
		b.free()
		return nil, err
	}
	inner := b.free
	b.free = func() { inner(); release() }
	b.wrap = func(err error) error { return c.wrap(err, "get", text) }
	return &protocols.Object{Entry: e, Offset: o.Offset, Body: b}, nil
}

// bodyItem returns the FETCH item of some content.
func (s *session) bodyItem(section, partial string) string {
	verb := "BODY.PEEK["
	if s.c.Settings.MarkSeen {
		verb = "BODY["
	}
	return verb + strings.ToUpper(section) + "]" + partial
}

// mostBytes is the largest number that PARTIAL takes (RFC 3501 9, nz-number).
const mostBytes = 1<<32 - 1

// span returns the bytes of a section that a name and options ask for.
func span(n *imapwire.Name, o *protocols.GetOptions) (partial string, err error) {
	first, length := n.First+o.Offset, o.Length
	if n.Length > 0 {
		left := n.Length - o.Offset
		if left <= 0 {
			return "", protocols.UsageError(proto, "get", "the offset lies behind the part that the URL names")
		}
		if length == 0 || length > left {
			length = left
		}
	}
	if first == 0 && length == 0 {
		return "", nil
	}
	if first > mostBytes {
		return "", protocols.UsageError(proto, "get", "IMAP counts to 4 GiB only")
	}
	if length == 0 || length > mostBytes {
		length = mostBytes
	}
	return fmt.Sprintf("<%d.%d>", first, length), nil
}

// startGet sends the FETCH and reads up to the content.
func (s *session) startGet(text string, n *imapwire.Name, o *protocols.GetOptions, b *body) (protocols.Entry, error) {
	if err := s.open(n, s.c.Settings.MarkSeen); err != nil {
		return protocols.Entry{}, err
	}
	partial, err := span(n, o)
	if err != nil {
		return protocols.Entry{}, err
	}
	b.uid = n.UID
	m, err := b.ask(s.bodyItem(n.Section, partial))
	if err != nil {
		return protocols.Entry{}, err
	}
	e := s.entry(&m)
	e.Path, e.URL = text, s.c.urlOf(text)
	if n.Section != "" || n.Partial {
		e.Size = -1
		if o.Length == 0 {
			e.Size = o.Offset + b.size
		}
	} else if o.Length == 0 && e.Size != o.Offset+b.size {
		e.Size = o.Offset + b.size // some servers guess RFC822.SIZE: what comes is what counts
	}
	return e, unchanged(o.Same, &e)
}

// unchanged: messages never change, so the UID and size tell.
func unchanged(was, is *protocols.Entry) error {
	if was == nil || was.Size < 0 || is.Size < 0 || was.Size == is.Size {
		return nil
	}
	return &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrChanged, Text: fmt.Sprintf("was %d bytes, is %d bytes", was.Size, is.Size)}
}

// body is the content of one message in the middle of its FETCH response.
type body struct {
	s      *session
	tag    string
	uid    uint32
	size   int64 // of the content
	short  *strings.Reader
	err    error // sticky; io.EOF when all has come
	closed bool
	free   func()
	wrap   func(error) error
}

// ask sends the FETCH of one message and reads up to its content.
func (b *body) ask(item string) (imapwire.Message, error) {
	tag, no, err := b.s.send("UID FETCH", strconv.FormatUint(uint64(b.uid), 10), "(UID FLAGS INTERNALDATE RFC822.SIZE "+item+")")
	if err == nil && no != nil {
		err = no.Err()
	}
	if err == nil {
		err = b.s.flush()
	}
	if err != nil {
		return imapwire.Message{}, err
	}
	b.tag = tag
	return b.start()
}

// start reads up to the content of the message that was asked for. That of
// another one is nothing that may be given out.
func (b *body) start() (imapwire.Message, error) {
	s := b.s
	for {
		r, err := s.read(true)
		if err != nil {
			return imapwire.Message{}, err
		}
		if err := s.take(&r); err != nil {
			return imapwire.Message{}, err
		}
		if st := s.done[b.tag]; st != nil {
			delete(s.done, b.tag)
			if err := st.Err(); err != nil {
				return imapwire.Message{}, err
			}
			return imapwire.Message{}, imapwire.NotFound(fmt.Sprintf("no message with UID %d, or no such part in it", b.uid))
		}
		if r.Name != "FETCH" || r.Tag != "*" {
			continue
		}
		m, err := imapwire.ParseFetch(&r, s.c.limits)
		if err != nil {
			return m, s.fail(err)
		}
		if m, ok, err := b.accept(&r, m); ok || err != nil {
			return m, err
		}
	}
}

// accept decides on one FETCH response. ok is true when its content can be read.
func (b *body) accept(r *imapwire.Response, m imapwire.Message) (_ imapwire.Message, ok bool, err error) {
	if m, ok, err = b.take(r, m); err != nil || !ok {
		return m, false, err
	}
	if m.UID != b.uid {
		return m, false, b.s.finish()
	}
	return m, true, nil
}

// take gets hold of the content of a FETCH response, whose ever it is. ok is
// false when there is none.
func (b *body) take(r *imapwire.Response, m imapwire.Message) (_ imapwire.Message, ok bool, err error) {
	switch {
	case r.Size >= 0 && m.UID == 0:
		m, err = b.late()
		return m, err == nil, err
	case r.Size >= 0:
		b.size = r.Size
		return m, true, nil
	case m.HasBody:
		b.short, b.size = strings.NewReader(m.Body), int64(len(m.Body))
		return m, true, nil
	}
	return m, false, nil
}

// late: the UID comes behind the content, which is kept aside until then.
func (b *body) late() (imapwire.Message, error) {
	s := b.s
	b.size = s.in.Left()
	if b.size > s.c.limits.Reply {
		return imapwire.Message{}, s.fail(protocols.ProtocolError(proto, "", "a large message comes before its UID: it cannot be told whose it is"))
	}
	var held strings.Builder
	if _, err := io.Copy(&held, s.in); err != nil {
		return imapwire.Message{}, s.fail(err)
	}
	if err := s.finish(); err != nil {
		return imapwire.Message{}, err
	}
	b.short = strings.NewReader(held.String())
	r := imapwire.ParseResponse(string(s.in.Line()))
	m, err := imapwire.ParseFetch(&r, s.c.limits)
	return m, s.fail(err)
}

// Read returns content, and io.EOF when all of it has come and the server has said
// OK behind it.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.source().Read(p)
	if err == io.EOF {
		err = b.end()
	} else if err != nil {
		b.s.fail(err)
	}
	if err != nil {
		b.err = err
		if err != io.EOF && b.wrap != nil {
			b.err = b.wrap(err)
		}
	}
	return n, b.err
}

func (b *body) source() io.Reader {
	if b.short != nil {
		return b.short
	}
	return b.s.in
}

// end reads the rest of the response and the answer.
func (b *body) end() error {
	if err := b.s.finish(); err != nil {
		return err
	}
	st, err := b.s.wait(b.tag, true, nil)
	if err != nil {
		return err
	}
	if err := st.Err(); err != nil {
		return err
	}
	return io.EOF
}

// dropMost is how much content is read and dropped to keep a connection.
const dropMost = 1 << 20

// Close frees the client. Content that was not read is dropped if it is little;
// if it is much the connection is.
func (b *body) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	if b.err == nil && b.s.in.Left() <= dropMost {
		if err := b.end(); !errors.Is(err, io.EOF) {
			b.s.fail(err)
		}
	} else if b.err == nil {
		b.s.fail(errStop)
	}
	b.err = fs.ErrClosed
	b.free()
	return nil
}
