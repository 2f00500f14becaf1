package imap

import (
	"context"
	"fmt"
	"io"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// Get opens a message, or the part of it that the name says (";SECTION=", ";PARTIAL="),
// byte for byte. The caller closes the object's Body; until then the client is
// busy. Nothing is marked as seen, unless Settings.MarkSeen says so. An offset
// resumes inside a large message (RFC 3501 6.4.5).
func (c *Client) Get(ctx context.Context, text string, o *protocols.GetOptions) (*protocols.Object, error) {
	return line.Opened(ctx, c.line, "get", text, func(ctx context.Context) (*protocols.Object, error) { return getOne(ctx, c, text, o) })
}

func getOne(ctx context.Context, c *Client, text string, o *protocols.GetOptions) (*protocols.Object, error) {
	if o == nil {
		o = &protocols.GetOptions{}
	}
	var n *imapwire.Name
	_, s, end, err := c.line.Begin(ctx, text, func() (err error) {
		n, err = readable(text, o)
		return err
	})
	if err != nil {
		return nil, c.wrap(err, "get", text)
	}
	content, e, err := startGet(c, s, text, n, o)
	if err != nil {
		end()
		return nil, c.wrap(err, "get", text)
	}
	b := &body{content: content, free: end, wrap: func(err error) error { return c.wrap(err, "get", text) }}
	return &protocols.Object{Entry: e, Offset: o.Offset, Body: b}, nil
}

// readable reads the name of something with content.
func readable(text string, o *protocols.GetOptions) (*imapwire.Name, error) {
	n, err := imapwire.ParseName(text)
	switch {
	case err != nil:
		return nil, err
	case o.Offset < 0 || o.Length < 0:
		return nil, protocols.UsageError(proto, "get", "offset and length must be 0 or more")
	case n.UID == 0 && n.Set == "":
		return nil, protocols.UsageError(proto, "get", "the URL does not name a message: add ;UID=n after the mailbox")
	case n.UID == 0:
		return nil, protocols.UsageError(proto, "get", "the URL names several messages: cat and get take them if all URLs are IMAP URLs")
	}
	return n, nil
}

// maxOffset is the largest number that PARTIAL takes (RFC 3501 9, nz-number).
const maxOffset = 1<<32 - 1

// span returns the bytes of a section that a name and options ask for.
func span(n *imapwire.Name, o *protocols.GetOptions) (partial string, err error) {
	first, length := n.First+o.Offset, o.Length
	if n.Length > 0 {
		left := n.Length - o.Offset
		if left <= 0 {
			return "", protocols.UsageError(proto, "get", "the offset lies after the part that the URL names")
		}
		if length == 0 || length > left {
			length = left
		}
	}
	if first == 0 && length == 0 {
		return "", nil
	}
	if first > maxOffset {
		return "", protocols.UsageError(proto, "get", "IMAP offsets end at 4 GiB")
	}
	if length == 0 || length > maxOffset {
		length = maxOffset
	}
	return fmt.Sprintf("<%d.%d>", first, length), nil
}

// startGet sends the FETCH and reads up to the content.
func startGet(c *Client, s *session.Session, text string, n *imapwire.Name, o *protocols.GetOptions) (*session.Content, protocols.Entry, error) {
	box, err := s.Open(n, c.Settings.MarkSeen)
	if err != nil {
		return nil, protocols.Entry{}, err
	}
	partial, err := span(n, o)
	if err != nil {
		return nil, protocols.Entry{}, err
	}
	content, m, err := box.Content(n.UID, session.BodyItem(n.Section, partial, c.Settings.MarkSeen))
	if err != nil {
		return nil, protocols.Entry{}, err
	}
	e := box.Entry(&m)
	e.Path, e.URL = text, c.URL(text)
	if n.Section != "" || n.Partial {
		e.Size = -1
		if o.Length == 0 {
			e.Size = o.Offset + content.Size
		}
	} else if o.Length == 0 && e.Size != o.Offset+content.Size {
		e.Size = o.Offset + content.Size // some servers estimate RFC822.SIZE: what comes is what counts
	}
	return content, e, unchanged(o.Same, &e)
}

// unchanged fails if the message is not the same: messages never change, so UID and
// size suffice.
func unchanged(was, is *protocols.Entry) error {
	if was == nil || was.Size < 0 || is.Size < 0 || was.Size == is.Size {
		return nil
	}
	return &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrChanged, Text: fmt.Sprintf("was %d bytes, is %d bytes", was.Size, is.Size)}
}

// body is the content of the message that Get opened.
type body struct {
	content *session.Content
	free    func()
	wrap    func(error) error
}

// Read returns content, and io.EOF when all of it has come and the server has
// answered with OK.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.content.Read(p)
	if err != nil && err != io.EOF {
		err = b.wrap(err)
	}
	return n, err
}

// Close frees the client. Content that was not read is dropped if it is little;
// if it is much, the connection is closed.
func (b *body) Close() error {
	if b.content.Close() {
		b.free()
	}
	return nil
}
