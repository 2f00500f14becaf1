package imap

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// Subscribed lists the mailboxes that are subscribed to (LSUB).
func (c *Client) Subscribed(ctx context.Context, text string) iter.Seq2[protocols.Entry, error] {
	return listing(ctx, c, "subscribe", text, func(ctx context.Context, s *session.Session, n *imapwire.Name, yield yielder) error {
		return listMailboxes(s, n.Mailbox, true, yield)
	})
}

// Select opens a mailbox and returns what the server says of it: counts, flags,
// UIDVALIDITY and so on, as facts.
func (c *Client) Select(ctx context.Context, text string, readOnly bool) (protocols.Entry, error) {
	var e protocols.Entry
	err := c.on(ctx, "select", text, false, func(ctx context.Context, s *session.Session, n *imapwire.Name) error {
		b, err := s.Select(n.Mailbox, !readOnly)
		if err == nil {
			err = b.Same(n)
		}
		if err != nil {
			return err
		}
		e = mailboxEntry(s, &listed{name: n.Mailbox})
		e.GroupInfo = &protocols.GroupInfo{Count: int64(b.Exists)}
		e.Facts = map[string]string{
			"uidvalidity": strconv.FormatUint(uint64(b.Validity), 10), "uidnext": strconv.FormatUint(uint64(b.UIDNext), 10),
			"flags": strings.Join(b.Flags, " "), "permanentflags": strings.Join(b.Permanent, " "), "readonly": fmt.Sprint(b.ReadOnly),
		}
		if b.ModSeq != 0 {
			e.Facts["highestmodseq"] = strconv.FormatUint(b.ModSeq, 10)
		}
		return nil
	})
	return e, err
}

// Check asks the server for a checkpoint of a mailbox (CHECK), or NOOP on servers
// that have dropped it.
func (c *Client) Check(ctx context.Context, text string) error {
	return c.on(ctx, "check", text, false, func(ctx context.Context, s *session.Session, n *imapwire.Name) error {
		if _, err := s.Open(n, true); err != nil {
			return err
		}
		if err := s.Simple("CHECK"); !imapwire.Refused(err) {
			return err
		}
		return s.Simple("NOOP")
	})
}
