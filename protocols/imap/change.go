package imap

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// Remove deletes messages for good: they are marked and expunged, and no other
// message is, not even one that was marked before by somebody else.
func (c *Client) Remove(ctx context.Context, text string) error {
	return c.on(ctx, "rm", text, true, func(ctx context.Context, s *session.Session, n *imapwire.Name) error {
		return s.Selected().Remove(n.UIDs())
	})
}

// Flag changes the flags of messages: `+\Seen` or just `\Seen` adds one, `-\Flagged` or
// `!\Flagged` removes one, `=\Seen` replaces all that were there, and "=" alone removes
// all. System flags need no backslash.
func (c *Client) Flag(ctx context.Context, text string, changes ...string) error {
	ops, err := flagOps(changes)
	if err != nil {
		return c.wrap(err, "flag", text)
	}
	return c.on(ctx, "flag", text, true, func(ctx context.Context, s *session.Session, n *imapwire.Name) error {
		if err := s.Selected().MustExist(n.UIDs()); err != nil {
			return err
		}
		for _, op := range ops {
			if err := s.Simple("UID STORE", n.UIDs(), op); err != nil {
				return err
			}
		}
		return nil
	})
}

// flagOps makes the STORE items of flag changes.
func flagOps(changes []string) ([]string, error) {
	lists, replaces := map[string][]string{}, false
	for _, ch := range changes {
		sign := "+"
		if ch != "" && strings.Contains("+-!=", ch[:1]) {
			sign, ch = signs[ch[:1]], ch[1:]
		}
		if ch == "" && sign == "" {
			replaces = true // none is left
			continue
		}
		flag := imapwire.FlagOf(ch)
		if !imapwire.IsStorable(flag) {
			return nil, protocols.UsageError(proto, "flag", fmt.Sprintf("%q is not a flag that can be stored: want \\Seen, \\Answered, \\Flagged, \\Deleted, \\Draft or a keyword", ch))
		}
		replaces = replaces || sign == ""
		lists[sign] = append(lists[sign], flag)
	}
	if len(changes) == 0 {
		return nil, protocols.UsageError(proto, "flag", "which flags? +\\Seen adds one, -\\Seen removes it, =\\Seen replaces all")
	}
	var ops []string
	for _, sign := range []string{"", "+", "-"} {
		if flags := lists[sign]; len(flags) > 0 || sign == "" && replaces {
			ops = append(ops, sign+"FLAGS.SILENT ("+strings.Join(flags, " ")+")")
		}
	}
	return ops, nil
}

// signs are what stands before a flag, and what STORE has for it.
var signs = map[string]string{"+": "+", "-": "-", "!": "-", "=": ""}

// Copy copies messages to another mailbox of the same server (COPY), and returns
// the name of the first copy if the server supports UIDPLUS.
func (c *Client) Copy(ctx context.Context, from, to string) (string, error) {
	var at string
	err := transferMessages(ctx, c, "cp", from, to, func(s *session.Session, n *imapwire.Name, target string) error {
		if err := s.Selected().MustExist(n.UIDs()); err != nil {
			return err
		}
		st, err := s.Command(nil, "UID COPY", n.UIDs(), session.BoxName(target))
		if err != nil {
			return err
		}
		if validity, uid := copyUID(st); uid != 0 {
			at = imapwire.MessageName(target, validity, uid)
		}
		return st.Err()
	})
	return at, err
}

// copyUID reads COPYUID (RFC 4315 3): the UID of the first copy, or 0.
func copyUID(st *imapwire.Status) (validity, uid uint32) {
	parts := strings.Fields(st.Args)
	if st.Code != "COPYUID" || len(parts) != 3 {
		return 0, 0
	}
	v, err := strconv.ParseUint(parts[0], 10, 32)
	if err != nil {
		return 0, 0
	}
	for uid := range imapwire.EachUID(parts[2]) {
		return uint32(v), uid
	}
	return 0, 0
}

