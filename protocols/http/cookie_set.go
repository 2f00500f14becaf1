package http

import (
	"strconv"
	"strings"
	"time"
)

// setCookie is one Set-Cookie field as it came (RFC 6265 5.2).
type setCookie struct {
	name, value      string
	domain, path     string
	expires          time.Time // zero: not given, or not understood
	maxAge           time.Duration
	hasMaxAge        bool
	secure, httpOnly bool
}

const (
	maxCookieBytes     = 4096 // name and value
	maxCookieAttribute = 1024 // value of an attribute; a longer one is ignored
	maxCookieAge       = 400 * 24 * time.Hour
)

// parseSetCookie reads a Set-Cookie field the way browsers do: a value is taken as it is,
// quotes included, and an attribute that is not understood is ignored. ok is false for a
// field that sets no cookie.
func parseSetCookie(line string) (c setCookie, ok bool) {
	pair, attributes, _ := strings.Cut(line, ";")
	name, value, found := strings.Cut(pair, "=")
	c.name, c.value = strings.Trim(name, " \t"), strings.Trim(value, " \t")
	if !found || c.name == "" || len(c.name)+len(c.value) > maxCookieBytes || hasControl(line) {
		return setCookie{}, false
	}
	for attributes != "" {
		var attribute string
		attribute, attributes, _ = strings.Cut(attributes, ";")
		key, text, _ := strings.Cut(attribute, "=")
		if text = strings.Trim(text, " \t"); len(text) <= maxCookieAttribute {
			c.attribute(strings.ToLower(strings.Trim(key, " \t")), text)
		}
	}
	return c, true
}

// attribute takes one attribute. The last one of a name counts.
func (c *setCookie) attribute(key, text string) {
	switch key {
	case "expires":
		if t, ok := parseCookieDate(text); ok {
			c.expires = t
		}
	case "max-age":
		if age, ok := parseMaxAge(text); ok {
			c.maxAge, c.hasMaxAge = age, true
		}
	case "domain":
		c.domain = normalDomain(text)
	case "path":
		c.path = text
	case "secure":
		c.secure = true
	case "httponly":
		c.httpOnly = true
	}
}

// until returns when the cookie expires: zero for a cookie of the session. Max-Age is
// stronger than Expires (RFC 6265 5.3).
func (c *setCookie) until(now time.Time) time.Time {
	switch {
	case c.hasMaxAge && c.maxAge <= 0:
		return time.Unix(1, 0)
	case c.hasMaxAge:
		return now.Add(c.maxAge)
	}
	return c.expires
}

// parseMaxAge reads a number of seconds, which may be negative.
func parseMaxAge(text string) (time.Duration, bool) {
	number := strings.TrimPrefix(text, "-")
	if !digits(number) {
		return 0, false
	}
	if number != text {
		return 0, true
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n > int64(maxCookieAge/time.Second) {
		return maxCookieAge, true
	}
	return time.Duration(n) * time.Second, true
}

// hasControl reports whether a field holds a control character other than a tab, with
// which it is no cookie at all.
func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// normalDomain returns a domain in lower case, without dots around it.
func normalDomain(s string) string { return strings.ToLower(strings.Trim(s, ".")) }

// parseCookieDate reads a date of any form that servers have used, by its tokens
// (RFC 6265 5.1.1): of each kind the first token counts.
func parseCookieDate(text string) (time.Time, bool) {
	var d cookieDate
	for _, token := range strings.FieldsFunc(text, isDateDelimiter) {
		d.take(token)
	}
	return d.time()
}

// isDateDelimiter reports whether a character parts the tokens of a cookie's date.
func isDateDelimiter(r rune) bool {
	return r == '\t' || r >= ' ' && r <= '/' || r >= ';' && r <= '@' || r >= '[' && r <= '`' || r >= '{' && r <= '~'
}

// cookieDate is what the tokens of a date have said so far.
type cookieDate struct {
	clock, day, month, year                bool
	h, m, s, dayNumber, monthNumber, yearN int
}

func (d *cookieDate) take(token string) {
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
func (d *cookieDate) takeClock(token string) bool {
	parts := strings.SplitN(token, ":", 3)
	return len(parts) == 3 && digits(parts[0]) && leadingNumber(parts[0], 1, 2, &d.h) &&
		digits(parts[1]) && leadingNumber(parts[1], 1, 2, &d.m) && leadingNumber(parts[2], 1, 2, &d.s)
}

func (d *cookieDate) takeMonth(token string) bool {
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
func (d *cookieDate) time() (time.Time, bool) {
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
