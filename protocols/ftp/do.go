package ftp

import (
	"context"

	"github.com/netclients/netclients/protocols"
)

// Do sends one command line as it is and returns the reply, whatever it says.
// Commands that need a data connection are answered by the server's own refusal.
func (c *Client) Do(ctx context.Context, command string) (*protocols.Reply, error) {
	var r *protocols.Reply
	err := c.line.Raw(ctx, command, func(_ context.Context, s *session) (err error) {
		r, err = s.raw(command)
		return err
	})
	return r, err
}

// maxPreliminary bounds the 1xx replies to one command.
const maxPreliminary = 10

// raw sends a command line, and forgets what the session knew and the command may
// have changed.
func (s *session) raw(text string) (*protocols.Reply, error) {
	if err := s.QueueRaw(text); err != nil {
		return nil, err
	}
	s.typ = 0
	r, err := s.Answer()
	if err == nil && r.Code < 200 { // a transfer was begun on a data connection that is not there
		r, err = s.outcome()
	}
	s.Mask.Reply(r)
	return r, err
}

// outcome reads the reply that ends what a preliminary one has begun. Others may come
// before it, such as restart markers (110, RFC 959 3.4.2).
func (s *session) outcome() (*protocols.Reply, error) {
	for range maxPreliminary {
		if r, err := s.Reply(); err != nil || r.Code >= 200 {
			return r, err
		}
	}
	return nil, s.Fail(protocols.ProtocolError(proto, "", "too many preliminary (1xx) replies"))
}
