package imap

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// sortKeys are those of RFC 5256 and 5957.
var sortKeys = []string{"ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO"}

// Sort lists what a query finds in the order of keys: date, arrival, from, to, cc,
// subject, size, each with "-" or "reverse " before it for the reverse order. The
// server sorts if it supports SORT (RFC 5256), else it is done here.
func (c *Client) Sort(ctx context.Context, text, keys, query string) iter.Seq2[protocols.Entry, error] {
	return listing(ctx, c, "sort", text, func(ctx context.Context, s *session.Session, n *imapwire.Name, yield yielder) error {
		order, err := parseSortKeys(keys)
		if err != nil {
			return err
		}
		criteria, err := compileQuery(query)
		if err != nil {
			return err
		}
		if !s.Has("SORT") {
			return sortHere(ctx, s, n, order, query, yield)
		}
		box, err := s.Refresh(n)
		if err != nil {
			return err
		}
		return sortThere(ctx, s, box, order, criteria, yield)
	}, keys, query)
}

// sortKey is one key of an order.
type sortKey struct {
	key     string
	reverse bool
}

func parseSortKeys(keys string) ([]sortKey, error) {
	var out []sortKey
	reverse := false
	for _, word := range strings.FieldsFunc(strings.ToUpper(keys), func(r rune) bool { return r == ' ' || r == ',' }) {
		if word == "REVERSE" {
			reverse = true
			continue
		}
		key, minus := strings.CutPrefix(word, "-")
		if !slices.Contains(sortKeys, key) {
			return nil, protocols.UsageError(proto, "sort", "unknown key "+strings.ToLower(wire.Clip(word))+": want date, arrival, from, to, cc, subject, size")
		}
		out = append(out, sortKey{key, reverse || minus})
		reverse = false
	}
	if len(out) == 0 {
		return nil, protocols.UsageError(proto, "sort", "want keys such as date, or -size")
	}
	return out, nil
}

// sortThere has the server sort, and gets the entries in its order.
func sortThere(ctx context.Context, s *session.Session, box *session.Mailbox, order []sortKey, criteria []any, yield yielder) error {
	var keys []string
	for _, k := range order {
		if k.reverse {
			keys = append(keys, "REVERSE")
		}
		keys = append(keys, k.key)
	}
	var uids []uint32
	err := s.Ask(func(r *imapwire.Response) error {
		if r.Name != "SORT" {
			return nil
		}
		var err error
		uids, err = appendNumbers(uids, r.Args, box.MaxFound())
		return s.Fail(err)
	}, "UID SORT", append([]any{"(" + strings.Join(keys, " ") + ")", "UTF-8"}, criteria...)...)
	if err != nil {
		return err
	}
	uid := func(i int) uint32 { return uids[i] }
	return listInOrder(ctx, box, len(uids), uid, func(_ int, e protocols.Entry) error { return yield(e) })
}

// appendNumbers adds numbers, up to most in all, up to the first word that is not
// one: "(MODSEQ n)" ends the list (RFC 7162 3.1.6).
func appendNumbers(out []uint32, args string, most int) ([]uint32, error) {
	for word := range strings.FieldsSeq(args) {
		n, err := strconv.ParseUint(word, 10, 32)
		if err != nil {
			break
		}
		if len(out) == most {
			return nil, imapwire.ErrTooMany("messages")
		}
		out = append(out, uint32(n))
	}
	return out, nil
}

// How many messages, and how much of their header fields, are held to bring them into
// order.
const (
	orderStep     = 1000
	maxOrderBytes = 16 << 20
)

// listInOrder lists n messages in the order of uid, each with its index. FETCH answers
// in the order of the mailbox, so a few are held at a time.
func listInOrder(ctx context.Context, box *session.Mailbox, n int, uid func(i int) uint32, yield func(i int, e protocols.Entry) error) error {
	for first := 0; first < n; first += orderStep {
		part := make([]uint32, 0, orderStep)
		for i := first; i < min(first+orderStep, n); i++ {
			part = append(part, uid(i))
		}
		held, budget := map[uint32]protocols.Entry{}, session.Budget(maxOrderBytes)
		sorted := slices.Sorted(slices.Values(part))
		sets := imapwire.RangesOf(slices.Compact(sorted)).Sets()
		err := box.Fetch(ctx, "UID FETCH", sets, box.ListItems(), func(m *imapwire.Message) error {
			if m.UID == 0 || m.Size < 0 && m.Header == "" || len(held) == len(part) {
				return nil
			}
			held[m.UID] = box.Entry(m)
			return budget.Take(m.Header)
		})
		if err != nil {
			return err
		}
		for i, uid := range part {
			e, ok := held[uid]
			if !ok {
				continue // it went meanwhile
			}
			if err := yield(first+i, e); err != nil {
				return err
			}
		}
	}
	return nil
}
