package protocols

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ParseURL parses the text of a URL, the one way for all protocols. scheme is
// put before a text that has none ("host:2121/pub"); empty means that one is
// needed. A port may be a service name. What two parsers could read in two ways
// (two @ signs, a separator inside user or password, backslashes, look-alikes of
// the separators in a host name) is refused, and so are control characters, and
// line breaks and NUL also when encoded. Every refusal is of kind Usage and tells
// no password.
func ParseURL(text, scheme string) (*url.URL, error) {
	if err := checkText(text); err != nil {
		return nil, err
	}
	if !hasScheme(text) {
		if scheme == "" {
			return nil, badURL(text, "no scheme; write it as ftp://host/path")
		}
		text = scheme + "://" + text
	}
	if _, rest, _ := strings.Cut(text, ":"); !strings.HasPrefix(rest, "//") {
		return parseOpaque(text)
	}
	text, err := numberPort(text)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, badURL(text, plainURLError(err))
	}
	u.Scheme = strings.ToLower(u.Scheme)
	u.RawQuery = strings.ReplaceAll(u.RawQuery, " ", "%20") // a query goes out as it is
	if err := checkURL(u); err != nil {
		return nil, err
	}
	return u, nil
}

func badURL(text, why string) *Error {
	return &Error{Kind: KindUsage, Text: fmt.Sprintf("URL %q: %s", redactText(text), why)}
}

