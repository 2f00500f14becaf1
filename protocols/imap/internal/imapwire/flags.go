package imapwire

import (
	"slices"
	"strings"
)

// IsFlag reports whether text is a flag (RFC 3501 9): it goes into a command as it is.
func IsFlag(s string) bool {
	s = strings.TrimPrefix(s, `\`)
	for i := range len(s) {
		if b := s[i]; b <= ' ' || b > '~' || strings.IndexByte(`(){%*"\]`, b) >= 0 {
			return false
		}
	}
	return s != ""
}

// mostFlags bounds the flags that one response may bring.
const mostFlags = 1000

// FlagList reads a list of flags in parentheses.
func FlagList(s string) []string {
	s = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(s), "("), ")")
	list := strings.Fields(s)
	return list[:min(len(list), mostFlags)]
}

// Storable leaves the flags that can be stored.
func Storable(flags []string) []string {
	return slices.DeleteFunc(slices.Clone(flags), func(f string) bool { return !IsFlag(f) || strings.EqualFold(f, `\Recent`) })
}
