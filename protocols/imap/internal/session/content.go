package session

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// BodyItem returns the FETCH item of the content of a section, the whole message if
// it is empty. seen says whether reading marks the message as \Seen.
func BodyItem(section, partial string, seen bool) string {
	verb := "BODY.PEEK["
	if seen {
		verb = "BODY["
	}
	return verb + strings.ToUpper(section) + "]" + partial
}

// contentItems are what is asked for beside content.
const contentItems = "UID FLAGS INTERNALDATE RFC822.SIZE"

// Content is the content of one message in the middle of its FETCH response.
type Content struct {
	Size int64 // of the content

	s       *Session
	tag     string          // of the command that it is the answer to; empty: one of many
	short   *strings.Reader // in place of a literal
	checked bool            // the response has ended as it should
	err     error           // sticky; io.EOF when all has come
	closed  bool
}

// Content asks for one message and reads up to its content. item is a [BodyItem].
func (b *Mailbox) Content(uid uint32, item string) (*Content, imapwire.Message, error) {
	tag, refusal, err := b.s.Send("UID FETCH", strconv.FormatUint(uint64(uid), 10), "("+contentItems+" "+item+")")
	if err == nil && refusal != nil {
		err = refusal.Err()
	}
	if err == nil {
		err = b.s.Flush()
	}
	if err != nil {
		return nil, imapwire.Message{}, err
	}
	c := &Content{s: b.s, tag: tag}
	m, err := c.find(uid)
	return c, m, err
}

// find reads up to the content of the message that was asked for. That of another
// one must not be handed out.
func (c *Content) find(uid uint32) (imapwire.Message, error) {
	s := c.s
	for {
		r, err := s.read(true)
		if err != nil {
			return imapwire.Message{}, err
		}
		if err := s.take(&r); err != nil {
			return imapwire.Message{}, err
		}
		if st := s.answer(c.tag); st != nil {
			if err := st.Err(); err != nil {
				return imapwire.Message{}, err
			}
			return imapwire.Message{}, imapwire.NotFound(fmt.Sprintf("no message with UID %d, or no such part in it", uid))
		}
		if r.Name != "FETCH" || r.Tag != "*" {
			continue
		}
		m, ok, err := c.take(&r)
		if err != nil || ok && m.UID == uid {
			return m, err
		}
		if err := s.finish(); err != nil {
			return m, err
		}
	}
}

// FetchContent asks for the content of many messages with one command, and calls
// each for every one that comes. The content is valid until each returns; what was
// not read of it is dropped. An error of each ends the wait for the answer.
func (b *Mailbox) FetchContent(set, item string, each func(c *Content, m *imapwire.Message) error) (*imapwire.Status, error) {
	s := b.s
	tag, refusal, err := s.Send("UID FETCH", set, "("+contentItems+" "+item+")")
	if refusal != nil || err != nil {
		return refusal, err
	}
	return s.Wait(tag, true, func(r *imapwire.Response) error {
		if r.Name != "FETCH" {
			return nil
		}
		c := &Content{s: s}
		m, ok, err := c.take(r)
		if err == nil && ok {
			err = each(c, &m)
		}
		if err == nil && ok {
			err = c.check()
		}
		return err
	})
}

// take gets hold of the content of a FETCH response. ok is false when there is none.
func (c *Content) take(r *imapwire.Response) (m imapwire.Message, ok bool, err error) {
	m, err = imapwire.ParseFetch(r, c.s.Limits)
	switch {
	case err != nil:
		return m, false, c.s.Fail(err)
	case r.Size >= 0 && m.UID == 0:
		m, err = c.late()
		return m, err == nil, err
	case r.Size >= 0:
		c.Size = r.Size
		return m, true, nil
	case m.HasBody:
		c.short, c.Size, c.checked = strings.NewReader(m.Body), int64(len(m.Body)), true
		return m, true, nil
	}
	return m, false, nil
}

// late: the UID comes after the content, which is kept aside until then.
func (c *Content) late() (imapwire.Message, error) {
	s := c.s
	c.Size = s.in.Left()
	if c.Size > s.Limits.Reply {
		return imapwire.Message{}, s.Fail(protocols.ProtocolError(proto, "", "a large message came before its UID, so it cannot be assigned"))
	}
	var held strings.Builder
	if _, err := io.Copy(&held, s.in); err != nil {
		return imapwire.Message{}, s.Fail(err)
	}
	if err := c.check(); err != nil {
		return imapwire.Message{}, err
	}
	c.short = strings.NewReader(held.String())
	r := imapwire.ParseResponse(string(s.in.Line()))
	m, err := imapwire.ParseFetch(&r, s.Limits)
	return m, s.Fail(err)
}

// check reads the rest of the response, which must end as a FETCH response does:
// else the literal was shorter or longer than its content.
func (c *Content) check() error {
	if c.checked {
		return nil
	}
	if err := c.s.finish(); err != nil {
		return err
	}
	if err := imapwire.CheckTail(string(c.s.in.Tail()), c.s.Limits); err != nil {
		return c.s.Fail(err)
	}
	c.checked = true
	transport.Received(c.s.Conn, c.Size)
	return nil
}

// Message returns a reader of the content alone. It returns io.EOF when the
// response has ended as it should.
func (c *Content) Message() io.Reader { return messageReader{c} }

type messageReader struct{ c *Content }

// Read remembers a connection that is lost.
func (r messageReader) Read(p []byte) (n int, err error) {
	if r.c.short != nil {
		return r.c.short.Read(p)
	}
	if !r.c.checked {
		n, err = r.c.s.in.Read(p)
	} else {
		err = io.EOF
	}
	if err == io.EOF {
		if err := r.c.check(); err != nil {
			return n, err
		}
		return n, io.EOF
	}
	return n, r.c.s.Fail(err)
}

// Read returns content, and io.EOF when all of it has come and the server has
// answered the command with OK.
func (c *Content) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.Message().Read(p)
	if err == io.EOF {
		if err = c.End(); err == nil {
			err = io.EOF
		}
	}
	c.err = err
	return n, err
}

// End reads up to the end of the answer.
func (c *Content) End() error {
	if err := c.s.finish(); err != nil {
		return err
	}
	st, err := c.s.Wait(c.tag, true, nil)
	if err != nil {
		return err
	}
	return st.Err()
}

// maxDropped is how much content is read and dropped to keep a connection.
const maxDropped = 1 << 20

// errUnread ends a session in the middle of a large message.
var errUnread = errors.New("content was not read")

// Close ends the command. Content that was not read is dropped if it is little; if
// it is much the session is. It returns false when it was called before.
func (c *Content) Close() (first bool) {
	if c.closed {
		return false
	}
	c.closed = true
	if c.err == nil && c.s.in.Left() <= maxDropped {
		c.s.Fail(c.End())
	} else if c.err == nil {
		c.s.Fail(errUnread)
	}
	c.err = fs.ErrClosed
	return true
}
