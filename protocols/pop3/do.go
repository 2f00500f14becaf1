package pop3

import (
	"context"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// listings are the commands whose +OK has lines after it: true always, false only
// without an argument (RFC 1939, 2449, 6856).
var listings = map[string]bool{"CAPA": true, "RETR": true, "TOP": true, "LIST": false, "UIDL": false, "LANG": false}

// Do sends one command as it is, after login, and returns its answer, with all lines
// where the command has several: within the limits of a reply. QUIT ends the
// session; the next verb begins another. No trace shows a secret in a command.
func (c *Client) Do(ctx context.Context, command string) (*protocols.Reply, error) {
	var r *protocols.Reply
	err := c.line.Raw(ctx, command, func(_ context.Context, s *session) error {
		err := s.QueueRaw(command)
		if err != nil {
			return err
		}
		if r, err = s.Answer(); err != nil {
			return err
		}
		defer s.Mask.Reply(r)
		f := strings.Fields(strings.ToUpper(command))
		if len(f) == 0 {
			return nil
		}
		if f[0] == "QUIT" {
			c.line.Drop(s)
		}
		always, known := listings[f[0]]
		if !ok(r) || !known || !always && len(f) > 1 {
			return nil
		}
		return s.collect(r)
	})
	return r, err
}

// collect adds the lines of an answer to r.
func (s *session) collect(r *protocols.Reply) error {
	var over error
	size := int64(0)
	err := s.lines(func(line []byte) bool {
		size += int64(len(line))
		if size > s.Limits.Reply || len(r.Lines) > s.Limits.ReplyLines {
			over = s.Fail(&wire.LimitError{What: "answer", Limit: s.Limits.Reply})
			return false
		}
		r.Lines = append(r.Lines, string(line))
		return true
	})
	if over != nil {
		return over
	}
	return err
}
