package session

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// commands is the exchange of commands and responses on a connection.
type commands struct {
	*line.Core
	caps

	in       *imapwire.Input
	trace    bool // lines received are traced
	greeted  bool
	blank    int    // empty lines that came
	settled  bool   // the login is done
	prefix   string // of tags
	tags     int
	sent     map[string]bool             // commands without their tagged response
	done     map[string]*imapwire.Status // tagged responses that came before they were waited for
	bye      *imapwire.Status
	ending   bool                             // LOGOUT was sent: BYE comes before its answer
	untagged func(r *imapwire.Response) error // sees all untagged responses
}

func newCommands(t *line.Core, prefix string, trace bool) commands {
	c := commands{
		Core: t, in: imapwire.NewInput(t.Conn, t.Limits), trace: trace, prefix: cmp.Or(prefix, tagPrefix()),
		sent: map[string]bool{}, done: map[string]*imapwire.Status{},
	}
	return c
}

// tagPrefix makes tags that nobody can predict (CVE-2026-42246).
func tagPrefix() string { return "N" + rand.Text()[:5] }

// newTag starts a command. What came before it cannot be its answer, whatever tag that
// has, and a "+" that came before it is not consent.
func (c *commands) newTag() string {
	_ = c.quiet() // it is sticky
	c.tags++
	tag := fmt.Sprintf("%s%d", c.prefix, c.tags)
	c.sent[tag] = true
	return tag
}

// quiet takes what lies unread while no command is under way: untagged responses count,
// all else is nobody's. Until the login is done, which may be before there is TLS, it
// looks at the socket too.
func (c *commands) quiet() error {
	switch err := c.Failed(); {
	case err != nil || len(c.sent) > 0:
		return err
	case c.settled || c.Conn == nil:
		return c.whole()
	}
	err := c.look()
	if err == line.ErrOver {
		err = c.lost(io.EOF)
	}
	return c.Fail(err)
}

// SendLine adds a line: the last one of a command, or one of those that continue
// it. One that is refused here was never sent.
func (c *commands) SendLine(line string) error {
	if err := c.Out.Raw(line); err != nil {
		c.Fail(err)
		return &protocols.Error{Kind: protocols.KindOf(err), Err: err}
	}
	return nil
}

// Consent waits for "+". A status instead is the server's refusal.
func (c *commands) Consent(tag string) (refusal *imapwire.Status, err error) {
	_, st, err := c.continuation(tag)
	if err == nil && st != nil && st.Word == "OK" {
		return nil, c.Fail(protocols.ProtocolError(proto, "", "the server answers OK to half a command"))
	}
	return st, err
}

// continuation waits for "+", and returns what follows it, or for the answer to
// the command.
func (c *commands) continuation(tag string) (text string, st *imapwire.Status, err error) {
	if err := c.Flush(); err != nil {
		return "", nil, err
	}
	for {
		r, err := c.read(false)
		if err != nil {
			return "", nil, err
		}
		if r.Tag == "+" {
			return r.Args, nil, nil
		}
		if err := c.take(&r); err != nil {
			return "", nil, err
		}
		if st := c.answer(tag); st != nil {
			return "", st, nil
		}
	}
}

// read reads the next response, whatever it is. With stream set it may stop at
// content.
func (c *commands) read(stream bool) (imapwire.Response, error) {
	if c.bye != nil && !c.ending && c.in.Buffered() == 0 {
		c.Fail(c.bye.ByeErr()) // some servers say so and leave the connection open
	}
	if c.Failed() != nil {
		return imapwire.Response{Size: -1}, c.Failed()
	}
	size, err := c.in.Next(stream)
	if err != nil {
		return imapwire.Response{Size: -1}, c.Fail(c.lost(err))
	}
	c.Used = time.Now()
	if c.trace {
		line, _, _ := strings.Cut(string(c.in.Line()), "\r\n")
		c.Conn.Event(protocols.EventRecv, line, 0)
	}
	r := imapwire.ParseResponse(string(c.in.Line()))
	r.Size = size
	return r, nil
}

