package imap

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// checkArgs refuses what would end or cut a command.
func checkArgs(args ...string) error {
	if err := wire.Check(args...); err != nil {
		return &protocols.Error{Kind: protocols.KindUsage, Err: err}
	}
	return nil
}

// on runs one operation on what a name points at. messages says whether that
// must be messages; their mailbox is then open for writing.
func (c *Client) on(ctx context.Context, op, text string, messages bool, f func(s *session, n *imapwire.Name) error) error {
	release, err := c.enter(ctx, text)
	if err != nil {
		return c.wrap(err, op, text)
	}
	defer release()
	n, err := imapwire.ParseName(text)
	switch {
	case err != nil:
	case n.Mailbox == "":
		err = protocols.UsageError(proto, op, "the URL names no mailbox")
	case messages && n.UIDs() == "":
		err = protocols.UsageError(proto, op, "the URL names no message: it wants ;UID=n behind the mailbox")
	case !messages && n.Section != "":
		err = protocols.UsageError(proto, op, "the URL names a part of a message")
	}
	if err != nil {
		return c.wrap(err, op, text)
	}
	return c.wrap(c.keeper.Run(ctx, func(s *session) error {
		if messages {
			if err := s.open(n, true); err != nil {
				return err
			}
		}
		return f(s, n)
	}), op, text)
}

// Remove deletes messages for good: they are marked and expunged, and no other
// message is, not even one that was marked before by somebody else.
func (c *Client) Remove(ctx context.Context, text string) error {
	return c.on(ctx, "rm", text, true, func(s *session, n *imapwire.Name) error {
		return s.remove(n.UIDs())
	})
}

// remove marks and expunges. Without UIDPLUS (RFC 4315) EXPUNGE takes all that is
// marked, so that nothing else may be marked then.
func (s *session) remove(set string) error {
	alone := s.hasOr2("UIDPLUS")
	if !alone {
		if err := s.onlyMarked(set); err != nil {
			return err
		}
	}
	if err := s.mustExist(set); err != nil {
		return err
	}
	if err := s.simple("UID STORE", set, `+FLAGS.SILENT (\Deleted)`); err != nil {
		return err
	}
	if alone {
		return s.simple("UID EXPUNGE", set)
	}
	return s.simple("EXPUNGE")
}

// mustExist fails when no message of the set is there: STORE says OK to nothing.
func (s *session) mustExist(set string) error {
	found, err := s.searchSet("UID " + set)
	if err == nil && found == "" {
		err = imapwire.NotFound("no message with UID " + set)
	}
	return err
}

// onlyMarked fails if a message that is not of the set is marked \Deleted.
func (s *session) onlyMarked(set string) error {
	others, err := s.searchSet("DELETED NOT UID " + set)
	if err == nil && others != "" {
		err = &protocols.Error{Kind: protocols.KindRefused, Text: "the server has no UIDPLUS, and other messages are marked \\Deleted: they would go too",
			Hint: "take the mark from them (flag -\\Deleted), or expunge them first"}
	}
	return err
}

// Flag changes the flags of messages: changes are flags with a sign, `+\Seen`,
// `-\Flagged` (or `!\Flagged`); flags without any replace all that were there.
func (c *Client) Flag(ctx context.Context, text string, changes ...string) error {
	ops, err := flagOps(changes)
	if err != nil {
		return c.wrap(err, "flag", text)
	}
	return c.on(ctx, "flag", text, true, func(s *session, n *imapwire.Name) error {
		if err := s.mustExist(n.UIDs()); err != nil {
			return err
		}
		for _, op := range ops {
			if err := s.simple("UID STORE", n.UIDs(), op); err != nil {
				return err
			}
		}
		return nil
	})
}

// flagOps makes the STORE items of flag changes.
func flagOps(changes []string) ([]string, error) {
	lists := map[string][]string{}
	for _, ch := range changes {
		sign := ""
		if ch != "" && strings.Contains("+-!", ch[:1]) {
			sign, ch = strings.Replace(ch[:1], "!", "-", 1), ch[1:]
		}
		if !imapwire.IsFlag(ch) {
			return nil, protocols.UsageError(proto, "flag", fmt.Sprintf("%q is no flag: want \\Seen, \\Flagged, a keyword", ch))
		}
		lists[sign] = append(lists[sign], ch)
	}
	if len(changes) == 0 || len(lists[""]) > 0 && len(lists) > 1 {
		return nil, protocols.UsageError(proto, "flag", "want flags that all have a sign, or none")
	}
	var ops []string
	for _, sign := range []string{"", "+", "-"} {
		if flags := lists[sign]; len(flags) > 0 {
			ops = append(ops, sign+"FLAGS.SILENT ("+strings.Join(flags, " ")+")")
		}
	}
	return ops, nil
}

