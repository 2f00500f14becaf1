package imap

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// IsSet reports whether a name has a set of UIDs, as "INBOX;UID=1:3,7" has. RFC 5092
// knows one UID only.
func IsSet(text string) bool {
	n, err := parseName(text)
	return err == nil && n.set != ""
}

// Messages returns the names of the messages that a name with UIDs names, by rising
// UID: those of a range that are there, and each that is named by itself, which
// BulkGet then misses if it is not there. The server is asked before Messages
// returns, so that the client is free while the names are used.
func (c *Client) Messages(ctx context.Context, text string) (iter.Seq[string], error) {
	n, err := c.parse(text)
	if err == nil && n.uids() == "" {
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
		fixed.validity, fixed.set = s.box.validity, ""
		found, err = s.there(n)
		return err
	})
	if err != nil {
		return nil, err
	}
	wanted := sortedRanges(found)
	return func(yield func(string) bool) {
		for _, r := range wanted {
			for uid := uint64(r[0]); uid <= uint64(r[1]); uid++ {
				if fixed.uid = uint32(uid); !yield(fixed.String()) {
					return
				}
			}
		}
	}, nil
}

// there returns the UIDs of a name as a set without "*": those of ranges that are
// there, and all that are named by themselves.
func (s *session) there(n *name) (string, error) {
	found, err := s.searchSet("UID " + n.uids())
	if err == nil {
		err = s.plausible(found)
	}
	if err != nil {
		return "", err
	}
	var out []string
	for low, high := range ranges(found) {
		if low = max(low, n.lowest()); low <= high {
			out = append(out, fmt.Sprintf("%d:%d", low, high))
		}
	}
	for part := range strings.SplitSeq(n.uids(), ",") {
		if part != "*" && !strings.Contains(part, ":") {
			out = append(out, part)
		}
	}
	if len(out) == 0 {
		return "", notFound("no message with UIDs " + clip(n.uids()))
	}
	return strings.Join(out, ","), nil
}

// plausible: a few bytes can stand for billions of messages.
func (s *session) plausible(found string) error {
	if uint64(setSize(found)) > uint64(s.box.exists)+1000 { // some may have gone just now
		return s.fail(protocols.ProtocolError(proto, "", "a search finds more messages than there are"))
	}
	return nil
}

// lowest returns the lowest UID that a name has. To a server "9:*" is the last message
// too, if that has a lower UID; who asks for those from 9 on does not want it.
func (n *name) lowest() uint32 {
	lowest := uint32(1<<32 - 1)
	for part := range strings.SplitSeq(n.uids(), ",") {
		if part == "*" {
			return 1
		}
		for end := range strings.SplitSeq(part, ":") {
			if v, err := strconv.ParseUint(end, 10, 32); err == nil {
				lowest = min(lowest, uint32(v))
			}
		}
	}
	return lowest
}
