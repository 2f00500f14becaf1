package nntp

import (
	"context"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// goesOn are the codes after which the server expects something other than a command:
// an article, a SASL response, TLS, compression. A raw command cannot provide it, so
// the session ends there.
var goesOn = map[int]bool{335: true, 340: true, 382: true, 383: true, 206: true}

// Do sends one command as it is, after login, and returns the reply with its
// lines, within the limits of a reply.
func (c *Client) Do(ctx context.Context, command string) (*protocols.Reply, error) {
	var reply *protocols.Reply
	err := c.do(ctx, "raw", "", []string{command}, func(ctx context.Context, s *session) error {
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
	return c.do(ctx, "raw", "", []string{command}, func(ctx context.Context, s *session) error {
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
			own = each(line)
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
	r, err := s.ask(ctx, strings.TrimRight(command, " "))
	if err == nil && (goesOn[r.Code] || strings.EqualFold(verb, "QUIT")) {
		s.c.line.Drop(s)
	}
	return r, err
}