// plainURLError drops net/url's repetition of the URL, which may hold a password.
func plainURLError(err error) string {
	if _, ok := errors.AsType[url.EscapeError](err); ok {
		return "a % without two hex digits; write it as %25"
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

// hasScheme: "scheme://" or one of the schemes that need no slashes.
func hasScheme(text string) bool {
	head, rest, ok := strings.Cut(text, ":")
	if !ok || !isScheme(head) {
		return false
	}
	return strings.HasPrefix(rest, "//") || opaqueSchemes[strings.ToLower(head)]
}

// opaqueSchemes are used without "//" too.
var opaqueSchemes = map[string]bool{
	"news": true, "mailto": true, "maildir": true, "mbox": true, "file": true, "unix": true, "data": true,
}

// pathOnly schemes have nothing but a path behind them, in which nothing is escaped.
var pathOnly = map[string]bool{"maildir": true, "mbox": true}

func isScheme(s string) bool {
	for i, r := range s {
		letter := r|0x20 >= 'a' && r|0x20 <= 'z'
		if !letter && (i == 0 || !(r >= '0' && r <= '9' || strings.ContainsRune("+-.", r))) {
			return false
		}
	}
	return s != ""
}

func parseOpaque(text string) (*url.URL, error) {
	scheme, rest, _ := strings.Cut(text, ":")
	scheme = strings.ToLower(scheme)
	if pathOnly[scheme] {
		return &url.URL{Scheme: scheme, Path: rest}, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, badURL(text, plainURLError(err))
	}
	if err := checkDecoded(u, u.Path); err != nil {
		return nil, err
	}
	return u, nil
}

// checkText refuses what no URL may hold, before anything is decoded.
func checkText(text string) error {
	if text == "" {
		return &Error{Kind: KindUsage, Text: "empty URL"}
	}
	for _, r := range text {
		switch {
		case r < 0x20 || r == 0x7f:
			return badURL(text, "control character in it")
		case r == '\\':
			return badURL(text, `backslash in it; write %5C`)
		}
	}
	return nil
}

// numberPort replaces a service name as port by its number, and checks the
// authority: net/url wants digits.
func numberPort(text string) (string, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	auth := rest[:end]
	if strings.Count(auth, "@") > 1 {
		return "", badURL(text, "more than one @ before the path; write %40")
	}
	if strings.ContainsAny(auth, " <>\"^`{|}") {
		return "", badURL(text, "character before the path that must be encoded there")
	}
	later := strings.Contains(rest[end:], "@") // which may be the one that ends the user info
	if later && rest[end] == '#' {
		return "", badURL(text, sealedUser)
	}
	host := auth[strings.LastIndexByte(auth, '@')+1:]
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.HasSuffix(host, "]") {
		return text, nil
	}
	port, err := portNumber(strings.ToLower(scheme), host[i+1:])
	if later && (err != nil || port == "") {
		return "", badURL(text, sealedUser) // what stands for a port may begin a password
	}
	if err != nil {
		return "", badURL(text, err.Error())
	}
	return scheme + "://" + strings.TrimSuffix(auth, host[i+1:]) + port + rest[end:], nil
}

// sealedUser is said where user info seems to end in its middle.
const sealedUser = "/ ? or # before the @; write them as %2F %3F %23 in a password"

// portNumber takes 0 to 65535, a service name of the system's table, or nothing.
func portNumber(scheme, port string) (string, error) {
	if port == "" {
		return "", nil
	}
	if n, err := strconv.Atoi(port); err == nil {
		if n < 0 || n > 65535 || port[0] == '+' {
			return "", fmt.Errorf("port %s is not between 0 and 65535", port)
		}
		return strconv.Itoa(n), nil
	}
	network := "tcp"
	if scheme == "udp" {
		network = "udp"
	}
	n, err := net.LookupPort(network, port)
	if err != nil {
		return "", fmt.Errorf("port %q is neither a number nor a service that this system knows", port)
	}
	return strconv.Itoa(n), nil
}

// checkURL refuses what decoding has brought to light.
func checkURL(u *url.URL) error {
	if u.Host == "" && u.Path == "" {
		return badURL(u.String(), "neither host nor path")
	}
	if strings.ContainsAny(u.Host, lookAlikes) {
		return badURL(u.String(), "a character in the host that looks like a separator")
	}
	for _, r := range u.Host {
		if r <= 0x20 || r == 0x7f {
			return badURL(u.String(), "control character in the host")
		}
	}
	name, pass := "", ""
	if u.User != nil {
		name = u.User.Username()
		pass, _ = u.User.Password()
	}
	if strings.ContainsAny(name, "/?#") {
		return badURL(u.String(), "/ ? or # in the user name; give the name apart from the URL")
	}
	return checkDecoded(u, name, pass, u.Path, u.Fragment)
}

// lookAlikes are the characters that a normalisation of names (NFKC, UTS 46)
// makes a separator of a URL, or the dot between labels.
const lookAlikes = "\u2024\u2025\u2026\u2044\u2047\u2048\u2049\u2100\u2101\u2105\u2106" +
	"\u2488\u2489\u248a\u248b\u248c\u248d\u248e\u248f\u2490\u2491\u2492\u2493\u2494\u2495\u2496\u2497\u2498\u2499\u249a\u249b" +
	"\u2a74\u3002\u33c2\u33c7\u33d8\ufe13\ufe16\ufe19\ufe30\ufe47\ufe48\ufe52\ufe55\ufe56\ufe5f\ufe68\ufe6a\ufe6b" +
	"\uff03\uff05\uff0e\uff0f\uff1a\uff1f\uff20\uff3b\uff3c\uff3d\uff61\U0001f100"

// checkDecoded takes the parts that net/url has decoded; those it leaves as they
// were written are looked at here.
func checkDecoded(u *url.URL, decoded ...string) error {
	bad := func(p string) bool { return strings.ContainsAny(p, "\r\n\x00") }
	raw := strings.ToLower(u.Opaque + "?" + u.RawQuery)
	if slices.ContainsFunc(decoded, bad) || encodedBreak(raw) {
		return badURL(u.Redacted(), "line break or NUL in it, which no command may carry")
	}
	return nil
}

func encodedBreak(lower string) bool {
	return strings.Contains(lower, "%0d") || strings.Contains(lower, "%0a") || strings.Contains(lower, "%00")
}

// Redact returns the URL without its password, for messages and output.
func Redact(u *url.URL) string {
	if pathOnly[u.Scheme] {
		return u.Scheme + ":" + u.Path
	}
	c := *u
	if c.User != nil {
		c.User = url.User(c.User.Username())
	}
	return c.String()
}

// redactText hides a password in a text that may be no URL. Where user info is
// not well formed, all from its colon to the last @ of the text may be password.
func redactText(text string) string {
	start := 0
	if i := strings.Index(text, "://"); i >= 0 && isScheme(text[:i]) {
		start = i + len("://")
	}
	rest := text[start:]
	colon, at := strings.IndexByte(rest, ':'), strings.LastIndexByte(rest, '@')
	if colon < 0 || at < colon || isPort(rest[colon+1:]) {
		return text
	}
	return text[:start+colon] + rest[at:]
}

// isPort: digits up to the end of the authority, with no @ in it.
func isPort(s string) bool {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	return digits > 0 && (digits == len(s) || strings.IndexByte("/?#", s[digits]) >= 0)
}
