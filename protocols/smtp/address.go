package smtp

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// path makes the path of an envelope from an address: "<" address ">", its domain
// in ASCII (IDNA). utf8 tells whether it still needs SMTPUTF8 (RFC 6531). What
// could be taken for the end of the path, or for more than one argument, is
// refused before anything is sent.
func path(address string) (text string, needsUTF8 bool, err error) {
	if !utf8.ValidString(address) {
		return "", false, badAddress(address, "is not UTF-8")
	}
	local, domain, at := cutAddress(address)
	if err := checkLocal(address, local); err != nil {
		return "", false, err
	}
	if at {
		if domain, err = asciiDomain(address, domain); err != nil {
			return "", false, err
		}
		local += "@" + domain
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

// checkLocal refuses control characters everywhere, and what ends a path or an
// argument outside of quotes.
func checkLocal(address, local string) error {
	if local == "" {
		return badAddress(address, "has nothing before the @")
	}
	quoted := len(local) > 1 && local[0] == '"' && local[len(local)-1] == '"'
	inner := local
	if quoted {
		inner = local[1 : len(local)-1]
	}
	for i := 0; i < len(inner); i++ {
		switch b := inner[i]; {
		case b < ' ' || b == 0x7f:
			return badAddress(address, "holds a control character")
		case quoted && b == '\\':
			if i++; i == len(inner) {
				return badAddress(address, "ends inside a quotation")
			}
			if inner[i] < ' ' || inner[i] == 0x7f {
				return badAddress(address, "holds a control character")
			}
		case quoted && b == '"':
			return badAddress(address, "holds a quote inside a quotation")
		case !quoted && strings.IndexByte(` <>()[],;:"\@`, b) >= 0:
			return badAddress(address, fmt.Sprintf("holds %q outside of quotes", b))
		}
	}
	return nil
}

// asciiDomain checks a domain: a name, or an address literal in brackets.
func asciiDomain(address, domain string) (string, error) {
	if strings.HasPrefix(domain, "[") {
		inner := strings.TrimSuffix(domain[1:], "]")
		if len(inner)+2 != len(domain) || strings.ContainsFunc(inner, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEFxXIPvV.:-", r) }) {
			return "", badAddress(address, "has a literal that is no IP address")
		}
		return domain, nil
	}
	ascii, err := transport.Host(domain)
	if err != nil || strings.ContainsAny(ascii, " <>\r\n\t:/") || ascii == "" {
		return "", badAddress(address, "has a domain that cannot be one")
	}
	return ascii, nil
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
