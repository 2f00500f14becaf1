package dict

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// query is what a name asks for.
type query struct {
	kind, word, database, method string
	nth                          int // definition; 0: all
}

// parse reads a name, in which colons and percent signs of words are escaped. The
// empty name is a query without a kind.
func parse(name string) (query, error) {
	parts := strings.Split(name, ":")
	if len(parts) == 1 && name != "" {
		parts = []string{"d", name}
	}
	for i, part := range parts {
		parts[i] = unescape(part)
	}
	parts = append(parts, "", "", "")
	q := query{kind: parts[0], word: parts[1], database: parts[2], method: parts[3]}
	if q.database == "" {
		q.database = "!"
	}
	switch {
	case name == "":
		return query{}, nil
	case q.word == "":
		return q, protocols.UsageError("", "", "a word is missing: d:word, m:word, or i:database")
	case q.kind == "i" || q.kind == "m":
		return q, nil
	case q.kind != "d":
		return q, protocols.UsageError("", "", "not a name of this protocol: it begins with d: for definitions, m: for matches or i: for a database")
	case q.method == "":
		return q, nil
	}
	n, err := strconv.Atoi(q.method)
	if err != nil || n < 1 {
		return q, protocols.UsageError("", "", "the number of a definition is 1 or more")
	}
	q.nth = n
	return q, nil
}

// nameOf returns the name of a URL.
func nameOf(u *url.URL) (string, error) {
	parts := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), ":")
	for i, part := range parts {
		plain, err := url.PathUnescape(part)
		if err != nil {
			return "", err
		}
		parts[i] = plain
	}
	return join(parts...), nil
}

// join makes a name of its parts.
func join(parts ...string) string {
	escaped := make([]string, len(parts))
	for i, part := range parts {
		escaped[i] = escaper.Replace(part)
	}
	return strings.Join(escaped, ":")
}

var escaper = strings.NewReplacer("%", "%25", ":", "%3A")

// unescape undoes what join does to a part; what is not escaped stays as it is.
func unescape(part string) string { return unescaper.Replace(part) }

var unescaper = strings.NewReplacer("%25", "%", "%3A", ":", "%3a", ":")

// quote writes an argument as RFC 2229 section 2.2 has it. What is only letters, digits
// and a few signs stays as it is.
func quote(arg string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.!*", r)
	}
	if arg != "" && strings.IndexFunc(arg, func(r rune) bool { return !plain(r) }) < 0 {
		return arg
	}
	return `"` + quoter.Replace(arg) + `"`
}

var quoter = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