// Raw returns the text of the newest response, literals included. It is valid until
// the next one is read.
func (c *commands) Raw() []byte { return c.in.Line() }

// lost returns the error of a connection that ended: after BYE what that said, and
// never io.EOF, which would mean that everything has come.
func (c *commands) lost(err error) error {
	switch {
	case err != io.EOF || !c.greeted:
		return err
	case c.bye != nil:
		return c.bye.ByeErr()
	}
	return fmt.Errorf("the server closed the connection: %w", io.ErrUnexpectedEOF)
}

// maxBlank is how many empty lines a session may have.
const maxBlank = 100

// take keeps what every response may bring: capabilities, the end of the session, and
// tagged answers. All that is untagged is passed on.
func (c *commands) take(r *imapwire.Response) error {
	if r.Tag+r.Name+r.Args == "" && c.blank < maxBlank { // an empty line means nothing
		c.blank++
		return nil
	}
	if r.Tag != "*" {
		if !r.IsStatus() && r.Tag != "+" {
			return c.Fail(protocols.ProtocolError(proto, "", "not an IMAP response: "+strconv.Quote(wire.Clip(r.Tag+" "+r.Name+" "+r.Args))))
		}
		if c.sent[r.Tag] { // with a foreign tag it is nobody's
			delete(c.sent, r.Tag)
			c.done[r.Tag] = r.Status()
		}
		return nil
	}
	if r.Name == "CAPABILITY" {
		c.caps.set(r.Args)
	}
	if r.Name == "BYE" {
		c.bye = r.Status()
	}
	return c.untagged(r)
}

// answer takes the answer to a command, nil if it has not come.
func (c *commands) answer(tag string) *imapwire.Status {
	st := c.done[tag]
	delete(c.done, tag)
	return st
}

// Pending reports whether Wait can still return the answer to a command: it was
// sent in this session and not waited for yet.
func (c *commands) Pending(tag string) bool { return c.sent[tag] || c.done[tag] != nil }

// maxIgnored bounds the responses to one command.
const maxIgnored = 1 << 20

// Wait reads until a command is answered. each sees the untagged responses, and may
// be nil; with stream it must read or drop content.
func (c *commands) Wait(tag string, stream bool, each func(r *imapwire.Response) error) (*imapwire.Status, error) {
	if err := c.Flush(); err != nil {
		return nil, err
	}
	for range maxIgnored {
		if st := c.answer(tag); st != nil {
			c.caps.note(st)
			return st, nil
		}
		r, err := c.read(stream)
		if err != nil {
			return nil, err
		}
		if err := c.take(&r); err != nil {
			return nil, err
		}
		if each != nil && r.Tag == "*" {
			if err := each(&r); err != nil {
				return nil, err
			}
		}
		if r.Size >= 0 && c.in.Open() {
			if err := c.finish(); err != nil {
				return nil, err
			}
		}
	}
	return nil, c.Fail(&wire.LimitError{What: "answer", Limit: maxIgnored, Unit: "responses"})
}

// finish drops what is left of a response that stopped at content.
func (c *commands) finish() error {
	for c.in.Open() {
		if _, err := c.in.Resume(); err != nil {
			return c.Fail(err)
		}
	}
	return nil
}

// look takes what came while the session rested, without waiting: whole responses
// only. It returns [line.ErrOver] if the server has ended the session.
func (c *commands) look() error {
	for {
		came, err := c.Conn.Now(c.in.Fill)
		if err == bufio.ErrBufferFull {
			return nil // the next command reads on
		}
		if err == io.EOF || imapwire.IsLost(err) || protocols.KindOf(err) == protocols.KindConnect {
			return line.ErrOver
		}
		if err != nil {
			return err
		}
		if err := c.whole(); err != nil {
			return err
		}
		if c.bye != nil {
			return line.ErrOver
		}
		if !came {
			return nil
		}
	}
}

// whole takes the whole responses that lie in the buffer.
func (c *commands) whole() error {
	for c.in.Whole() {
		r, err := c.read(false)
		if err == nil {
			err = c.take(&r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
