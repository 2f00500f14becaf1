package smtp

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// path makes the path of an envelope from an address: "<" address ">", its domain
// in ASCII (IDNA) where it has one. needsUTF8 reports whether it needs SMTPUTF8 all
// the same (RFC 6531). Servers judge addresses: only text that could end the path or
// the command is refused, before anything is sent.
func path(address string) (text string, needsUTF8 bool, err error) {
	switch {
	case address == "":
		return "", false, badAddress(address, "is empty")
	case !utf8.ValidString(address):
		return "", false, badAddress(address, "is not UTF-8")
	case wire.Check(address) != nil:
		return "", false, badAddress(address, "contains a line break or NUL")
	}
	local, domain, at := cutAddress(address)
	if strings.ContainsAny(domain, "<>") || strings.ContainsAny(local, "<>") && !isQuoted(local) {
		return "", false, badAddress(address, "contains an angle bracket outside of quotes")
	}
	if at {
		local += "@" + asciiDomain(domain)
	}
	return "<" + local + ">", !isASCII(local), nil
}

// cutAddress splits at the last @, which no domain holds.
func cutAddress(address string) (local, domain string, at bool) {
	i := strings.LastIndexByte(address, '@')
	if i < 0 {
		return address, "", false
	}
	return address[:i], address[i+1:], true
}

func badAddress(address, why string) error {
	return protocols.UsageError(proto, "", fmt.Sprintf("address %.80q %s", address, why))
}

// isQuoted reports whether a local part is one quoted string (RFC 5321 4.1.2).
func isQuoted(local string) bool {
	if len(local) < 2 || local[0] != '"' {
		return false
	}
	for i := 1; i < len(local); i++ {
		switch local[i] {
		case '\\':
			i++
		case '"':
			return i == len(local)-1
		}
	}
	return false
}

// asciiDomain converts a domain for DNS. What is not a host name, such as an
// address in brackets, is returned unchanged.
func asciiDomain(domain string) string {
	if ascii, err := transport.Host(domain); err == nil && ascii != "" && !strings.HasPrefix(domain, "[") {
		return ascii
	}
	return domain
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// xtext writes a value for DSN and XCLIENT parameters (RFC 3461 4).
func xtext(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '+' || c == '=' {
			fmt.Fprintf(&b, "+%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
