package listing

import (
	"math"
	"strings"
)

// maxFields is how many columns of a line are looked at. What follows
// them can only be part of a name.
const maxFields = 24

// listLine is a line with the bounds of its columns. It lives on the stack.
type listLine struct {
	s string
	f [maxFields]struct{ lo, hi int }
	n int
}

// split finds the columns: runs of anything but blank and tab.
func (l *listLine) split(s string) {
	l.s, l.n = s, 0
	for i := 0; l.n < maxFields; l.n++ {
		for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
			i++
		}
		if i == len(s) {
			return
		}
		lo := i
		for i < len(s) && s[i] != ' ' && s[i] != '\t' {
			i++
		}
		l.f[l.n].lo, l.f[l.n].hi = lo, i
	}
}

// at returns column i, or "" when the line has fewer columns.
func (l *listLine) at(i int) string {
	if i < 0 || i >= l.n {
		return ""
	}
	return l.s[l.f[i].lo:l.f[i].hi]
}

// end returns the offset after column i.
func (l *listLine) end(i int) int {
	if i >= l.n {
		return len(l.s)
	}
	return l.f[i].hi
}

// from returns the line from column i to its end.
func (l *listLine) from(i int) string {
	if i >= l.n {
		return ""
	}
	return l.s[l.f[i].lo:]
}

// after returns the line after column i and the one blank that follows it.
func (l *listLine) after(i int) string { return tail(l.s, l.end(i)+1) }

// text returns columns lo up to, not including, hi with the blanks between them.
func (l *listLine) text(lo, hi int) string {
	if lo >= hi {
		return ""
	}
	return l.s[l.f[lo].lo:l.f[hi-1].hi]
}

func tail(s string, at int) string {
	if at >= len(s) {
		return ""
	}
	return s[at:]
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

// isDigits reports one or more decimal digits and nothing else.
func isDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

func lower(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

func isBlank(s string) bool { return strings.TrimLeft(s, " \t") == "" }

func startsBlank(s string) bool { return s != "" && (s[0] == ' ' || s[0] == '\t') }

// leadingInt reads the digits that s starts with and returns the rest; -1 when
// there is none, or more than nine.
func leadingInt(s string) (int, string) {
	n, i := 0, 0
	for i < len(s) && isDigit(s[i]) && i < 10 {
		n = n*10 + int(s[i]-'0')
		i++
	}
	if i == 0 || i == 10 {
		return -1, s
	}
	return n, s[i:]
}

// digitPair returns the number of the first two bytes, -1 when they are not digits.
func digitPair(s string) int {
	n, _ := twoDigits(s)
	return n
}

func twoDigits(s string) (int, string) {
	if len(s) < 2 || !isDigit(s[0]) || !isDigit(s[1]) {
		return -1, s
	}
	return int(s[0]-'0')*10 + int(s[1]-'0'), s[2:]
}

// parseSize reads a decimal number; leading zeros mean nothing. A number that an
// int64 cannot hold is -1, not known; ok is false for anything else.
func parseSize(s string) (size int64, ok bool) {
	if !isDigits(s) {
		return -1, false
	}
	for i := range len(s) {
		digit := int64(s[i] - '0')
		if size > (math.MaxInt64-digit)/10 {
			return -1, true
		}
		size = size*10 + digit
	}
	return size, true
}

// parseGrouped reads a number with thousands separators: "1,234,567".
func parseGrouped(s string) (int64, bool) {
	if size, ok := parseSize(s); ok {
		return size, true
	}
	s = strings.NewReplacer("\u00a0", ",", "\u202f", ",", "\xa0", ",", ".", ",", "'", ",").Replace(s)
	groups := strings.Split(s, ",")
	for i, g := range groups {
		if !isDigits(g) || i > 0 && len(g) != 3 || len(g) > 3 {
			return -1, false
		}
	}
	return parseSize(strings.Join(groups, ""))
}
