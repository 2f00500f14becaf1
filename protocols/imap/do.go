package imap

import (
	"context"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// Do sends one raw command after login, without its tag, and returns the untagged
// responses and the status. Content of messages is part of the lines, as far as
// limits allow. AUTHENTICATE, STARTTLS, IDLE, COMPRESS and literals have no place
// here: they change what the connection speaks. The mailbox of a SELECT stays open
// for the commands behind it.
func (c *Client) Do(ctx context.Context, command string) (*protocols.Reply, error) {
	verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(command)), " ")
	_, mark, _ := imapwire.LiteralAt([]byte(command))
	switch {
	case verb == "":
		return nil, c.wrap(protocols.UsageError(proto, "raw", "the command is empty"), "raw", "")
	case verb == "AUTHENTICATE" || verb == "STARTTLS" || verb == "IDLE" || verb == "COMPRESS" || verb == "LOGIN" || mark >= 0:
		return nil, c.wrap(protocols.UsageError(proto, "raw", verb+" cannot be sent raw: it changes what the connection speaks"), "raw", "")
	}
	reply := &protocols.Reply{}
	release, err := c.enter(ctx, command)
	if err != nil {
		return nil, c.wrap(err, "raw", "")
	}
	defer release()
	err = c.keeper.Run(ctx, func(s *session) error { return s.raw(verb, command, reply) })
	if err != nil {
		return nil, c.wrap(err, "raw", "")
	}
	return reply, nil
}

func (s *session) raw(verb, command string, reply *protocols.Reply) error {
	var total int64
	switch verb {
	case "SELECT", "EXAMINE", "CLOSE", "UNSELECT", "DELETE", "RENAME", "UNAUTHENTICATE":
		s.box = nil // the verbs behind it open what they need
	}
	st, err := s.command(func(r *imapwire.Response) error {
		line := string(s.in.Line()[min(2, len(s.in.Line())):])
		if total += int64(len(line)); total > s.c.limits.Reply || len(reply.Lines) >= s.c.limits.ReplyLines {
			return s.fail(&wire.LimitError{What: "reply", Limit: s.c.limits.Reply})
		}
		reply.Lines = append(reply.Lines, line)
		return nil
	}, command)
	if err != nil {
		return err
	}
	reply.Word, reply.Enhanced = st.Word, st.Code
	last := st.Text
	if st.Code != "" {
		last = "[" + strings.TrimSpace(st.Code+" "+st.Args) + "] " + st.Text
	}
	reply.Lines = append(reply.Lines, last)
	return nil
}
