// Package maildate reads the dates of messages and articles as programs of forty years
// have written them: RFC 5322 3.3 and 4.3, RFC 1036 2.1.2, RFC 850, asctime, RFC 3339.
package maildate

import (
	"strconv"
	"strings"
	"time"
)

// zones are the names of zones in RFC 5322 4.3, in hours from UTC. Other names say
// nothing.
var zones = map[string]int{
	"UT": 0, "UTC": 0, "GMT": 0, "Z": 0, "": 0,
	"AST": -4, "ADT": -3, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
}

var months = []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}

var days = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

// Parse reads a date: with or without the day of the week, in full or short names, with
// years of two to four digits, without seconds or zone, which is then UTC. It reports
// whether it is one. The time is in the zone that it states.
func Parse(text string) (at time.Time, ok bool) {
	if at, err := time.Parse(usual, text); err == nil {
		at = at.Truncate(time.Second)
		if _, offset := at.Zone(); offset != 0 {
			return at.In(time.FixedZone("", offset)), true
		}
		return at.UTC(), true
	}
	return parseAny(text)
}

// usual is how nearly all programs write dates (RFC 5322 3.3); reading it takes a tenth
// of the time that any other form takes.
const usual = "Mon, 2 Jan 2006 15:04:05 -0700"

// parseAny is Parse for all forms.
func parseAny(text string) (at time.Time, ok bool) {
	words := split(text)
	if len(words) == 0 || len(words) > 12 {
		return at, false
	}
	if at, err := time.Parse(time.RFC3339, words[0]); err == nil {
		return at, true
	}
	var d date
	for _, w := range words {
		if !d.take(w) {
			return at, false
		}
	}
	return d.time()
}

// split returns the words of a date, without comments. Commas separate words, as the
// dashes of RFC 850 do.
func split(text string) []string {
	var b strings.Builder
	depth := 0
	for _, c := range text {
		switch {
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case depth > 0:
			continue
		case c == ',':
			c = ' '
			fallthrough
		default:
			b.WriteRune(c)
		}
		if c == '(' || c == ')' {
			b.WriteByte(' ')
		}
	}
	words := strings.Fields(b.String())
	for i, w := range words {
		if parts := strings.Split(w, "-"); len(parts) == 3 && nameIn(months, parts[1]) >= 0 {
			return append(append(append([]string(nil), words[:i]...), parts...), words[i+1:]...)
		}
	}
	return words
}

// date is what the words read so far say. Its numbers are -1 where they are not known.
type date struct {
	day, month, year   int
	hour, minute, sec  int
	begun, timed, zone bool
	offset             int // seconds east of UTC
	names              int // of zones
}

// take reads one word, by what it looks like and by what is known already.
func (d *date) take(w string) bool {
	if !d.begun {
		*d = date{day: -1, month: -1, year: -1, begun: true}
	}
	if month := nameIn(months, w); month >= 0 && d.month < 0 {
		d.month = month + 1
		return true
	}
	switch {
	case nameIn(days, w) >= 0:
		return true
	case w[0] == '+' || w[0] == '-':
		return d.takeOffset(w)
	case strings.Contains(w, ":") || strings.Contains(w, ".") && d.year >= 0 && !d.timed:
		return d.takeTime(w)
	case w[0] >= '0' && w[0] <= '9' && (d.day < 0 || d.year < 0):
		return d.takeNumber(w)
	case w[0] >= '0' && w[0] <= '9':
		return d.takeOffset("+" + w) // some write zones without a sign
	}
	return d.takeZone(w)
}

// takeNumber reads the day, then the year.
func (d *date) takeNumber(w string) bool {
	n, err := strconv.Atoi(w)
	switch {
	case err != nil:
		return false
	case d.day < 0 && len(w) <= 2:
		d.day = n
		return true
	case n < 69 && len(w) < 4:
		n += 2000
	case n < 1000 && len(w) < 4: // two digits, or three of a year counted from 1900
		n += 1900
	}
	d.year = n
	return true
}

// takeTime reads 15:04:05, 15:04 or 15.04.05, with a zone right after it.
func (d *date) takeTime(w string) bool {
	if d.timed {
		return false
	}
	if i := strings.IndexAny(w, "+-"); i > 0 {
		if !d.takeOffset(w[i:]) {
			return false
		}
		w = w[:i]
	}
	parts := strings.FieldsFunc(w, func(r rune) bool { return r == ':' })
	if len(parts) == 1 {
		parts = strings.Split(w, ".")
	}
	if len(parts) < 2 || len(parts) > 3 {
		return false
	}
	if len(parts) == 3 {
		parts[2], _, _ = strings.Cut(parts[2], ".") // fractions
	}
	n := [3]int{}
	for i, p := range parts {
		v, err := strconv.Atoi(p)
		if err != nil || len(p) > 2 || v < 0 {
			return false
		}
		n[i] = v
	}
	d.hour, d.minute, d.sec, d.timed = n[0], n[1], n[2], true
	return d.hour < 24 && d.minute < 60 && d.sec < 61
}

// takeOffset reads +0100 or +01:00.
func (d *date) takeOffset(w string) bool {
	digits := strings.Replace(w[1:], ":", "", 1)
	n, err := strconv.Atoi(digits)
	if err != nil || len(digits) > 4 || n < 0 || n%100 > 59 {
		return false
	}
	if d.zone {
		return true // after GMT, or a second one
	}
	d.offset, d.zone = (n/100)*3600+(n%100)*60, true
	if w[0] == '-' {
		d.offset = -d.offset
	}
	return true
}

// takeZone reads the name of a zone. An unknown one is UTC, as RFC 5322 4.3 asks for.
func (d *date) takeZone(w string) bool {
	name := strings.ToUpper(w)
	if rest := strings.TrimLeft(name, "GMTUC"); len(rest) > 1 && len(rest) < len(name) && (rest[0] == '+' || rest[0] == '-') {
		return d.takeOffset(rest) // GMT+0100
	}
	d.names++
	if strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || len(name) > 5 || d.month < 0 || d.names > 2 {
		return false
	}
	if hours, known := zones[name]; known && !d.zone {
		d.offset, d.zone = hours*3600, true
	}
	return true
}

// time returns the time, if all that it needs was read and is in range.
func (d *date) time() (time.Time, bool) {
	if d.day < 1 || d.month < 1 || d.year < 1 || d.year > 9999 || !d.timed {
		return time.Time{}, false
	}
	at := time.Date(d.year, time.Month(d.month), d.day, d.hour, d.minute, d.sec, 0, time.UTC)
	if at.Day() != d.day && d.sec < 60 {
		return time.Time{}, false // the 31st of a month with 30 days
	}
	at = at.Add(-time.Duration(d.offset) * time.Second)
	if d.offset != 0 {
		at = at.In(time.FixedZone("", d.offset))
	}
	return at, true
}

// nameIn returns the place of a name, in full, of its first three letters, or of four as
// in "Sept", with or without a final dot; -1 if it is not there.
func nameIn(names []string, w string) int {
	w = strings.ToLower(strings.TrimSuffix(w, "."))
	if len(w) < 3 {
		return -1
	}
	for i, n := range names {
		if w == n || len(w) <= 5 && strings.HasPrefix(n, w) {
			return i
		}
	}
	return -1
}
