package nntp

import (
	"context"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// goesOn are the codes after which the server expects something other than a command:
// an article, TLS, compression. A raw command cannot provide it, so the session ends
// there. After 383 the next command is the response to the challenge.
var goesOn = map[int]bool{335: true, 340: true, 382: true, 206: true}

// Do sends one command as it is, after login, and returns the reply with its
// lines, within the limits of a reply. No trace and no error shows a secret in it, and
// what the server says back of it is masked.
func (c *Client) Do(ctx context.Context, command string) (*protocols.Reply, error) {
	var reply *protocols.Reply
	err := c.line.Raw(ctx, command, func(ctx context.Context, s *session) error {
		r, err := s.askRaw(ctx, command)
		if err != nil {
			return err
		}
		reply = r
		defer s.Mask.Reply(r)
		if verb, _ := cutBlank(command); hasData(r.Code, verb) {
			lines, err := s.bounded(s.data(r))
			r.Lines = append(r.Lines, lines...)
			return err
		}
		return nil
	})
	return reply, err
}

// Raw is Do without a limit: the lines after the reply go to each as they arrive.
// A line is valid until the next one.
func (c *Client) Raw(ctx context.Context, command string, reply func(*protocols.Reply) error, each func(line []byte) error) error {
	return c.line.Raw(ctx, command, func(ctx context.Context, s *session) error {
		r, err := s.askRaw(ctx, command)
		if err != nil {
			return err
		}
		s.Mask.Reply(r)
		if err := reply(r); err != nil {
			return s.Fail(err)
		}
		if verb, _ := cutBlank(command); !hasData(r.Code, verb) {
			return nil
		}
		var own error
		err = s.linesOf(s.data(r), func(line []byte) bool {
			own = each([]byte(s.Mask.Text(string(line))))
			return own == nil
		})
		if own != nil {
			return own
		}
		return err
	})
}

// askRaw sends a command as the user wrote it. It may change the
// selected group, so the session forgets that.
func (s *session) askRaw(ctx context.Context, command string) (*protocols.Reply, error) {
	verb, _ := cutBlank(command)
	if verb == "" {
		return nil, protocols.UsageError(proto, "raw", "empty command")
	}
	s.group = ""
	r, err := s.sendRaw(command)
	if err == nil {
		again, bad := s.remedy(ctx, r)
		if err = bad; again && err == nil {
			r, err = s.sendRaw(command)
		}
	}
	if err == nil && (goesOn[r.Code] || strings.EqualFold(verb, "QUIT")) {
		s.c.line.Drop(s)
	}
	return r, err
}

// sendRaw sends a command line of the user and reads its reply. A secret in it is not
// shown, and not sent where it may not be.
func (s *session) sendRaw(command string) (*protocols.Reply, error) {
	if err := s.QueueRaw(strings.TrimRight(command, " ")); err != nil {
		return nil, err
	}
	r, err := s.Answer()
	if err == nil {
		s.served = s.served || r.Code < 300
	}
	return r, err
}
