package smtp

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// barred are the commands that change what the bytes after them mean; there are
// methods for them.
var barred = map[string]string{"DATA": "send", "BDAT": "send", "STARTTLS": "--tls require"}

// Do sends one command as it is, after login, and returns the reply, whatever it
// says. After a reply of 334 the next command is the response to that challenge.
// No trace shows a secret in a command. DATA, BDAT and STARTTLS are refused.
func (c *Client) Do(ctx context.Context, command string) (*protocols.Reply, error) {
	verb := strings.ToUpper(append(strings.Fields(command), "")[0])
	if other, no := barred[verb]; no {
		return nil, c.wrap(protocols.UsageError(proto, "", verb+" cannot be sent as a raw command: use "+other), "raw")
	}
	var r *protocols.Reply
	err := c.line.Raw(ctx, command, func(_ context.Context, s *session) (err error) {
		s.dirty = true
		if err = s.QueueRaw(command); err == nil {
			r, err = s.Answer()
		}
		s.Mask.Reply(r)
		return err
	})
	return r, err
}

// ask sends one command with at most one argument and returns the reply.
func (c *Client) ask(ctx context.Context, op, verb, arg string) (*protocols.Reply, error) {
	var r *protocols.Reply
	err := c.do(ctx, op, []string{arg}, func(s *session) (err error) {
		args := []string{arg}
		if arg == "" {
			args = nil
		}
		r, err = s.Need(verb, args...)
		if e, ok := errors.AsType[*protocols.Error](err); ok && e.Code >= 500 && slices.Contains(nobody, r.Enhanced) {
			e.Sentinel = fs.ErrNotExist
		}
		return err
	})
	return r, err
}

// nobody are the enhanced codes that say that there is no such mailbox or domain
// (RFC 3463 3.2).
var nobody = []string{"5.1.1", "5.1.2"}

// Verify asks about an address (VRFY, RFC 5321 3.5). 252 means that the server
// cannot or will not say. An address that is not there is an error of class
// fs.ErrNotExist where the server reports that by its enhanced code.
func (c *Client) Verify(ctx context.Context, address string) (*protocols.Reply, error) {
	if address == "" {
		return nil, c.wrap(protocols.UsageError(proto, "", "no address to verify"), "verify")
	}
	return c.ask(ctx, "verify", "VRFY", address)
}

// Expand asks for the members of a list (EXPN, RFC 5321 3.5), one in each line of
// the reply.
func (c *Client) Expand(ctx context.Context, list string) (*protocols.Reply, error) {
	if list == "" {
		return nil, c.wrap(protocols.UsageError(proto, "", "no list to expand"), "expand")
	}
	return c.ask(ctx, "expand", "EXPN", list)
}

// Help asks for help, about topic or in general (HELP).
func (c *Client) Help(ctx context.Context, topic string) (*protocols.Reply, error) {
	return c.ask(ctx, "help", "HELP", topic)
}

// Noop keeps the connection alive (NOOP).
func (c *Client) Noop(ctx context.Context) (*protocols.Reply, error) {
	return c.ask(ctx, "noop", "NOOP", "")
}

// Reset ends a transaction that raw commands began (RSET).
func (c *Client) Reset(ctx context.Context) (*protocols.Reply, error) {
	return c.ask(ctx, "reset", "RSET", "")
}

// Etrn asks the server to send what waits for a domain (RFC 1985).
func (c *Client) Etrn(ctx context.Context, domain string) (*protocols.Reply, error) {
	return c.ask(ctx, "etrn", "ETRN", domain)
}
