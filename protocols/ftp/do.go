package ftp

import (
	"context"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// Do sends one command line as it is and returns the reply, whatever it says.
// Commands that need a data connection are answered by the server's own refusal.
func (c *Client) Do(ctx context.Context, command string) (*protocols.Reply, error) {
	var r *protocols.Reply
	err := c.do(ctx, "raw", "", []string{command}, func(_ context.Context, s *session) (err error) {
		r, err = s.raw(command)
		return err
	})
	return r, err
}

// maxPreliminary bounds the 1xx replies to one raw command.
const maxPreliminary = 10

// raw sends a command line, and forgets what the session knew and the command may
// have changed.
func (s *session) raw(text string) (*protocols.Reply, error) {
	verb, arg, _ := strings.Cut(text, " ")
	var r *protocols.Reply
	var err error
	if strings.EqualFold(verb, "PASS") || strings.EqualFold(verb, "ACCT") {
		s.Mask.Add(arg)
		r, err = s.CmdSecret(verb, "****", arg)
	} else {
		r, err = s.Cmd(verb, arguments(arg)...)
	}
	if err != nil {
		return nil, err
	}
	s.typ = 0
	for range maxPreliminary { // a transfer was begun on a data connection that is not there: its end follows
		if r.Code >= 200 {
			return r, nil
		}
		if r, err = s.Reply(); err != nil {
			return nil, err
		}
	}
	return nil, s.Fail(protocols.ProtocolError(proto, "", "no end of 1xx replies"))
}
