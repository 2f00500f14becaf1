// Package httpauth answers the challenges of HTTP servers and proxies: Basic (RFC 7617)
// and Digest (RFC 7616), and reads the header fields that hold challenges.
package httpauth

import (
	"strings"
)

// Challenge is one way to log in that a server offers (RFC 9110 11.3).
type Challenge struct {
	Scheme string // lower case
	Token  string // of token68 form
	Params map[string]string
}

const (
	maxChallenges = 32
	maxParams     = 64 // of a challenge
)

// Parse reads the values of WWW-Authenticate or Proxy-Authenticate. Commas stand both between
// challenges and between their parameters; what cannot be read ends its value.
func Parse(values []string) []Challenge {
	var out []Challenge
	for _, v := range values {
		s := Scanner{v}
		for s.Skip(", \t"); s.Rest != "" && len(out) < maxChallenges; s.Skip(", \t") {
			scheme := s.Token()
			if scheme == "" {
				break
			}
			c := Challenge{Scheme: strings.ToLower(scheme), Params: map[string]string{}}
			s.Skip(" \t")
			s.params(&c)
			out = append(out, c)
		}
	}
	return out
}

// Scanner reads the elements of header values (RFC 9110 5.6).
type Scanner struct{ Rest string } // what is not read yet

// Skip drops the leading characters that are in set.
func (s *Scanner) Skip(set string) { s.Rest = strings.TrimLeft(s.Rest, set) }

func isTokenByte(b byte) bool {
	return b > ' ' && b < 0x7f && !strings.ContainsRune("\"(),/:;<=>?@[\\]{}", rune(b))
}

// Token reads a token; it is empty when none is there.
func (s *Scanner) Token() string {
	i := 0
	for i < len(s.Rest) && isTokenByte(s.Rest[i]) {
		i++
	}
	t := s.Rest[:i]
	s.Rest = s.Rest[i:]
	return t
}

// quoted reads a quoted string; ok is false when it does not end.
func (s *Scanner) quoted() (string, bool) {
	var b strings.Builder
	for i := 1; i < len(s.Rest); i++ {
		switch c := s.Rest[i]; c {
		case '"':
			s.Rest = s.Rest[i+1:]
			return b.String(), true
		case '\\':
			i++
			if i < len(s.Rest) {
				b.WriteByte(s.Rest[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	s.Rest = ""
	return "", false
}

// Value reads a token or a quoted string.
func (s *Scanner) Value() (string, bool) {
	s.Skip(" \t")
	if strings.HasPrefix(s.Rest, `"`) {
		return s.quoted()
	}
	v := s.Token()
	return v, v != ""
}

// params reads the parameters of a challenge, up to the next one.
func (s *Scanner) params(c *Challenge) {
	for range maxParams {
		before := s.Rest
		name := s.Token()
		if name == "" {
			s.token68(c)
			return
		}
		s.Skip(" \t")
		if !strings.HasPrefix(s.Rest, "=") || strings.HasPrefix(s.Rest, "==") {
			if s.Rest = before; len(c.Params) == 0 && c.Token == "" {
				s.token68(c)
			}
			return
		}
		s.Rest = s.Rest[1:]
		v, ok := s.Value()
		if !ok {
			return
		}
		if _, twice := c.Params[strings.ToLower(name)]; !twice {
			c.Params[strings.ToLower(name)] = v
		}
		s.Skip(" \t")
		if !strings.HasPrefix(s.Rest, ",") {
			return
		}
		s.Skip(", \t")
	}
}

// token68 reads base64 data, where it stands alone before a comma or the end; a
// word followed by anything else is the next challenge's scheme.
func (s *Scanner) token68(c *Challenge) {
	i := 0
	for i < len(s.Rest) && (isTokenByte(s.Rest[i]) || s.Rest[i] == '/' || s.Rest[i] == '=') {
		i++
	}
	tail := strings.TrimLeft(s.Rest[i:], " \t")
	if i > 0 && strings.ContainsAny(s.Rest[:i], "/=") && (tail == "" || tail[0] == ',') {
		c.Token, s.Rest = s.Rest[:i], tail
	} else if i == 0 && s.Rest != "" {
		s.Rest = "" // nothing that belongs here
	}
}