// Copy copies messages to another mailbox of the same server (COPY), and gives
// the name of the first copy where the server tells it (UIDPLUS).
func (c *Client) Copy(ctx context.Context, from, to string) (string, error) {
	var at string
	err := c.transfer(ctx, "cp", from, to, func(s *session, n *imapwire.Name, target string) error {
		if err := s.mustExist(n.UIDs()); err != nil {
			return err
		}
		st, err := s.command(nil, "UID COPY", n.UIDs(), boxName(target))
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
		return c.rename(ctx, from, to)
	}
	return c.transfer(ctx, "mv", from, to, func(s *session, n *imapwire.Name, target string) error {
		if err := s.mustExist(n.UIDs()); err != nil {
			return err
		}
		if s.hasOr2("MOVE") {
			return s.simple("UID MOVE", n.UIDs(), boxName(target))
		}
		if err := s.simple("UID COPY", n.UIDs(), boxName(target)); err != nil {
			return err
		}
		return s.remove(n.UIDs())
	})
}

// transfer runs f with the messages' mailbox open and the target's name.
func (c *Client) transfer(ctx context.Context, op, from, to string, f func(s *session, n *imapwire.Name, target string) error) error {
	target, err := c.parse(to)
	if err == nil && (target.Mailbox == "" || target.UIDs() != "") {
		err = protocols.UsageError(proto, op, "the target must be a mailbox")
	}
	if err != nil {
		return c.wrap(err, op, to)
	}
	return c.on(ctx, op, from, true, func(s *session, n *imapwire.Name) error { return f(s, n, target.Mailbox) })
}

func (c *Client) rename(ctx context.Context, from, to string) error {
	target, err := c.parse(to)
	if err == nil && target.UIDs() != "" {
		err = protocols.UsageError(proto, "mv", "a mailbox cannot become a message")
	}
	if err != nil {
		return c.wrap(err, "mv", to)
	}
	return c.on(ctx, "mv", from, false, func(s *session, n *imapwire.Name) error {
		s.leave(n.Mailbox)
		return s.simple("RENAME", boxName(n.Mailbox), boxName(target.Mailbox))
	})
}

// Make makes a mailbox (CREATE).
func (c *Client) Make(ctx context.Context, text string) error {
	return c.on(ctx, "mkdir", text, false, func(s *session, n *imapwire.Name) error {
		if err := n.Wholly(); err != nil {
			return err
		}
		return s.simple("CREATE", boxName(n.Mailbox))
	})
}

// Unmake deletes a mailbox that holds no messages, or with Settings.Force any.
func (c *Client) Unmake(ctx context.Context, text string) error {
	return c.on(ctx, "rmdir", text, false, func(s *session, n *imapwire.Name) error {
		if err := n.Wholly(); err != nil {
			return err
		}
		if !c.Settings.Force {
			e, err := s.statMailbox(n)
			if err != nil {
				return err
			}
			if e.GroupInfo != nil && e.Count > 0 {
				return &protocols.Error{Kind: protocols.KindRefused, Sentinel: fs.ErrExist, Text: fmt.Sprintf("the mailbox holds %d messages", e.Count),
					Hint: "--force deletes it with all that is in it"}
			}
		}
		s.leave(n.Mailbox)
		return s.simple("DELETE", boxName(n.Mailbox))
	})
}

// leave closes a mailbox that is about to go away, without expunging.
func (s *session) leave(mailbox string) {
	if s.box != nil && s.box.name == mailbox {
		if s.hasOr2("UNSELECT") {
			s.simple("UNSELECT")
		}
		s.box = nil
	}
}

// Subscribe puts a mailbox on the list of subscriptions, or with off takes it away.
func (c *Client) Subscribe(ctx context.Context, text string, off bool) error {
	return c.on(ctx, "subscribe", text, false, func(s *session, n *imapwire.Name) error {
		if off {
			return s.simple("UNSUBSCRIBE", boxName(n.Mailbox))
		}
		return s.simple("SUBSCRIBE", boxName(n.Mailbox))
	})
}

// Expunge removes what is marked \Deleted in a mailbox for good, or only those of
// the UIDs that the name has (UIDPLUS).
func (c *Client) Expunge(ctx context.Context, text string) error {
	return c.on(ctx, "expunge", text, false, func(s *session, n *imapwire.Name) error {
		if err := s.open(n, true); err != nil {
			return err
		}
		if n.UIDs() == "" {
			return s.simple("EXPUNGE")
		}
		if !s.hasOr2("UIDPLUS") {
			return imapwire.Missing("expunge", "UIDPLUS, and can only expunge whole mailboxes")
		}
		return s.simple("UID EXPUNGE", n.UIDs())
	})
}
