package imap

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// Arguments of commands. A plain string goes as it is.
type (
	text    string // a string: quoted, or a literal
	boxName string // a mailbox name
	content struct {
		io.Reader       // exactly size bytes
		size      int64 // of a message
		binary    bool  // a literal8 (RFC 3516 4.4)
	}
)

// send sends a command and returns its tag, without waiting for the answer. It
// waits inside for the server's consent to literals, where that is needed;
// a status is then the server's no, and nothing more was sent (RFC 3501 7.5).
func (s *session) send(verb string, args ...any) (tag string, no *imapwire.Status, err error) {
	if s.broken() != nil {
		return "", nil, s.broken()
	}
	tag = s.newTag()
	s.sent[tag] = true
	line, sep := tag+" "+verb, " "
	for _, arg := range args {
		word, literal := s.argument(arg)
		if literal != nil {
			if no, err = s.sendLiteral(tag, line+sep, *literal); no != nil || err != nil {
				return tag, no, err
			}
			line, sep = "", " "
			continue
		}
		if word == string(glueClose) {
			sep = ""
		}
		line += sep + word
		if sep = " "; word == string(glueOpen) {
			sep = ""
		}
	}
	return tag, nil, s.sendLine(line)
}

// argument returns an argument as it stands in a line, or as a literal.
func (s *session) argument(arg any) (word string, literal *content) {
	var t string
	switch a := arg.(type) {
	case string:
		return a, nil
	case glue:
		return string(a), nil
	case content:
		return "", &a
	case boxName:
		t = s.encodeName(string(a))
	case text:
		t = string(a)
	}
	if q, ok := s.quote(t); ok {
		return q, nil
	}
	return "", &content{Reader: strings.NewReader(t), size: int64(len(t))}
}

func (s *session) newTag() string {
	s.tags++
	return fmt.Sprintf("%s%d", s.prefix, s.tags)
}

// sendLine adds the last line of a command. One that is refused here was never sent.
func (s *session) sendLine(line string) error {
	if err := s.out.Raw(line); err != nil {
		s.fail(err)
		return &protocols.Error{Kind: protocols.KindOf(err), Err: err}
	}
	return nil
}

// quotes are the bytes that a quoted string escapes.
var quotes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// quote returns a string as quoted string, if it can be one (RFC 3501 4.3).
func (s *session) quote(v string) (string, bool) {
	for i := range len(v) {
		if b := v[i]; b < ' ' || b == 0x7f || b >= 0x80 && !s.utf8 {
			return "", false
		}
	}
	return `"` + quotes.Replace(v) + `"`, len(v) < 1000
}

// freeLiteral reports whether a literal may follow without the server's consent
// (RFC 7888).
func (s *session) freeLiteral(size int64) bool {
	return s.caps["LITERAL+"] || size <= 4096 && s.hasOr2("LITERAL-")
}

// sendLiteral sends a line that ends with a literal, and the literal.
func (s *session) sendLiteral(tag, line string, c content) (*imapwire.Status, error) {
	free := s.freeLiteral(c.size)
	mark := fmt.Sprintf("{%d}", c.size)
	if free {
		mark = fmt.Sprintf("{%d+}", c.size)
	}
	if c.binary {
		mark = "~" + mark
	}
	if err := s.sendLine(line + mark); err != nil {
		return nil, err
	}
	if !free {
		if no, err := s.consent(tag); no != nil || err != nil {
			return no, err
		}
	}
	n, err := io.Copy(s.out, c.Reader)
	if err == nil && n != c.size {
		err = &protocols.Error{Kind: protocols.KindLocal, Text: fmt.Sprintf("the content has %d bytes where %d were announced", n, c.size)}
	}
	return nil, s.fail(err)
}

// consent waits for "+". A status instead is the server's no.
func (s *session) consent(tag string) (*imapwire.Status, error) {
	if err := s.flush(); err != nil {
		return nil, err
	}
	for {
		r, err := s.read(false)
		if err != nil {
			return nil, err
		}
		if r.Tag == "+" {
			return nil, nil
		}
		if err := s.take(&r); err != nil {
			return nil, err
		}
		if st := s.done[tag]; st != nil {
			delete(s.done, tag)
			if st.Word == "OK" {
				return nil, s.fail(errHalf())
			}
			return st, nil
		}
	}
}

func errHalf() error {
	return protocols.ProtocolError(proto, "", "the server says OK to half a command")
}

