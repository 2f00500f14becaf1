package nntp

import (
	"math"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// maxID is the longest message-id in bytes (RFC 3977 3.6).
const maxID = 250

// lastNumber is the end of an open range: numbers are 31 bits in RFC 3977 8.1.1,
// and more on large servers.
const lastNumber = math.MaxInt64

// target is a parsed name. The zero value is the server itself.
type target struct {
	group     string
	wildmat   string // of groups
	id        string // with its angle brackets
	low, high int64  // range of articles, if ranged
	ranged    bool
}

// parseName parses the name argument of a verb.
func parseName(name string) (target, error) {
	if err := wire.Check(name); err != nil {
		return target{}, &protocols.Error{Kind: protocols.KindUsage, Err: err}
	}
	switch {
	case strings.HasPrefix(name, "<"):
		return target{id: name}, checkID(name)
	case strings.Contains(name, "@"):
		id := "<" + name + ">"
		return target{id: id}, checkID(id)
	}
	var t target
	if i := strings.LastIndexByte(name, '/'); i > 0 {
		if low, high, ok := parseRange(name[i+1:]); ok {
			t = target{low: low, high: high, ranged: true}
			name = name[:i]
		}
	}
	if strings.ContainsAny(name, "*?[!,") {
		t.wildmat = name
	} else {
		t.group = name
	}
	if strings.ContainsAny(name, " \t") {
		return t, protocols.UsageError(proto, "", "a group name has no spaces")
	}
	if t.wildmat != "" && t.ranged {
		return t, protocols.UsageError(proto, "", "a range needs one group, not a wildmat")
	}
	return t, nil
}

func checkID(id string) error {
	if len(id) < 3 || len(id) > maxID || !strings.HasSuffix(id, ">") || strings.ContainsAny(id[1:len(id)-1], "<> \t") {
		return protocols.UsageError(proto, "", "a message-id is <text@host>, at most 250 bytes, without spaces")
	}
	return nil
}

// parseRange reads "57", "57-59" or "57-" (RFC 3977 6.1.2.2).
func parseRange(s string) (low, high int64, ok bool) {
	first, last, isRange := strings.Cut(s, "-")
	low, ok = parseNumber(first)
	if !ok {
		return 0, 0, false
	}
	switch {
	case !isRange:
		return low, low, true
	case last == "":
		return low, lastNumber, true
	}
	high, ok = parseNumber(last)
	return low, high, ok
}

// parseNumber reads an article number of up to 63 bits: digits only.
func parseNumber(s string) (int64, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// span writes a range for a command.
func span(low, high int64) string {
	s := strconv.FormatInt(low, 10)
	switch high {
	case low:
		return s
	case lastNumber:
		return s + "-"
	}
	return s + "-" + strconv.FormatInt(high, 10)
}

// single reports whether the target is one article.
func (t *target) single() bool { return t.id != "" || t.ranged && t.low == t.high }

// spec returns the argument of ARTICLE and similar commands: a number, a range or a
// message-id.
func (t *target) spec() string {
	if t.id != "" {
		return t.id
	}
	return span(t.low, t.high)
}

// article parses the name of one article.
func article(name string) (target, error) {
	t, err := parseName(name)
	if err == nil && !t.single() {
		err = &protocols.Error{Proto: proto, Kind: protocols.KindUsage, Text: "an article is GROUP/NUMBER or <message-id>", Hint: "GROUP/1- is all that a group has"}
	}
	return t, err
}

// oneGroup parses the name of a group, with or without a range.
func oneGroup(name string) (target, error) {
	t, err := parseName(name)
	if err == nil && t.group == "" {
		err = protocols.UsageError(proto, "", "name one group")
	}
	return t, err
}

// IsRange reports whether name is a range of articles.
func IsRange(name string) bool {
	t, err := parseName(name)
	return err == nil && t.ranged && t.low != t.high
}

// IsGroup reports whether name is one whole group.
func IsGroup(name string) bool {
	t, err := parseName(name)
	return err == nil && t.group != "" && !t.ranged
}

// IsWildmat reports whether name is a pattern for groups.
func IsWildmat(name string) bool {
	t, err := parseName(name)
	return err == nil && t.wildmat != ""
}
