package protocols

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// ParseURL parses the text of a URL, the one way for all protocols. scheme is put
// before a text that has none ("host:2121/pub"); empty means that one is needed. A
// port may be a service name.
//
// What two parsers could read in two ways is refused: two @ signs, a separator inside
// user or password, backslashes, look-alikes of the separators in a host name; and
// so are control characters, and line breaks and NUL also when encoded. Every refusal
// is of kind Usage and shows no password.
//
// The text is walked once: what no URL may hold, the scheme, the authority with its
// port, net/url's own parsing, and what that has decoded.
func ParseURL(text, scheme string) (*url.URL, error) {
	text = slashes(text, runtime.GOOS)
	why := textFault(text)
	if why == "" {
		text, why = withScheme(text, scheme)
	}
	if why != "" {
		return nil, badURL(text, why)
	}
	head, rest, _ := strings.Cut(text, ":")
	head = strings.ToLower(head)
	rest, hierarchical := strings.CutPrefix(rest, "//")
	if pathOnly[head] && !hierarchical {
		return &url.URL{Scheme: head, Path: rest}, nil
	}
	if hierarchical {
		if rest, why = numberPort(head, rest); why != "" {
			return nil, badURL(text, why)
		}
		text = head + "://" + rest
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, badURL(text, plainURLError(err))
	}
	if why = decodedFault(u); why != "" {
		return nil, badURL(text, why)
	}
	u.RawQuery = strings.ReplaceAll(u.RawQuery, " ", "%20") // a query is sent as it is
	return u, nil
}

