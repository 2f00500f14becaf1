package ftp

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// step is one command of a flight. then judges its reply; nil accepts any.
type step struct {
	verb  string
	args  []string
	then  func(r *protocols.Reply) error
	moves bool // starts a transfer: a 1xx reply is followed by another one
	slow  bool // may take as long as the idle timeout allows
	twice bool // some servers refuse this command with two replies
}

// Facts about servers that all clients of a [protocols.Memory] share.
const (
	factOneAtATime = "one command at a time"
	factTogether   = "several commands at once"
	factUTF8       = "UTF8"
	factPassword   = "asks for the password of " // and a user
	factMode       = "data connections by "      // and a mode
	factDataFirst  = "transfer commands after the data connection"
	factNoRename   = "files are not renamed"
)

// How long the next reply to a flight may take before its command counts as
// dropped: that to the second command ever, and any later one. Four times the
// server's own pace is allowed in any case.
const (
	maxSecondReply  = time.Second
	maxStalledReply = 5 * time.Second
)

// known names the servers, by their greeting, that are known to wait for the data
// connection when a transfer command comes before it, to follow REST, and to send
// each reply at once (TCP_NODELAY).
var known = []string{"vsFTPd", "ProFTPD", "Pure-FTPd"}

// fly sends the commands of all steps and reads their replies in order: in one
// packet where the server has shown that it takes several commands at once, else
// one by one. The first error of a step is returned. In a packet the replies after
// it are still read, so that the connection stays in step; abandon is called at
// that point, to close a data connection that a later transfer command could use.
func (s *session) fly(ctx context.Context, steps []step, abandon func()) error {
	if len(steps) == 0 {
		return nil
	}
	if !s.together {
		return flight{s}.oneByOne(steps)
	}
	if err := (flight{s}).takeOff(steps); err != nil {
		return err
	}
	return flight{s}.land(ctx, steps, abandon)
}

// flight is a session on which several commands are under way.
type flight struct{ *session }

// takeOff sends the commands of all steps in one packet.
func (s flight) takeOff(steps []step) error {
	for _, st := range steps {
		if err := s.Queue(st.verb, st.args...); err != nil {
			return s.Fail(err)
		}
	}
	return s.Flush()
}

// land reads the replies to all steps.
func (s flight) land(ctx context.Context, steps []step, abandon func()) error {
	var first error
	for i, st := range steps {
		r, err := s.landing(ctx, steps, i)
		if !st.moves {
			r, err = s.Only(r, err)
		}
		switch {
		case err != nil:
			return err
		case first != nil && st.moves:
			if r.Code < 200 {
				if _, err := s.outcome(); err != nil {
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

// oneByOne sends each command after the reply to the one before, up to the first
// error.
func (s flight) oneByOne(steps []step) error {
	for i, st := range steps {
		if i > 0 && steps[i-1].twice {
			s.dropRepeated(steps[i-1].verb)
		}
		r, err := s.Begin(st.verb, st.args...)
		if !st.moves {
			r, err = s.Only(r, err)
		}
		if err == nil && st.then != nil {
			err = st.then(r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// landing reads the reply to step i of a flight. After the first one has come the
// others follow soon, or the server has dropped their commands.
func (s flight) landing(ctx context.Context, steps []step, i int) (*protocols.Reply, error) {
	within := s.patience(steps[i], i == 0)
	r, err := s.replyWithin(ctx, within)
	if err == nil && i > 0 && steps[i-1].twice && repeats(r, steps[i-1].verb) {
		r, err = s.replyWithin(ctx, within)
	}
	if err != nil && (i > 0 || !s.shown) && ctx.Err() == nil && protocols.KindOf(err) == protocols.KindTimeout {
		return nil, s.stalled()
	}
	return r, err
}

// patience is how long the reply to a step of a flight may take; 0 means as long as
// the idle timeout allows.
func (s flight) patience(st step, first bool) time.Duration {
	switch {
	case !s.shown && !first:
		return max(maxSecondReply, 4*s.pace)
	case s.shown && (first || st.moves || st.slow):
		return 0
	}
	return max(maxStalledReply, 4*s.pace)
}

// replyWithin reads a reply within a time; 0 leaves it to the idle timeout.
func (s flight) replyWithin(ctx context.Context, within time.Duration) (*protocols.Reply, error) {
	if within == 0 || s.In.Buffered() > 0 {
		return s.Reply()
	}
	short, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	defer s.Conn.Use(short)()
	return s.Reply()
}

// stalled notes that the server takes one command at a time.
func (s flight) stalled() error {
	s.c.memory().Note(s.c.server(), factOneAtATime)
	s.Conn.Event(protocols.EventNote, "the answers to several commands stopped; connecting again for one command at a time", 0)
	return &protocols.Error{Kind: protocols.KindTimeout, Sentinel: errAgain, Retryable: true, Text: "the server answers only one command at a time"}
}

// repeats reports whether a reply is a second refusal of a command, by its text.
func repeats(r *protocols.Reply, verb string) bool {
	return r.Code >= 500 && strings.Contains(strings.ToUpper(r.Text()), verb)
}

// dropRepeated reads a second refusal of a command that has come with the first.
func (s flight) dropRepeated(verb string) {
	if s.Last.Code >= 500 && s.In.Buffered() > 0 {
		if r, err := s.Reply(); err == nil && !repeats(r, verb) {
			s.Fail(protocols.ProtocolError(proto, "", "unexpected extra reply: "+wire.Clip(r.Text())))
		}
	}
}

// tryTogether sends two harmless commands in one packet. A server that answers both
// takes flights; one that does not is connected to again.
func (s *session) tryTogether(ctx context.Context, steps []step) error {
	s.together = true
	err := s.fly(ctx, steps, nil)
	if s.shown = s.Failed() == nil; s.shown {
		s.c.memory().Note(s.c.server(), factTogether)
	}
	return err
}

// better prefers a refusal of the transfer to a data connection that failed: a
// server that refuses RETR stops listening before we could connect.
func better(first error, r *protocols.Reply) error {
	_, ok := errors.AsType[*modeError](first)
	switch {
	case !ok || r.Code < 400:
		return first
	case early(r.Code):
		return &modeError{refusal(r)}
	}
	return refusal(r)
}

// early reports whether a transfer was refused for want of a data connection.
func early(code int) bool { return code == 425 || code == 426 }
