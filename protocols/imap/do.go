package imap

import (
	"context"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// Do sends one raw command after login, without its tag, and returns the untagged
// responses and the status. Content of messages is part of the lines, as far as
// limits allow. AUTHENTICATE, STARTTLS, IDLE, COMPRESS and literals have no place
// here: they change what the connection speaks. The mailbox of a SELECT stays open
// for the commands after it.
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
	err := runOn(ctx, c, "raw", "", func(_ context.Context, s *session.Session) error { return raw(s, verb, command, reply) }, command)
	if err != nil {
		return nil, err
	}
	c.line.Mask.Reply(reply)
	return reply, nil
}

func raw(s *session.Session, verb, command string, reply *protocols.Reply) error {
	var total int64
	switch verb {
	case "SELECT", "EXAMINE", "CLOSE", "UNSELECT", "DELETE", "RENAME", "UNAUTHENTICATE":
		s.Deselect() // the verbs after it open what they need
	}
	st, err := s.Command(func(r *imapwire.Response) error {
		line := string(s.Raw()[min(2, len(s.Raw())):])
		if total += int64(len(line)); total > s.Limits.Reply || len(reply.Lines) >= s.Limits.ReplyLines {
			return s.Fail(&wire.LimitError{What: "reply", Limit: s.Limits.Reply})
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
