package imap

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// Subscribed lists the mailboxes that are subscribed to (LSUB).
func (c *Client) Subscribed(ctx context.Context, text string) iter.Seq2[protocols.Entry, error] {
	return c.listing(ctx, "subscribe", text, func(s *session, n *imapwire.Name, yield func(protocols.Entry) error) error {
		return s.listMailboxes(n.Mailbox, true, yield)
	})
}

// Select opens a mailbox and returns all that the server tells of it: counts, flags,
// UIDVALIDITY and so on, as facts.
func (c *Client) Select(ctx context.Context, text string, readOnly bool) (protocols.Entry, error) {
	var e protocols.Entry
	err := c.on(ctx, "select", text, false, func(s *session, n *imapwire.Name) error {
		if err := s.selectBox(n.Mailbox, !readOnly); err != nil {
			return err
		}
		if err := s.sameValidity(n); err != nil {
			return err
		}
		b := s.box
		e = s.mailboxEntry(&listed{name: n.Mailbox})
		e.GroupInfo = &protocols.GroupInfo{Count: int64(b.exists)}
		e.Facts = map[string]string{
			"uidvalidity": strconv.FormatUint(uint64(b.validity), 10), "uidnext": strconv.FormatUint(uint64(b.uidNext), 10),
			"flags": strings.Join(b.flags, " "), "permanentflags": strings.Join(b.permanent, " "), "readonly": fmt.Sprint(b.readOnly),
		}
		if b.modSeq != 0 {
			e.Facts["highestmodseq"] = strconv.FormatUint(b.modSeq, 10)
		}
		return nil
	})
	return e, err
}

// Check asks the server for a checkpoint of a mailbox (CHECK), or NOOP on servers
// that have dropped it.
func (c *Client) Check(ctx context.Context, text string) error {
	return c.on(ctx, "check", text, false, func(s *session, n *imapwire.Name) error {
		if err := s.open(n, true); err != nil {
			return err
		}
		if err := s.simple("CHECK"); !imapwire.Refused(err) {
			return err
		}
		return s.simple("NOOP")
	})
}
