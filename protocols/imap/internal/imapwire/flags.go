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

// systemFlags are the system flags that clients may store (RFC 3501 2.3.2).
var systemFlags = []string{`\Answered`, `\Deleted`, `\Draft`, `\Flagged`, `\Seen`}

// IsSystemFlag reports whether a flag is a system flag that clients may store.
func IsSystemFlag(f string) bool { return hasFlag(systemFlags, f) }

// FlagOf returns a flag as the wire has it: system flags get the backslash that people
// leave out.
func FlagOf(text string) string {
	for _, f := range systemFlags {
		if strings.EqualFold(text, f[1:]) {
			return f
		}
	}
	return text
}

func hasFlag(list []string, flag string) bool {
	return slices.ContainsFunc(list, func(f string) bool { return strings.EqualFold(f, flag) })
}

// IsStorable reports whether a flag can be stored at all: a keyword, or one of the
// system flags that clients may store.
func IsStorable(f string) bool {
	return IsFlag(f) && (IsSystemFlag(f) || !strings.HasPrefix(f, `\`))
}

// Storable returns the flags that can be stored where the server names permanent
// flags (RFC 3501 7.1); nil: it names none.
func Storable(flags, permanent []string) []string {
	keywords := permanent == nil || slices.Contains(permanent, `\*`)
	return slices.DeleteFunc(slices.Clone(flags), func(f string) bool {
		return !IsStorable(f) || permanent != nil && !hasFlag(permanent, f) && (!keywords || IsSystemFlag(f))
	})
}
