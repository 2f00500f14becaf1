package imap

import (
	"context"
	"iter"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// IsSet reports whether a name has a set of UIDs, as "INBOX;UID=1:3,7" has. RFC 5092
// has one UID only.
func IsSet(text string) bool {
	n, err := imapwire.ParseName(text)
	return err == nil && n.Set != ""
}

// Messages returns the names of the messages that a name with UIDs names, by rising
// UID: those of a range that exist, and each that is named by itself, which
// BulkGet then reports if it does not exist. The server is asked before Messages
// returns, so that the client is free while the names are used.
func (c *Client) Messages(ctx context.Context, text string) (iter.Seq[string], error) {
	n, err := parseFor(c, text)
	if err == nil && n.UIDs() == "" {
		err = protocols.UsageError(proto, "get", "the URL does not name a message: add ;UID=n after the mailbox")
	}
	if err != nil {
		return nil, c.wrap(err, "get", text)
	}
	var found imapwire.Ranges
	fixed := *n
	err = runOn(ctx, c, "get", text, func(ctx context.Context, s *session.Session) (err error) {
		box, err := s.Refresh(n)
		if err != nil {
			return err
		}
		fixed.Validity, fixed.Set = box.Validity, ""
		found, err = existing(box, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	return func(yield func(string) bool) {
		for uid := range found.Each() {
			if fixed.UID = uid; !yield(fixed.String()) {
				return
			}
		}
	}, nil
}

// existing returns the UIDs of a name: those of ranges that exist, and all that are
// named by themselves.
func existing(box *session.Mailbox, n *imapwire.Name) (imapwire.Ranges, error) {
	found, err := box.SearchSet("UID " + n.UIDs())
	if err != nil {
		return nil, err
	}
	out, lowest := found[:0], n.Lowest()
	for _, r := range found {
		if r[0] = max(r[0], lowest); r[0] <= r[1] {
			out = append(out, r)
		}
	}
	for part := range strings.SplitSeq(n.UIDs(), ",") {
		if part != "*" && !strings.Contains(part, ":") {
			out = append(out, imapwire.ParseRanges(part)...)
		}
	}
	if len(out) == 0 {
		return nil, imapwire.NotFound("no message with UIDs " + wire.Clip(n.UIDs()))
	}
	return out.Sorted(), nil
}
