package imap

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// sortKeys are those of RFC 5256 and 5957.
var sortKeys = []string{"ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO"}

// sortMost is the most messages that are sorted here, for servers without SORT.
const sortMost = 100_000

// Sort lists what a query finds in the order of keys: date, arrival, from, to, cc,
// subject, size, each with "-" or "reverse " before it to turn it round. The
// server sorts where it has SORT (RFC 5256), else it is done here.
func (c *Client) Sort(ctx context.Context, text, keys, query string) iter.Seq2[protocols.Entry, error] {
	return c.listing(ctx, "sort", text, func(s *session, n *imapwire.Name, yield func(protocols.Entry) error) error {
		order, err := parseSortKeys(keys)
		if err != nil {
			return err
		}
		criteria, err := compileQuery(query)
		if err != nil {
			return err
		}
		if err := s.refresh(n); err != nil {
			return err
		}
		if s.caps["SORT"] {
			return s.sortThere(ctx, order, criteria, yield)
		}
		return s.sortHere(ctx, n, order, query, yield)
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
			return nil, protocols.UsageError(proto, "sort", "unknown key "+strings.ToLower(imapwire.Clip(word))+": want date, arrival, from, to, cc, subject, size")
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
func (s *session) sortThere(ctx context.Context, order []sortKey, criteria []any, yield func(protocols.Entry) error) error {
	var keys []string
	for _, k := range order {
		if k.reverse {
			keys = append(keys, "REVERSE")
		}
		keys = append(keys, k.key)
	}
	var uids []uint32
	err := s.ask(func(r *imapwire.Response) error {
		if r.Name != "SORT" {
			return nil
		}
		var err error
		uids, err = appendNumbers(uids, r.Args)
		return s.fail(err)
	}, "UID SORT", append([]any{"(" + strings.Join(keys, " ") + ")", "UTF-8"}, criteria...)...)
	if err != nil {
		return err
	}
	return s.listInOrder(ctx, uids, func(_ int, e protocols.Entry) error { return yield(e) })
}

// orderMost is the most messages that a server may bring into order: their UIDs are
// held, nothing else of them is.
const orderMost = 2_000_000

func errOrder() error {
	return protocols.ProtocolError(proto, "", fmt.Sprintf("the server sorts more than %d messages", orderMost))
}

// appendNumbers adds numbers up to the first word that is none: "(MODSEQ n)" ends
// the list (RFC 7162 3.1.6).
func appendNumbers(out []uint32, args string) ([]uint32, error) {
	for word := range strings.FieldsSeq(args) {
		n, err := strconv.ParseUint(word, 10, 32)
		if err != nil {
			break
		}
		if len(out) == orderMost {
			return nil, errOrder()
		}
		out = append(out, uint32(n))
	}
	return out, nil
}

// orderStep is how many messages are held to bring them into order.
const orderStep = 1000

// listInOrder lists messages in the order given, each with its index: FETCH answers
// in the mailbox's, so that a few are held at a time.
func (s *session) listInOrder(ctx context.Context, uids []uint32, yield func(i int, e protocols.Entry) error) error {
	for first := 0; first < len(uids); first += orderStep {
		part := uids[first:min(first+orderStep, len(uids))]
		held := map[uint32]protocols.Entry{}
		sorted := slices.Sorted(slices.Values(part))
		err := s.fetchSets(ctx, "UID FETCH", imapwire.CutSet(imapwire.UIDSet(slices.Compact(sorted))), s.listItems(), func(r *imapwire.Response) error {
			m, err := imapwire.ParseFetch(r, s.c.limits)
			if err == nil && m.UID != 0 && m.Size >= 0 && len(held) < len(part) {
				held[m.UID] = s.entry(&m)
			}
			return s.fail(err)
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

// sortHere sorts what a search lists.
func (s *session) sortHere(ctx context.Context, n *imapwire.Name, order []sortKey, query string, yield func(protocols.Entry) error) error {
	var all []protocols.Entry
	err := s.listFound(ctx, n, query, func(e protocols.Entry) error {
		if len(all) == sortMost {
			return &protocols.Error{Kind: protocols.KindRefused, Text: "the server has no SORT, and these are too many messages to sort here"}
		}
		all = append(all, e)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b protocols.Entry) int {
		for _, k := range order {
			d := compareBy(k.key, &a, &b)
			if k.reverse {
				d = -d
			}
			if d != 0 {
				return d
			}
		}
		return 0
	})
	for _, e := range all {
		if err := yield(e); err != nil {
			return err
		}
	}
	return nil
}
