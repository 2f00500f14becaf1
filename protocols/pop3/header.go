package pop3

import (
	"github.com/netclients/netclients/internal/charset"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// readHeader reads the answer to TOP into info. What is too large is a failure of
// the connection; a refusal leaves info as it is.
func (s *session) readHeader(info *protocols.MessageInfo) error {
	st, err := s.status()
	if err != nil || !st.OK() {
		return err
	}
	h := protocols.HeaderReader{Limit: s.limits.Header, Charset: charset.Reader}
	var over error
	err = s.lines(func(line []byte) bool {
		if _, ok := h.Line(line); !ok {
			over = s.fail(&wire.LimitError{What: "header", Limit: s.limits.Header})
		}
		return over == nil
	})
	if over != nil {
		return over
	}
	h.Into(info)
	return err
}
