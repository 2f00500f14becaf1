package nntp

import (
	"strings"
	"unicode/utf8"
)

// Wildmat reports whether name matches a wildmat (RFC 3977 4): patterns separated by
// commas, of which the last match decides; "!" negates one. Patterns have "*", "?",
// and "[a-z]" as on old servers. An empty wildmat matches all names.
func Wildmat(wildmat, name string) bool {
	fits := wildmat == ""
	for pattern := range strings.SplitSeq(wildmat, ",") {
		rest, not := strings.CutPrefix(pattern, "!")
		if (fits == not) && wild(rest, name) {
			fits = !not
		}
	}
	return fits
}

// wild matches one pattern. It backtracks only to the last star, so that it needs
// at most len(p)*len(s) steps.
func wild(p, s string) bool {
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(s) {
		if i < len(p) && p[i] == '*' {
			star, mark = i, j
			i++
			continue
		}
		if np, ns := one(p[i:], s[j:]); np > 0 {
			i, j = i+np, j+ns
			continue
		}
		if star < 0 {
			return false
		}
		_, size := utf8.DecodeRuneInString(s[mark:])
		mark += size
		i, j = star+1, mark
	}
	return strings.Trim(p[i:], "*") == ""
}

// one matches one character and returns the lengths of pattern and text, or 0.
func one(p, s string) (np, ns int) {
	if p == "" {
		return 0, 0
	}
	r, ns := utf8.DecodeRuneInString(s)
	switch p[0] {
	case '?':
		return 1, ns
	case '\\':
		if len(p) > 1 {
			p = p[1:]
			if q, n := utf8.DecodeRuneInString(p); q == r {
				return n + 1, ns
			}
			return 0, 0
		}
	case '[':
		if end := strings.IndexByte(p[1:], ']'); end > 0 {
			if class(p[1:end+1], r) {
				return end + 2, ns
			}
			return 0, 0
		}
	}
	if q, n := utf8.DecodeRuneInString(p); q == r {
		return n, ns
	}
	return 0, 0
}

// class matches the inside of brackets.
func class(set string, r rune) bool {
	set, not := strings.CutPrefix(set, "^")
	found := false
	runes := []rune(set)
	for i := 0; i < len(runes); i++ {
		low, high := runes[i], runes[i]
		if i+2 < len(runes) && runes[i+1] == '-' {
			high = runes[i+2]
			i += 2
		}
		found = found || r >= low && r <= high
	}
	return found != not
}
