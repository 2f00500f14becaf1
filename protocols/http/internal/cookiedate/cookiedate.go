// Package cookiedate reads the dates of cookies (RFC 6265 5.1.1).
package cookiedate

import (
	"strconv"
	"strings"
	"time"
)

// Parse reads a date of any form that servers have used, by its tokens
// (RFC 6265 5.1.1): of each kind the first token counts.
func Parse(text string) (time.Time, bool) {
	var d date
	for _, token := range strings.FieldsFunc(text, isDelimiter) {
		d.take(token)
	}
	return d.time()
}

// isDelimiter reports whether a character parts the tokens of a cookie's date.
func isDelimiter(r rune) bool {
	return r == '\t' || r >= ' ' && r <= '/' || r >= ';' && r <= '@' || r >= '[' && r <= '`' || r >= '{' && r <= '~'
}

// date is what the tokens of a date have said so far.
type date struct {
	clock, day, month, year                bool
	h, m, s, dayNumber, monthNumber, yearN int
}

func (d *date) take(token string) {
	switch {
	case !d.clock && d.takeClock(token):
		d.clock = true
	case !d.day && leadingNumber(token, 1, 2, &d.dayNumber):
		d.day = true
	case !d.month && d.takeMonth(token):
		d.month = true
	case !d.year && leadingNumber(token, 2, 4, &d.yearN):
		d.year = true
	}
}

// takeClock reads hours, minutes and seconds, of one or two digits each.
func (d *date) takeClock(token string) bool {
	parts := strings.SplitN(token, ":", 3)
	return len(parts) == 3 && digits(parts[0]) && leadingNumber(parts[0], 1, 2, &d.h) &&
		digits(parts[1]) && leadingNumber(parts[1], 1, 2, &d.m) && leadingNumber(parts[2], 1, 2, &d.s)
}

func (d *date) takeMonth(token string) bool {
	if len(token) < 3 {
		return false
	}
	i := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", strings.ToLower(token[:3]))
	if i < 0 || i%3 != 0 {
		return false
	}
	d.monthNumber = i/3 + 1
	return true
}

// leadingNumber reads the digits that a token begins with: at least least, at most most.
func leadingNumber(token string, least, most int, n *int) bool {
	end := strings.IndexFunc(token, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(token)
	}
	if end < least || end > most {
		return false
	}
	var err error
	*n, err = strconv.Atoi(token[:end])
	return err == nil
}

// time returns the date, when all of it was there and it exists.
func (d *date) time() (time.Time, bool) {
	year := d.yearN
	switch {
	case year < 70:
		year += 2000
	case year < 100:
		year += 1900
	}
	if !d.clock || !d.day || !d.month || !d.year || year < 1601 || d.h > 23 || d.m > 59 || d.s > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(d.monthNumber), d.dayNumber, d.h, d.m, d.s, 0, time.UTC)
	return t, t.Day() == d.dayNumber
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
