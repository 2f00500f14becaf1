package session

import (
	"fmt"
	"io"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// Text is an argument that is a string: quoted, or a literal. Arguments of type
// string are sent as they are.
type Text string

// BoxName is an argument that is the name of a mailbox.
type BoxName string

// Glue is an argument that is a parenthesis, without a space beside its content.
type Glue string

// Literal is an argument that is sent as a literal.
type Literal struct {
	io.Reader
	Size   int64 // what Reader returns in all
	Binary bool  // a literal8 (RFC 3516 4.4)
	// Careful waits for the consent of the server even with LITERAL+. A server that
	// refuses a command while it parses it would take what follows at once for
	// commands.
	Careful bool
}

// The parentheses.
const (
	Open  Glue = "("
	Close Glue = ")"
)

// Send sends a command and returns its tag, without waiting for the answer. It
// waits inside for the server's consent to literals, where that is needed;
// a status is then the server's refusal, and nothing more was sent (RFC 3501 7.5).
func (s *Session) Send(verb string, args ...any) (tag string, refusal *imapwire.Status, err error) {
	tag = s.newTag()
	if s.Failed() != nil {
		return "", nil, s.Failed()
	}
	s.ending = verb == "LOGOUT"
	line, sep := tag+" "+verb, " "
	for _, arg := range args {
		word, literal := s.argument(arg)
		if literal != nil {
			if refusal, err = s.sendLiteral(tag, line+sep, *literal); refusal != nil || err != nil {
				return tag, refusal, err
			}
			line, sep = "", " "
			continue
		}
		if word == string(Close) {
			sep = ""
		}
		line += sep + word
		if sep = " "; word == string(Open) {
			sep = ""
		}
	}
	return tag, nil, s.SendLine(line)
}

// argument returns an argument as it stands in a line, or as a literal.
func (s *Session) argument(arg any) (word string, literal *Literal) {
	var t string
	switch a := arg.(type) {
	case string:
		return a, nil
	case Glue:
		return string(a), nil
	case Literal:
		return "", &a
	case BoxName:
		t = s.encodeName(string(a))
	case Text:
		t = string(a)
	}
	if q, ok := s.quote(t); ok {
		return q, nil
	}
	return "", textLiteral(t)
}

func textLiteral(t string) *Literal {
	return &Literal{Reader: strings.NewReader(t), Size: int64(len(t)), Careful: strings.ContainsAny(t, "\r\n")}
}

// quotes are the bytes that a quoted string escapes.
var quotes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// quote returns a string as quoted string, if it can be one (RFC 3501 4.3).
func (s *Session) quote(v string) (string, bool) {
	for i := range len(v) {
		if b := v[i]; b < ' ' || b == 0x7f || b >= 0x80 && !s.utf8 {
			return "", false
		}
	}
	return `"` + quotes.Replace(v) + `"`, len(v) < 1000
}

// freeLiteral reports whether a literal may follow without the server's consent
// (RFC 7888).
func (s *Session) freeLiteral(size int64) bool {
	return s.Has("LITERAL+") || size <= 4096 && s.Has("LITERAL-")
}

// sendLiteral sends a line that ends with a literal, and the literal.
func (s *Session) sendLiteral(tag, line string, l Literal) (refusal *imapwire.Status, err error) {
	free := s.freeLiteral(l.Size) && !l.Careful
	mark := fmt.Sprintf("{%d}", l.Size)
	if free {
		mark = fmt.Sprintf("{%d+}", l.Size)
	}
	if l.Binary {
		mark = "~" + mark
	}
	if err := s.SendLine(line + mark); err != nil {
		return nil, err
	}
	if !free {
		if refusal, err := s.Consent(tag); refusal != nil || err != nil {
			return refusal, err
		}
	}
	n, err := io.Copy(s.Out, l.Reader)
	if err == nil && n != l.Size {
		err = &protocols.Error{Kind: protocols.KindLocal, Text: fmt.Sprintf("the content has %d bytes where %d were announced", n, l.Size)}
	}
	return nil, s.Fail(err)
}

// Command sends a command and waits for its answer, whatever that is. each sees the
// untagged responses, and may be nil.
func (s *Session) Command(each func(r *imapwire.Response) error, verb string, args ...any) (*imapwire.Status, error) {
	tag, refusal, err := s.Send(verb, args...)
	if refusal != nil || err != nil {
		return refusal, err
	}
	return s.Wait(tag, false, each)
}

// Ask is Command for a command that must be answered with OK.
func (s *Session) Ask(each func(r *imapwire.Response) error, verb string, args ...any) error {
	st, err := s.Command(each, verb, args...)
	if err != nil {
		return err
	}
	return st.Err()
}

// Simple is Ask for a command whose untagged responses are of no interest.
func (s *Session) Simple(verb string, args ...any) error { return s.Ask(nil, verb, args...) }

// maxValues bounds the responses of one name to one command.
const maxValues = 16 << 20

// Budget is how many bytes of responses an operation may still hold.
type Budget int64

// Take takes the size of texts from the budget, and fails when it is used up.
func (b *Budget) Take(texts ...string) error {
	for _, t := range texts {
		*b -= Budget(len(t))
	}
	if *b < 0 {
		return protocols.ProtocolError(proto, "", "the server sends more than can be held")
	}
	return nil
}

// Values calls each with the values of every untagged response called name that
// the command brings. An error of each ends the session: it is about the server.
func (s *Session) Values(name string, each func(values []imapwire.Node) error, verb string, args ...any) error {
	budget := Budget(maxValues)
	return s.Ask(func(r *imapwire.Response) error {
		if r.Name != name {
			return nil
		}
		if err := budget.Take(r.Args); err != nil {
			return s.Fail(err)
		}
		values, err := imapwire.NewParser(r.Args, s.Limits).All()
		if err == nil {
			err = each(values)
		}
		return s.Fail(err)
	}, verb, args...)
}