func (s *session) flush() error { return s.fail(s.out.Flush()) }

// read reads the next response, whatever it is. With stream set it may stop at
// content.
func (s *session) read(stream bool) (imapwire.Response, error) {
	if s.broken() != nil {
		return imapwire.Response{Size: -1}, s.broken()
	}
	size, err := s.in.Next(stream)
	if err != nil {
		return imapwire.Response{Size: -1}, s.fail(s.lost(err))
	}
	s.used = time.Now()
	if s.traced {
		s.conn.Event(protocols.EventRecv, firstLine(s.in.Line()), 0)
	}
	r := imapwire.ParseResponse(string(s.in.Line()))
	r.Size = size
	return r, nil
}

func firstLine(text []byte) string {
	line, _, _ := strings.Cut(string(text), "\r\n")
	return line
}

// lost tells what the end of the connection means: after BYE what that said, and
// never that all has come.
func (s *session) lost(err error) error {
	switch {
	case err != io.EOF || s.greeting == nil:
		return err
	case s.bye != nil:
		return byeError(s.bye)
	}
	return fmt.Errorf("the server closed the connection: %w", io.ErrUnexpectedEOF)
}

func byeError(st *imapwire.Status) error {
	e := *st
	e.Word = "BYE"
	err := e.Err().(*protocols.Error)
	if err.Text == "" {
		err.Text = imapwire.ErrBye.Error()
	}
	err.Err = imapwire.ErrBye
	return err
}

// take keeps what every response may tell: capabilities, the mailbox, the end of
// the session, and tagged answers. What it does not know it leaves alone.
func (s *session) take(r *imapwire.Response) error {
	if r.Tag != "*" {
		if !r.IsStatus() && r.Tag != "+" {
			return s.fail(protocols.ProtocolError(proto, "", "this is no IMAP response: "+strconv.Quote(imapwire.Clip(r.Tag+" "+r.Name+" "+r.Args))))
		}
		if s.sent[r.Tag] { // under a foreign tag it is nobody's
			delete(s.sent, r.Tag)
			s.done[r.Tag] = r.Status()
		}
		return nil
	}
	switch r.Name {
	case "CAPABILITY":
		s.setCaps(r.Args)
	case "ENABLED":
		for _, name := range strings.Fields(r.Args) {
			s.enabled[strings.ToUpper(name)] = true
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

// ignoredMost bounds the responses that a server may send to one command without
// anybody wanting them.
const ignoredMost = 1 << 20

// wait reads until a command is answered. each sees what is untagged, and may be
// nil; with stream it must read or drop content.
func (s *session) wait(tag string, stream bool, each func(r *imapwire.Response) error) (*imapwire.Status, error) {
	if err := s.flush(); err != nil {
		return nil, err
	}
	for range ignoredMost {
		if st := s.done[tag]; st != nil {
			delete(s.done, tag)
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
	return nil, s.fail(&wire.LimitError{What: "answer", Limit: ignoredMost, Unit: "responses"})
}

// finish drops what is left of a response that stopped at content.
func (s *session) finish() error {
	for s.in.Open() {
		if _, err := s.in.Resume(); err != nil {
			return s.fail(err)
		}
	}
	return nil
}

// command sends a command and waits for its answer, whatever that is.
func (s *session) command(each func(r *imapwire.Response) error, verb string, args ...any) (*imapwire.Status, error) {
	tag, no, err := s.send(verb, args...)
	if no != nil || err != nil {
		return no, err
	}
	return s.wait(tag, false, each)
}

// simple sends a command that must be answered with OK.
func (s *session) simple(verb string, args ...any) error { return s.ask(nil, verb, args...) }

// ask is simple with a look at the untagged responses.
func (s *session) ask(each func(r *imapwire.Response) error, verb string, args ...any) error {
	st, err := s.command(each, verb, args...)
	if err != nil {
		return err
	}
	return st.Err()
}

// fail remembers that the connection is lost or out of step. The timer of IDLE
// may call it too.
func (s *session) fail(err error) error {
	if err != nil {
		s.failing.Lock()
		defer s.failing.Unlock()
		if s.failed == nil {
			s.failed = err
		}
	}
	return err
}

// broken returns the first failure of the connection.
func (s *session) broken() error {
	s.failing.Lock()
	defer s.failing.Unlock()
	return s.failed
}
