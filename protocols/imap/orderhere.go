package imap

import (
	"cmp"
	"context"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/maildate"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// The bounds of the messages that are sorted or threaded here, for servers without
// SORT or THREAD.
const (
	maxSorted    = 100_000
	maxSortBytes = 32 << 20
)

// sortable is a message with the values of the keys that it is sorted by.
type sortable struct {
	uid  uint32
	keys []sortValue
}

// sortValue is the value of one key: a time, a size or a text.
type sortValue struct {
	number int64
	text   string
}

// sortHere sorts what a search finds by the values of the keys, and then gets the
// entries in that order: there may be too many of them to be held.
func sortHere(ctx context.Context, s *session.Session, n *imapwire.Name, order []sortKey, query string, yield yielder) error {
	box, found, err := findMessages(s, n, query)
	if err != nil {
		return err
	}
	var all []sortable
	budget := session.Budget(maxSortBytes)
	err = listSets(ctx, box, "UID FETCH", found.Sets(), func(e protocols.Entry) error {
		m := sortable{uid: uidOf(&e), keys: make([]sortValue, len(order))}
		for i, k := range order {
			m.keys[i] = valueOf(k.key, &e)
			if budget.Take(m.keys[i].text) != nil {
				return errTooManyHere("SORT")
			}
		}
		if len(all) == maxSorted {
			return errTooManyHere("SORT")
		}
		all = append(all, m)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b sortable) int {
		for i, k := range order {
			d := cmp.Or(cmp.Compare(a.keys[i].number, b.keys[i].number), cmp.Compare(a.keys[i].text, b.keys[i].text))
			if d != 0 && k.reverse {
				return -d
			}
			if d != 0 {
				return d
			}
		}
		return 0
	})
	uid := func(i int) uint32 { return all[i].uid }
	return listInOrder(ctx, box, len(all), uid, func(_ int, e protocols.Entry) error { return yield(e) })
}

// valueOf returns the value of a key of SORT (RFC 5256 3). CC is not in listings,
// and equal for all.
func valueOf(key string, e *protocols.Entry) sortValue {
	switch key {
	case "ARRIVAL":
		return sortValue{number: seconds(e.Modified)}
	case "DATE":
		return sortValue{number: seconds(sentDate(e))}
	case "SIZE":
		return sortValue{number: e.Size}
	case "SUBJECT":
		return sortValue{text: baseSubject(e.Subject)}
	case "FROM", "DISPLAYFROM":
		return sortValue{text: addressKey(e.From, key)}
	case "TO", "DISPLAYTO":
		return sortValue{text: addressKey(e.To, key)}
	}
	return sortValue{}
}

// seconds returns a time as a number; those that are not known come first.
func seconds(t time.Time) int64 { return t.Unix() }

// sentDate is the Date field, or the day of arrival if it cannot be parsed.
func sentDate(e *protocols.Entry) time.Time {
	if t, ok := maildate.Parse(e.Date); ok {
		return t
	}
	return e.Modified
}

// addressKey is the local part of the first address, or its display name.
func addressKey(field, key string) string {
	list, err := mail.ParseAddressList(field)
	if err != nil || len(list) == 0 {
		return strings.ToLower(field)
	}
	if strings.HasPrefix(key, "DISPLAY") && list[0].Name != "" {
		return strings.ToLower(list[0].Name)
	}
	local, _, _ := strings.Cut(list[0].Address, "@")
	return strings.ToLower(local)
}

// baseSubject removes the marks of replies and forwards from a subject (RFC 5256 2.1,
// in the parts that matter).
func baseSubject(s string) string {
	s = strings.ToLower(strings.Join(strings.Fields(s), " "))
	for {
		before := s
		for _, mark := range []string{"re:", "fw:", "fwd:"} {
			s = strings.TrimSpace(strings.TrimPrefix(s, mark))
		}
		s = strings.TrimSpace(strings.TrimSuffix(s, "(fwd)"))
		if s == before {
			return s
		}
	}
}
