package ftp

import (
	"errors"

	"github.com/netclients/netclients/protocols"
)

// step is one command of a flight. then judges its reply; nil takes any.
type step struct {
	verb  string
	args  []string
	then  func(r *protocols.Reply) error
	moves bool // starts a transfer: a 1xx reply is followed by another one
}

// fly sends the commands of all steps at once and reads their replies in order.
// The first error of a step is returned; the replies behind it are still read, so
// that the connection stays in step. abandon is called at that point, to close a
// data connection that a transfer further on could start to use.
func (s *session) fly(steps []step, abandon func()) error {
	for _, st := range steps {
		if err := s.queue(st.verb, st.args...); err != nil {
			return s.fail(err)
		}
	}
	if len(steps) == 0 {
		return nil
	}
	if err := s.flush(); err != nil {
		return err
	}
	var first error
	for _, st := range steps {
		r, err := s.reply()
		switch {
		case err != nil:
			return err
		case first != nil && st.moves:
			if r.Code < 200 {
				if _, err := s.reply(); err != nil {
					return err
				}
			}
			first = better(first, r)
		case first != nil:
		case st.then != nil:
			if first = st.then(r); first != nil && abandon != nil {
				abandon()
			}
		}
	}
	return first
}

// must is a step's judge that wants one class of replies.
func must(class int) func(*protocols.Reply) error {
	return func(r *protocols.Reply) error { return want(r, class) }
}

// better prefers a refusal of the transfer to a data connection that failed: a
// server that refuses RETR stops to listen before we could connect.
func better(first error, r *protocols.Reply) error {
	if _, ok := errors.AsType[*modeError](first); ok && r.Code >= 400 && r.Code != 425 && r.Code != 426 {
		return refusal(r)
	}
	return first
}
