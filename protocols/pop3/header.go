package pop3

import (
	"github.com/netclients/netclients/internal/charset"
	"github.com/netclients/netclients/internal/mailhead"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// readHeader reads the answer to TOP into info. What is too large is a failure of
// the connection; a refusal leaves info as it is.
func (s *session) readHeader(info *protocols.MessageInfo) error {
	r, err := s.Reply()
	if err != nil || !ok(r) {
		return err
	}
	h := mailhead.Reader{Limit: s.Limits.Header, Charset: charset.Reader}
	var over error
	err = s.lines(func(line []byte) bool {
		if _, ok := h.Line(line); !ok {
			over = s.Fail(&wire.LimitError{What: "header", Limit: s.Limits.Header})
		}
		return over == nil
	})
	if over != nil {
		return over
	}
	h.Into(info)
	return err
}
