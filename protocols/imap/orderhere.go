package imap

import (
	"cmp"
	"net/mail"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// compareBy compares two messages by a key of SORT (RFC 5256 3). CC is not in
// listings, and equal for all.
func compareBy(key string, a, b *protocols.Entry) int {
	switch key {
	case "ARRIVAL":
		return a.Modified.Compare(b.Modified)
	case "DATE":
		return sentDate(a).Compare(sentDate(b))
	case "SIZE":
		return cmp.Compare(a.Size, b.Size)
	case "SUBJECT":
		return cmp.Compare(baseSubject(a.Subject), baseSubject(b.Subject))
	case "FROM", "DISPLAYFROM":
		return cmp.Compare(addressKey(a.From, key), addressKey(b.From, key))
	case "TO", "DISPLAYTO":
		return cmp.Compare(addressKey(a.To, key), addressKey(b.To, key))
	}
	return 0
}

// sentDate is the Date field, or the day of arrival where it makes no sense.
func sentDate(e *protocols.Entry) time.Time {
	if t, err := mail.ParseDate(e.Date); err == nil {
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

// baseSubject takes the marks of replies and forwards off a subject (RFC 5256 2.1,
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