// slashes returns the text of a URL of local files with slashes where the system's
// paths have backslashes.
func slashes(text, system string) string {
	head, _, _ := strings.Cut(text, ":")
	if head = strings.ToLower(head); system == "windows" && (head == "file" || pathOnly[head]) {
		return strings.ReplaceAll(text, `\`, "/")
	}
	return text
}

// badURL is the error for a URL that is refused. Errors show no password.
func badURL(text, why string) *Error {
	return &Error{Kind: KindUsage, Text: fmt.Sprintf("URL %q: %s", RedactText(text), why)}
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

// pathOnly are schemes that are followed by nothing but a path, in which nothing is
// escaped.
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

// textFault returns what no URL may hold, before anything is decoded, or nothing.
func textFault(text string) string {
	if text == "" {
		return "empty"
	}
	for _, r := range text {
		switch {
		case r < 0x20 || r == 0x7f:
			return "control character in it"
		case r == '\\':
			return `backslash in it; write %5C`
		}
	}
	return ""
}

// withScheme puts a scheme before a text that has none.
func withScheme(text, scheme string) (full, why string) {
	switch {
	case hasScheme(text):
		return text, ""
	case scheme == "":
		return text, "no scheme; write it as ftp://host/path"
	}
	return scheme + "://" + text, ""
}

// numberPort checks the authority that rest begins with and replaces a service name
// as port by its number: net/url wants digits.
func numberPort(scheme, rest string) (numbered, why string) {
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	auth := rest[:end]
	if strings.Count(auth, "@") > 1 {
		return "", "more than one @ before the path; write %40"
	}
	if strings.ContainsAny(auth, " <>\"^`{|}") {
		return "", "character before the path that must be encoded there"
	}
	later := strings.Contains(rest[end:], "@") // which may be the one that ends the user info
	if later && rest[end] == '#' {
		return "", sealedUser
	}
	host := auth[strings.LastIndexByte(auth, '@')+1:]
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.HasSuffix(host, "]") {
		return rest, ""
	}
	port, why := portNumber(scheme, host[i+1:])
	if later && (why != "" || port == "") {
		return "", sealedUser // what stands for a port may begin a password
	}
	return strings.TrimSuffix(auth, host[i+1:]) + port + rest[end:], why
}

// sealedUser is said where user info seems to end in its middle.
const sealedUser = "/ ? or # before the @; write them as %2F %3F %23 in a password"

// portNumber takes 0 to 65535, a service name of the system's table, or nothing.
func portNumber(scheme, port string) (number, why string) {
	if port == "" {
		return "", ""
	}
	if n, err := strconv.Atoi(port); err == nil {
		if n < 0 || n > 65535 || port[0] == '+' {
			return "", "port " + port + " is not between 0 and 65535"
		}
		return strconv.Itoa(n), ""
	}
	network := "tcp"
	if scheme == "udp" {
		network = "udp"
	}
	n, err := net.LookupPort(network, port)
	if err != nil {
		return "", "what follows the last colon of the host is neither a number nor a service that this system knows; a login ends with @"
	}
	return strconv.Itoa(n), ""
}

// decodedFault returns what net/url's decoding has brought to light, or nothing.
func decodedFault(u *url.URL) string {
	if u.Host == "" && u.Path == "" && u.Opaque == "" {
		return "neither host nor path"
	}
	if strings.ContainsAny(u.Host, lookAlikes) {
		return "a character in the host that looks like a separator"
	}
	for _, r := range u.Host {
		if r <= 0x20 || r == 0x7f {
			return "control character in the host"
		}
	}
	user, password := u.User.Username(), ""
	if u.User != nil {
		password, _ = u.User.Password()
	}
	isBreak := func(part string) bool { return strings.ContainsAny(part, "\r\n\x00") }
	if slices.ContainsFunc([]string{user, password, u.Path, u.Fragment}, isBreak) || encodedBreak(u.Opaque+"?"+u.RawQuery) {
		return "line break or NUL in it, which no command may carry"
	}
	return ""
}

// lookAlikes are the characters that a normalisation of names (NFKC, UTS 46)
// makes a separator of a URL, or the dot between labels.
const lookAlikes = "\u2024\u2025\u2026\u2044\u2047\u2048\u2049\u2100\u2101\u2105\u2106" +
	"\u2488\u2489\u248a\u248b\u248c\u248d\u248e\u248f\u2490\u2491\u2492\u2493\u2494\u2495\u2496\u2497\u2498\u2499\u249a\u249b" +
	"\u2a74\u3002\u33c2\u33c7\u33d8\ufe13\ufe16\ufe19\ufe30\ufe47\ufe48\ufe52\ufe55\ufe56\ufe5f\ufe68\ufe6a\ufe6b" +
	"\uff03\uff05\uff0e\uff0f\uff1a\uff1f\uff20\uff3b\uff3c\uff3d\uff61\U0001f100"

// encodedBreak looks at the parts that net/url leaves as they were written.
func encodedBreak(raw string) bool {
	raw = strings.ToLower(raw)
	return strings.Contains(raw, "%0d") || strings.Contains(raw, "%0a") || strings.Contains(raw, "%00")
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

// RedactText hides a password in a text that may not be a URL, for messages about
// it. Where user info is not well formed, all from its colon to the last @ of the
// text may be password.
func RedactText(text string) string {
	start := userStart(text)
	rest := text[start:]
	colon, at := strings.IndexByte(rest, ':'), strings.LastIndexByte(rest, '@')
	if at < 0 && strings.HasSuffix(text[:start], "//") {
		return text[:start] + redactPort(rest)
	}
	if colon < 0 || at < colon || isPort(rest[colon+1:]) {
		return text
	}
	return text[:start+colon] + rest[at:]
}

// redactPort hides what stands for a port and is none: in "http://bob:secret" the host is missing.
func redactPort(rest string) string {
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	i := strings.LastIndexByte(rest[:end], ':')
	if i < 0 || strings.HasSuffix(rest[:end], "]") {
		return rest
	}
	if port := rest[i+1 : end]; strings.Trim(port, "0123456789") != "" {
		if _, err := net.LookupPort("tcp", port); err != nil {
			return rest[:i+1] + "****" + rest[end:]
		}
	}
	return rest
}

// userStart returns where user info can begin: after a scheme and slashes. A word
// without slashes may be a scheme or a user, unless it is a scheme that needs none.
func userStart(text string) int {
	head, rest, ok := strings.Cut(text, ":")
	if !ok || !isScheme(head) {
		return 0
	}
	after := strings.TrimLeft(rest, "/")
	if len(after) == len(rest) && !opaqueSchemes[strings.ToLower(head)] {
		return 0
	}
	return len(text) - len(after)
}

// isPort: digits up to the end of the authority, with no @ in it.
func isPort(s string) bool {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	return digits > 0 && (digits == len(s) || strings.IndexByte("/?#", s[digits]) >= 0)
}
