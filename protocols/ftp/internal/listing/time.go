package listing

import (
	"strings"
	"time"
)

const day = 24 * time.Hour

// stamp is a time as a listing shows it.
type stamp struct {
	t   time.Time
	acc time.Duration
}

// clock is a time of day; sec reports whether seconds were listed.
type clock struct {
	h, m, s, ns int
	sec         bool
}

// monthNames holds the short names that mean one month only, in lower case. The
// names with bytes above 0x7f stand twice: in UTF-8 and in Latin-1.
var monthNames = map[string]time.Month{
	"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
	"sept": 9, "june": 6, "july": 7,
	"jän": 1, "j\xe4n": 1, "jänner": 1, "mär": 3, "m\xe4r": 3, "märz": 3, "m\xe4rz": 3, "mrz": 3, "mai": 5, "juni": 6, "juli": 7, "okt": 10, "dez": 12,
	"janv": 1, "fév": 2, "f\xe9v": 2, "févr": 2, "f\xe9vr": 2, "mars": 3, "avr": 4, "avril": 4, "juin": 6, "juil": 7, "août": 8, "ao\xfbt": 8, "aoû": 8, "ao\xfb": 8, "déc": 12, "d\xe9c": 12,
	"ene": 1, "abr": 4, "ago": 8, "dic": 12,
	"gen": 1, "mag": 5, "giu": 6, "lug": 7, "set": 9, "ott": 10,
	"mrt": 3, "maart": 3, "mei": 5, "maj": 5,
	"fev": 2, "out": 10,
}

// monthField reads a month and returns what is left of the field: "22日" of "11月22日".
func monthField(tok string) (time.Month, string) {
	if tok != "" && isDigit(tok[0]) {
		return cjkMonth(tok)
	}
	tok = strings.TrimRight(tok, ".,")
	var buf [8]byte
	if len(tok) < 3 || len(tok) > len(buf) {
		return 0, ""
	}
	for i := range len(tok) {
		buf[i] = lower(tok[i])
	}
	return monthNames[string(buf[:len(tok)])], ""
}

func cjkMonth(tok string) (time.Month, string) {
	n, rest := leadingInt(tok)
	for _, sign := range []string{"月", "월"} {
		if after, ok := strings.CutPrefix(rest, sign); ok && n >= 1 && n <= 12 {
			return time.Month(n), after
		}
	}
	return 0, ""
}

// signedInt reads digits which one of the signs may follow: "22", "22.", "22日".
func signedInt(tok string, signs ...string) (int, bool) {
	n, rest := leadingInt(tok)
	if rest == "" {
		return n, n >= 0
	}
	for _, sign := range signs {
		if rest == sign {
			return n, n >= 0
		}
	}
	return 0, false
}

func dayField(tok string) (int, bool) {
	n, ok := signedInt(tok, ".", ",", "日", "일")
	return n, ok && n >= 1 && n <= 31
}

func yearField(tok string) (int, bool) {
	n, ok := signedInt(tok, "年", "년")
	return n, ok && n >= 1900 && n <= 2999
}

// parseClock reads "8:01", "08:01", "08:01:05" and "08:01:05.123456789".
func parseClock(tok string) (c clock, ok bool) {
	h, rest := leadingInt(tok)
	if h < 0 || h > 23 || len(rest) < 3 || len(tok)-len(rest) > 2 || rest[0] != ':' {
		return c, false
	}
	m, rest := twoDigits(rest[1:])
	if m < 0 || m > 59 {
		return c, false
	}
	c = clock{h: h, m: m}
	if rest == "" {
		return c, true
	}
	if rest[0] != ':' {
		return c, false
	}
	c.s, rest = twoDigits(rest[1:])
	c.sec = true
	if c.s < 0 || c.s > 60 {
		return c, false
	}
	if rest != "" {
		c.ns, ok = fraction(rest)
		return c, ok
	}
	return c, true
}

// fraction reads ".123" as nanoseconds; digits past the ninth are dropped.
func fraction(s string) (int, bool) {
	if len(s) < 2 || s[0] != '.' || !isDigits(s[1:]) {
		return 0, false
	}
	ns := 0
	for i := range 9 {
		ns *= 10
		if i+1 < len(s) {
			ns += int(s[i+1] - '0')
		}
	}
	return ns, true
}