// Move renames a mailbox, or moves messages to another mailbox (MOVE, RFC 6851;
// COPY and a removal where the server has no MOVE).
func (c *Client) Move(ctx context.Context, from, to string) error {
	if n, err := imapwire.ParseName(from); err != nil || n.UIDs() == "" {
		return rename(ctx, c, from, to)
	}
	return transferMessages(ctx, c, "mv", from, to, func(s *session.Session, n *imapwire.Name, target string) error {
		if err := s.Selected().MustExist(n.UIDs()); err != nil {
			return err
		}
		if s.Has("MOVE") {
			return s.Simple("UID MOVE", n.UIDs(), session.BoxName(target))
		}
		if err := s.Simple("UID COPY", n.UIDs(), session.BoxName(target)); err != nil {
			return err
		}
		return s.Selected().Remove(n.UIDs())
	})
}

// transferMessages runs f with the messages' mailbox open and the target's name.
func transferMessages(ctx context.Context, c *Client, op, from, to string, f func(s *session.Session, n *imapwire.Name, target string) error) error {
	target, err := parseFor(c, to)
	if err == nil && (target.Mailbox == "" || target.UIDs() != "") {
		err = protocols.UsageError(proto, op, "the target must be a mailbox")
	}
	if err != nil {
		return c.wrap(err, op, to)
	}
	return c.on(ctx, op, from, true, func(ctx context.Context, s *session.Session, n *imapwire.Name) error { return f(s, n, target.Mailbox) })
}

func rename(ctx context.Context, c *Client, from, to string) error {
	target, err := parseFor(c, to)
	if err == nil && target.UIDs() != "" {
		err = protocols.UsageError(proto, "mv", "a mailbox cannot become a message")
	}
	if err != nil {
		return c.wrap(err, "mv", to)
	}
	return c.on(ctx, "mv", from, false, func(ctx context.Context, s *session.Session, n *imapwire.Name) error {
		s.Leave(n.Mailbox)
		return s.Simple("RENAME", session.BoxName(n.Mailbox), session.BoxName(target.Mailbox))
	})
}

// Make makes a mailbox (CREATE).
func (c *Client) Make(ctx context.Context, text string) error {
	return c.on(ctx, "mkdir", text, false, func(ctx context.Context, s *session.Session, n *imapwire.Name) error {
		if err := n.Wholly(); err != nil {
			return err
		}
		return s.Simple("CREATE", session.BoxName(n.Mailbox))
	})
}

// Unmake deletes a mailbox without messages and without mailboxes below it, or with
// Settings.Force any.
func (c *Client) Unmake(ctx context.Context, text string) error {
	return c.on(ctx, "rmdir", text, false, func(ctx context.Context, s *session.Session, n *imapwire.Name) error {
		if err := n.Wholly(); err != nil {
			return err
		}
		if !c.Settings.Force {
			if err := mayDelete(s, n.Mailbox); err != nil {
				return err
			}
		}
		s.Leave(n.Mailbox)
		return s.Simple("DELETE", session.BoxName(n.Mailbox))
	})
}

// Subscribe puts a mailbox on the list of subscriptions, or with off takes it away.
func (c *Client) Subscribe(ctx context.Context, text string, off bool) error {
	return c.on(ctx, "subscribe", text, false, func(ctx context.Context, s *session.Session, n *imapwire.Name) error {
		if off {
			return s.Simple("UNSUBSCRIBE", session.BoxName(n.Mailbox))
		}
		return s.Simple("SUBSCRIBE", session.BoxName(n.Mailbox))
	})
}

// Expunge removes what is marked \Deleted in a mailbox for good, or only those of
// the UIDs that the name has (UIDPLUS).
func (c *Client) Expunge(ctx context.Context, text string) error {
	return c.on(ctx, "expunge", text, false, func(ctx context.Context, s *session.Session, n *imapwire.Name) error {
		if _, err := s.Open(n, true); err != nil {
			return err
		}
		if n.UIDs() == "" {
			return s.Simple("EXPUNGE")
		}
		if !s.Has("UIDPLUS") {
			return imapwire.Missing("expunge", "UIDPLUS, and can only expunge whole mailboxes")
		}
		return s.Simple("UID EXPUNGE", n.UIDs())
	})
}
