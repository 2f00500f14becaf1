package session

import (
	"crypto/rand"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/transport"
)

// newTag starts a command.
func (s *Session) newTag() string {
	s.tags++
	tag := fmt.Sprintf("%s%d", s.prefix, s.tags)
	s.sent[tag] = true
	return tag
}

// SendLine adds a line: the last one of a command, or one of those that continue
// it. One that is refused here was never sent.
func (s *Session) SendLine(line string) error {
	if err := s.out.Raw(line); err != nil {
		s.Fail(err)
		return &protocols.Error{Kind: protocols.KindOf(err), Err: err}
	}
	return nil
}

// Consent waits for "+". A status instead is the server's refusal.
func (s *Session) Consent(tag string) (refusal *imapwire.Status, err error) {
	_, st, err := s.continuation(tag)
	if err == nil && st != nil && st.Word == "OK" {
		return nil, s.Fail(protocols.ProtocolError(proto, "", "the server answers OK to half a command"))
	}
	return st, err
}

// continuation waits for "+", and returns what follows it, or for the answer to
// the command.
func (s *Session) continuation(tag string) (text string, st *imapwire.Status, err error) {
	if err := s.Flush(); err != nil {
		return "", nil, err
	}
	for {
		r, err := s.read(false)
		if err != nil {
			return "", nil, err
		}
		if r.Tag == "+" {
			return r.Args, nil, nil
		}
		if err := s.take(&r); err != nil {
			return "", nil, err
		}
		if st := s.answer(tag); st != nil {
			return "", st, nil
		}
	}
}

// Flush sends what was written.
func (s *Session) Flush() error { return s.Fail(s.out.Flush()) }

// read reads the next response, whatever it is. With stream set it may stop at
// content.
func (s *Session) read(stream bool) (imapwire.Response, error) {
	if s.Broken() != nil {
		return imapwire.Response{Size: -1}, s.Broken()
	}
	size, err := s.in.Next(stream)
	if err != nil {
		return imapwire.Response{Size: -1}, s.Fail(s.lost(err))
	}
	s.used = time.Now()
	if s.Trace {
		line, _, _ := strings.Cut(string(s.in.Line()), "\r\n")
		s.conn.Event(protocols.EventRecv, line, 0)
	}
	r := imapwire.ParseResponse(string(s.in.Line()))
	r.Size = size
	return r, nil
}

// Line returns the text of the newest response, literals included. It is valid
// until the next one is read.
func (s *Session) Line() []byte { return s.in.Line() }

// lost returns the error of a connection that ended: after BYE what that said, and
// never io.EOF, which would mean that everything has come.
func (s *Session) lost(err error) error {
	switch {
	case err != io.EOF || s.greeting == nil:
		return err
	case s.bye != nil:
		return s.bye.ByeErr()
	}
	return fmt.Errorf("the server closed the connection: %w", io.ErrUnexpectedEOF)
}

// take keeps what every response may bring: capabilities, the state of the mailbox,
// the end of the session, and tagged answers. What it does not know it leaves alone.
func (s *Session) take(r *imapwire.Response) error {
	if r.Tag != "*" {
		if !r.IsStatus() && r.Tag != "+" {
			return s.Fail(protocols.ProtocolError(proto, "", "not an IMAP response: "+strconv.Quote(imapwire.Clip(r.Tag+" "+r.Name+" "+r.Args))))
		}
		if s.sent[r.Tag] { // with a foreign tag it is nobody's
			delete(s.sent, r.Tag)
			s.done[r.Tag] = r.Status()
		}
		return nil
	}
	switch r.Name {
	case "CAPABILITY":
		s.setCaps(r.Args)
	case "ENABLED":
		for name := range strings.FieldsSeq(r.Args) {
			if len(s.enabled) < maxCaps && len(name) < maxName {
				s.enabled[strings.Clone(strings.ToUpper(name))] = true
			}
		}
	case "BYE":
		s.bye = r.Status()
	}
	if s.box != nil {
		s.box.take(r)
	}
	if s.news != nil {
		return s.news(r)
	}
	return nil
}

// answer takes the answer to a command, nil if it has not come.
func (s *Session) answer(tag string) *imapwire.Status {
	st := s.done[tag]
	delete(s.done, tag)
	return st
}

// Pending reports whether Wait can still return the answer to a command: it was
// sent in this session and not waited for yet.
func (s *Session) Pending(tag string) bool { return s.sent[tag] || s.done[tag] != nil }

// maxIgnored bounds the responses to one command.
const maxIgnored = 1 << 20

// Wait reads until a command is answered. each sees the untagged responses, and may
// be nil; with stream it must read or drop content.
func (s *Session) Wait(tag string, stream bool, each func(r *imapwire.Response) error) (*imapwire.Status, error) {
	if err := s.Flush(); err != nil {
		return nil, err
	}
	for range maxIgnored {
		if st := s.answer(tag); st != nil {
			s.noteCaps(st)
			return st, nil
		}
		r, err := s.read(stream)
		if err != nil {
			return nil, err
		}
		if err := s.take(&r); err != nil {
			return nil, err
		}
		if each != nil && r.Tag == "*" {
			if err := each(&r); err != nil {
				return nil, err
			}
		}
		if r.Size >= 0 && s.in.Open() {
			if err := s.finish(); err != nil {
				return nil, err
			}
		}
	}
	return nil, s.Fail(&wire.LimitError{What: "answer", Limit: maxIgnored, Unit: "responses"})
}

// finish drops what is left of a response that stopped at content.
func (s *Session) finish() error {
	for s.in.Open() {
		if _, err := s.in.Resume(); err != nil {
			return s.Fail(err)
		}
	}
	return nil
}

// Fail remembers that the connection is lost or out of step, unless err is nil, and
// returns err. The timer of IDLE may call it too.
func (s *Session) Fail(err error) error {
	if err != nil {
		s.failing.Lock()
		defer s.failing.Unlock()
		if s.failed == nil {
			s.failed = err
		}
	}
	return err
}

// Broken returns the first failure of the connection.
func (s *Session) Broken() error {
	s.failing.Lock()
	defer s.failing.Unlock()
	return s.failed
}

func (s *Session) writeTo(w io.Writer) {
	s.out = wire.NewWriter(w, int(s.Limits.Line))
	s.out.OnCmd = func(line string) { s.conn.Event(protocols.EventSend, line, 0) }
}

// tagPrefix makes tags that nobody can predict (CVE-2026-42246).
func tagPrefix() string { return "N" + rand.Text()[:5] }

// Conn returns the connection.
func (s *Session) Conn() *transport.Conn { return s.conn }

// Used returns when the newest response came.
func (s *Session) Used() time.Time { return s.used }

// Buffered returns how many bytes have come that nobody has read yet.
func (s *Session) Buffered() int { return s.in.Buffered() }
