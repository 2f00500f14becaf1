package imap

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// IsSet reports whether a name has a set of UIDs, as "INBOX;UID=1:3,7" has. RFC 5092
// knows one UID only.
func IsSet(text string) bool {
	n, err := imapwire.ParseName(text)
	return err == nil && n.Set != ""
}

// Messages returns the names of the messages that a name with UIDs names, by rising
// UID: those of a range that are there, and each that is named by itself, which
// BulkGet then misses if it is not there. The server is asked before Messages
// returns, so that the client is free while the names are used.
func (c *Client) Messages(ctx context.Context, text string) (iter.Seq[string], error) {
	n, err := c.parse(text)
	if err == nil && n.UIDs() == "" {
		err = protocols.UsageError(proto, "get", "the URL names no message: it wants ;UID=n behind the mailbox")
	}
	if err != nil {
		return nil, c.wrap(err, "get", text)
	}
	var found string
	fixed := *n
	err = c.do(ctx, "get", text, func(s *session) (err error) {
		if err = s.refresh(n); err != nil {
			return err
		}
		fixed.Validity, fixed.Set = s.box.validity, ""
		found, err = s.there(n)
		return err
	})
	if err != nil {
		return nil, err
	}
	wanted := imapwire.SortedRanges(found)
	return func(yield func(string) bool) {
		for _, r := range wanted {
			for uid := uint64(r[0]); uid <= uint64(r[1]); uid++ {
				if fixed.UID = uint32(uid); !yield(fixed.String()) {
					return
				}
			}
		}
	}, nil
}

// there returns the UIDs of a name as a set without "*": those of ranges that are
// there, and all that are named by themselves.
func (s *session) there(n *imapwire.Name) (string, error) {
	found, err := s.searchSet("UID " + n.UIDs())
	if err == nil {
		err = s.plausible(found)
	}
	if err != nil {
		return "", err
	}
	var out []string
	for low, high := range imapwire.EachRange(found) {
		if low = max(low, n.Lowest()); low <= high {
			out = append(out, fmt.Sprintf("%d:%d", low, high))
		}
	}
	for part := range strings.SplitSeq(n.UIDs(), ",") {
		if part != "*" && !strings.Contains(part, ":") {
			out = append(out, part)
		}
	}
	if len(out) == 0 {
		return "", imapwire.NotFound("no message with UIDs " + imapwire.Clip(n.UIDs()))
	}
	return strings.Join(out, ","), nil
}

// plausible: a few bytes can stand for billions of messages.
func (s *session) plausible(found string) error {
	if uint64(imapwire.SetSize(found)) > uint64(s.box.exists)+1000 { // some may have gone just now
		return s.fail(protocols.ProtocolError(proto, "", "a search finds more messages than there are"))
	}
	return nil
}