// clock12 reads a clock that AM or PM may follow, in the field or as the next
// one: "08:01AM", "8:01p", "08:01 PM". It returns how many fields that took.
func clock12(tok, next string) (c clock, fields int, ok bool) {
	if c, ok = parseClock(tok); ok {
		if half := halfOf(next); half != 0 && c.h >= 1 && c.h <= 12 {
			c.h = c.h%12 + half - 1
			return c, 2, true
		}
		return c, 1, true
	}
	i := strings.LastIndexAny(tok, "0123456789") + 1
	half := halfOf(tok[i:])
	c, ok = parseClock(tok[:i])
	if !ok || half == 0 || c.h < 1 || c.h > 12 {
		return c, 0, false
	}
	c.h = c.h%12 + half - 1
	return c, 1, true
}

// halfOf returns 1 for AM, 13 for PM, 0 for anything else.
func halfOf(s string) int {
	switch {
	case strings.EqualFold(s, "am") || strings.EqualFold(s, "a"):
		return 1
	case strings.EqualFold(s, "pm") || strings.EqualFold(s, "p"):
		return 13
	}
	return 0
}

// validDate reports whether the month has that day in that year.
func validDate(y, m, d int) bool {
	if m < 1 || m > 12 || d < 1 {
		return false
	}
	return d <= 28 || d <= time.Date(y, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// at returns the date with the time of day, in the server's zone.
func (c *listContext) at(y, m, d int, k clock) stamp {
	acc := time.Minute
	if k.sec {
		acc = 0
	}
	return stamp{time.Date(y, time.Month(m), d, k.h, k.m, k.s, k.ns, c.zone), acc}
}

// on returns a date without time of day.
func (c *listContext) on(y, m, d int) stamp {
	return stamp{time.Date(y, time.Month(m), d, 0, 0, 0, 0, c.zone), day}
}

// infer finds the year of a date listed without one: the latest in which that
// time lies no more than 24 hours ahead of now. Eight years back always hold a
// 29 February.
func (c *listContext) infer(m time.Month, d int, k clock) (stamp, bool) {
	for y := c.year; y >= c.year-8; y-- {
		if !validDate(y, int(m), d) {
			continue
		}
		if s := c.at(y, int(m), d, k); !s.t.After(c.limit) {
			return s, true
		}
	}
	return stamp{}, false
}

// unixDate reads the date that starts with field i, and returns the offset where
// the name starts: one blank after the date.
func (c *listContext) unixDate(l *listLine, i int) (s stamp, nameAt int, ok bool) {
	tok := l.at(i)
	switch {
	case len(tok) > 2 && isDigits(tok): // most often an id or a size: no date starts so
		return s, 0, false
	case len(tok) >= 5 && isDigit(tok[0]) && strings.IndexByte(tok, '-') > 0:
		return c.isoDate(l, i)
	case isWeekday(tok):
		i++
		tok = l.at(i)
	}
	m, rest := monthField(tok)
	if m == 0 {
		d, isDay := dayField(tok)
		if !isDay {
			return s, 0, false
		}
		if m, rest = monthField(l.at(i + 1)); m == 0 || rest != "" {
			return s, 0, false
		}
		return c.yearOrClock(l, i+2, m, d)
	}
	if rest == "" {
		i++
		rest = l.at(i)
	}
	d, isDay := dayField(rest)
	if !isDay {
		return s, 0, false
	}
	return c.yearOrClock(l, i+1, m, d)
}

// yearOrClock reads what follows month and day. Seconds come with a year after
// them ("08:01:05 2024"); a year alone leaves the time of day open.
func (c *listContext) yearOrClock(l *listLine, i int, m time.Month, d int) (s stamp, nameAt int, ok bool) {
	k, isClock := parseClock(l.at(i))
	if !isClock {
		y, isYear := yearField(l.at(i))
		return c.on(y, int(m), d), l.end(i) + 1, isYear && validDate(y, int(m), d)
	}
	if y, isYear := yearField(l.at(i + 1)); k.sec && isYear && i+2 < l.n {
		return c.at(y, int(m), d, k), l.end(i+1) + 1, validDate(y, int(m), d)
	}
	s, ok = c.infer(m, d, k)
	return s, l.end(i) + 1, ok
}

// isoDate reads "2024-11-22 08:01", "2024-11-22 08:01:05.123 +0100", "11-22
// 08:01", and "2024-11-22 " which the short form pads by one blank.
func (c *listContext) isoDate(l *listLine, i int) (s stamp, nameAt int, ok bool) {
	tok := l.at(i)
	k, isClock := parseClock(l.at(i + 1))
	if len(tok) == 5 && tok[2] == '-' {
		m, d := digitPair(tok[:2]), digitPair(tok[3:])
		if m < 1 || m > 12 || !isClock {
			return s, 0, false
		}
		s, ok = c.infer(time.Month(m), d, k)
		return s, l.end(i+1) + 1, ok
	}
	y, m, d, ok := ymd(tok)
	if !ok {
		return s, 0, false
	}
	if !isClock {
		nameAt = l.end(i) + 1
		if nameAt < len(l.s) && l.s[nameAt] == ' ' {
			nameAt++
		}
		return c.on(y, m, d), nameAt, true
	}
	s = c.at(y, m, d, k)
	if east, isZone := zoneField(l.at(i + 2)); isZone && k.sec && i+3 < l.n {
		s.t = time.Date(y, time.Month(m), d, k.h, k.m, k.s, k.ns, time.FixedZone("", east))
		return s, l.end(i+2) + 1, true
	}
	return s, l.end(i+1) + 1, true
}

// ymd reads "2024-11-22" or "2024/11/22".
func ymd(tok string) (y, m, d int, ok bool) {
	if len(tok) != 10 || tok[4] != tok[7] || tok[4] != '-' && tok[4] != '/' || !isDigits(tok[:4]) {
		return 0, 0, 0, false
	}
	y = digitPair(tok[:2])*100 + digitPair(tok[2:4])
	m, d = digitPair(tok[5:7]), digitPair(tok[8:])
	return y, m, d, validDate(y, m, d)
}

// zoneField reads "+0130" as seconds east of UTC.
func zoneField(tok string) (int, bool) {
	if len(tok) != 5 || tok[0] != '+' && tok[0] != '-' || !isDigits(tok[1:]) {
		return 0, false
	}
	east := digitPair(tok[1:3])*3600 + digitPair(tok[3:])*60
	if tok[0] == '-' {
		east = -east
	}
	return east, true
}

func isWeekday(tok string) bool {
	if len(tok) != 3 {
		return false
	}
	i := strings.Index("MonTueWedThuFriSatSun", tok)
	return i >= 0 && i%3 == 0
}

// ZoneOffset infers how far east of UTC a server's clock stands from one entry:
// its time as listed (read as if it were UTC), how exact that is, and its exact
// time, from MDTM or MLSD. Offsets are multiples of 15 minutes within 14 hours;
// it returns false when the two times do not fit such an offset.
func ZoneOffset(listed time.Time, accuracy time.Duration, exact time.Time) (time.Duration, bool) {
	const step = 15 * time.Minute
	if listed.IsZero() || exact.IsZero() || accuracy >= step {
		return 0, false
	}
	diff := listed.Sub(exact)
	offset := diff.Round(step)
	// Some file systems keep even seconds only.
	slack := max(accuracy, 2*time.Second)
	return offset, (offset-diff).Abs() <= slack && offset.Abs() <= 14*time.Hour
}

// ParseTime reads the time-val of RFC 3659 section 2.3, YYYYMMDDHHMMSS with an
// optional fraction, always UTC. Servers that print "19" and the years since
// 1900 ("19124" for 2024) are understood.
func ParseTime(s string) (time.Time, bool) {
	num, frac := s, ""
	if i := strings.IndexByte(s, '.'); i >= 0 {
		num, frac = s[:i], s[i:]
	}
	if !isDigits(num) {
		return time.Time{}, false
	}
	var y int
	switch {
	case len(num) == 14:
		y, num = digitPair(num)*100+digitPair(num[2:]), num[4:]
	case len(num) == 15 && num[:3] == "191":
		y, num = 2000+digitPair(num[3:]), num[5:]
	default:
		return time.Time{}, false
	}
	m, d := digitPair(num), digitPair(num[2:])
	k := clock{h: digitPair(num[4:]), m: digitPair(num[6:]), s: digitPair(num[8:])}
	if !validDate(y, m, d) || k.h > 23 || k.m > 59 || k.s > 60 {
		return time.Time{}, false
	}
	if len(frac) > 1 {
		ns, ok := fraction(frac)
		if !ok {
			return time.Time{}, false
		}
		k.ns = ns
	}
	return time.Date(y, time.Month(m), d, k.h, k.m, k.s, k.ns, time.UTC), true
}
