package cookies

import (
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/http/internal/cookiedate"
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
		if t, ok := cookiedate.Parse(text); ok {
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
	if number == "" || strings.Trim(number, "0123456789") != "" {
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
// which it is not a cookie at all.
func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// normalDomain returns a domain in lower case, without dots around it.
func normalDomain(s string) string { return strings.ToLower(strings.Trim(s, ".")) }
