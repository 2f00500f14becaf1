package show

import (
	"strings"
	"unicode/utf8"
)

// Safe makes text of a server harmless for a terminal: control characters (C0,
// C1, DEL), line and paragraph separators and the characters that reorder or
// hide text become U+FFFD, invalid UTF-8 too. A tab becomes a space.
func Safe(s string) string {
	if plain(s) {
		return s
	}
	return strings.Map(harmless, strings.ToValidUTF8(s, "\uFFFD"))
}

// plain is the quick way out: printable ASCII only.
func plain[S string | []byte](s S) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

func harmless(r rune) rune {
	switch {
	case r == '\t':
		return ' '
	case r < 0x20, r >= 0x7f && r < 0xa0, r == utf8.RuneError:
		return utf8.RuneError
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069: // embeddings, overrides, isolates
		return utf8.RuneError
	case r == 0x200e, r == 0x200f, r == 0x061c, r == 0x2028, r == 0x2029, r == 0xfeff: // marks, separators
		return utf8.RuneError
	case r >= 0xe0000 && r <= 0xe007f: // tags: invisible text
		return utf8.RuneError
	}
	return r
}

// SafeLines is safe for a text of several lines, which it keeps.
func SafeLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = Safe(strings.TrimSuffix(l, "\r"))
	}
	return strings.Join(lines, "\n")
}
