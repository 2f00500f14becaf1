package protocols

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// ParseURL parses the text of a URL, the one way for all protocols. scheme is
// put before a text that has none ("host:2121/pub"); empty means that one is
// needed. A port may be a service name. What two parsers could read in two ways
// (two @ signs, backslashes, white space, control characters also when encoded,
// look-alikes of the separators in a host name) is refused.
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
	if !strings.Contains(text, "://") {
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
	return u, checkURL(u)
}

func badURL(text, why string) *Error {
	return &Error{Kind: Usage, Text: fmt.Sprintf("URL %q: %s", redactText(text), why)}
}

// plainURLError drops net/url's repetition of the whole URL, which may hold a password.
func plainURLError(err error) string {
	if ue, ok := err.(*url.Error); ok {
		return ue.Err.Error()
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
	if scheme == "maildir" || scheme == "mbox" {
		return &url.URL{Scheme: scheme, Path: rest}, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, badURL(text, plainURLError(err))
	}
	return u, checkDecoded(u, u.Opaque, u.Path, u.RawQuery)
}

// checkText refuses what no URL may hold, before anything is decoded.
func checkText(text string) error {
	if text == "" {
		return &Error{Kind: Usage, Text: "empty URL"}
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
		return "", badURL(text, "character in the host that no host has")
	}
	host := auth[strings.LastIndexByte(auth, '@')+1:]
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.HasSuffix(host, "]") {
		return text, nil
	}
	port, err := portNumber(strings.ToLower(scheme), host[i+1:])
	if err != nil {
		return "", badURL(text, err.Error())
	}
	return scheme + "://" + strings.TrimSuffix(auth, host[i+1:]) + port + rest[end:], nil
}

// portNumber takes 1 to 65535, a service name of the system's table, or nothing.
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
	if strings.ContainsAny(u.Host, "\u3002\uff0e\uff61\uff0f\uff1a\uff20\u2044\u2100\u2101\u2105\u2106") {
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
	return checkDecoded(u, name, pass, u.Path, u.RawQuery, u.Fragment)
}

func checkDecoded(u *url.URL, parts ...string) error {
	for _, p := range parts {
		if q, err := url.PathUnescape(p); err == nil {
			p += q
		}
		if strings.ContainsAny(p, "\r\n\x00") {
			return badURL(u.Redacted(), "line break or NUL in it, which no command may carry")
		}
	}
	return nil
}

// Redact gives the URL without its password, for messages and output.
func Redact(u *url.URL) string {
	c := *u
	if c.User != nil {
		c.User = url.User(c.User.Username())
	}
	return c.String()
}

// redactText hides a password in a text that may be no URL.
func redactText(text string) string {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		scheme, rest = "", text
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
		user, _, _ := strings.Cut(rest[:at], ":")
		rest = user + rest[at:]
	}
	if ok {
		return scheme + "://" + rest
	}
	return rest
}
