// Package naming compares the names of files: what servers make of them, and patterns.
package naming

import (
	"path"
	"strings"
	"unicode"
)

// Skeleton is what is left of a name, whatever a server does to it: lower case letters
// and digits of ASCII, but none that carries an accent.
func Skeleton(name string) string {
	var b strings.Builder
	last := -1
	for _, r := range strings.ToLower(name) {
		switch {
		case unicode.Is(unicode.Mn, r) && last >= 0:
			rest := b.String()[:last]
			b.Reset()
			b.WriteString(rest)
			last = -1
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			last = b.Len()
			b.WriteRune(r)
		default:
			last = -1
		}
	}
	return b.String()
}

// Plain reports whether a server has no reason to change a name.
func Plain(name string) bool {
	return !strings.HasPrefix(name, ".") && !strings.ContainsFunc(name, func(r rune) bool {
		return r > '~' || !strings.ContainsRune("._-", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// Twins finds names that differ only in what servers change.
type Twins struct {
	Found bool
	keys  map[string]bool
}

// Add takes one more name.
func (t *Twins) Add(name string) {
	key := Skeleton(name)
	if t.Found || key == "" {
		return
	}
	if t.keys == nil {
		t.keys = map[string]bool{}
	}
	t.Found = t.keys[key]
	t.keys[key] = true
}

// MatchParts matches the components of a name with those of a pattern, of which "**" is
// any number. It goes back to the last "**" only: what an earlier one could take, the
// last one can take too.
func MatchParts(pat, name []string) bool {
	p, n, starP, starN := 0, 0, -1, 0
	for n < len(name) {
		switch {
		case p < len(pat) && pat[p] == "**":
			starP, starN = p, n
			p++
		case p < len(pat) && matchPart(pat[p], name[n]):
			p, n = p+1, n+1
		case starP >= 0:
			starN++
			p, n = starP+1, starN
		default:
			return false
		}
	}
	for p < len(pat) && pat[p] == "**" && p != len(pat)-1 {
		p++
	}
	// "a/**" is what is in a, not a itself; "**" alone is everything.
	return p == len(pat)
}

func matchPart(pat, name string) bool {
	ok, err := path.Match(pat, name)
	return ok && err == nil
}
