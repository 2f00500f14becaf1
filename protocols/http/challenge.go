package http

import (
	"strings"
)

// challenge is one way to log in that a server offers (RFC 9110 11.3).
type challenge struct {
	scheme string // lower case
	token  string // of token68 form
	params map[string]string
}

const (
	mostChallenges = 32
	mostParams     = 64
)

// parseChallenges reads the values of WWW-Authenticate. Commas stand both between
// challenges and between their parameters; what cannot be read ends its value.
func parseChallenges(values []string) []challenge {
	var out []challenge
	for _, v := range values {
		s := scanner{v}
		for s.skip(", \t"); s.rest != "" && len(out) < mostChallenges; s.skip(", \t") {
			scheme := s.token()
			if scheme == "" {
				break
			}
			c := challenge{scheme: strings.ToLower(scheme), params: map[string]string{}}
			s.skip(" \t")
			s.params(&c)
			out = append(out, c)
		}
	}
	return out
}

// scanner reads the elements of header values (RFC 9110 5.6).
type scanner struct{ rest string }

func (s *scanner) skip(set string) { s.rest = strings.TrimLeft(s.rest, set) }

func isTokenByte(b byte) bool {
	return b > ' ' && b < 0x7f && !strings.ContainsRune("\"(),/:;<=>?@[\\]{}", rune(b))
}

func (s *scanner) token() string {
	i := 0
	for i < len(s.rest) && isTokenByte(s.rest[i]) {
		i++
	}
	t := s.rest[:i]
	s.rest = s.rest[i:]
	return t
}

// quoted reads a quoted string; ok is false when it does not end.
func (s *scanner) quoted() (string, bool) {
	var b strings.Builder
	for i := 1; i < len(s.rest); i++ {
		switch c := s.rest[i]; c {
		case '"':
			s.rest = s.rest[i+1:]
			return b.String(), true
		case '\\':
			i++
			if i < len(s.rest) {
				b.WriteByte(s.rest[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	s.rest = ""
	return "", false
}

// value reads a token or a quoted string.
func (s *scanner) value() (string, bool) {
	s.skip(" \t")
	if strings.HasPrefix(s.rest, `"`) {
		return s.quoted()
	}
	v := s.token()
	return v, v != ""
}

// params reads the parameters of a challenge, up to the next one.
func (s *scanner) params(c *challenge) {
	for range mostParams {
		before := s.rest
		name := s.token()
		if name == "" {
			s.token68(c)
			return
		}
		s.skip(" \t")
		if !strings.HasPrefix(s.rest, "=") || strings.HasPrefix(s.rest, "==") {
			if s.rest = before; len(c.params) == 0 && c.token == "" {
				s.token68(c)
			}
			return
		}
		s.rest = s.rest[1:]
		v, ok := s.value()
		if !ok {
			return
		}
		if _, twice := c.params[strings.ToLower(name)]; !twice {
			c.params[strings.ToLower(name)] = v
		}
		s.skip(" \t")
		if !strings.HasPrefix(s.rest, ",") {
			return
		}
		s.skip(", \t")
	}
}

// token68 reads base64 data, where it stands alone before a comma or the end; a
// word followed by anything else is the next challenge's scheme.
func (s *scanner) token68(c *challenge) {
	i := 0
	for i < len(s.rest) && (isTokenByte(s.rest[i]) || s.rest[i] == '/' || s.rest[i] == '=') {
		i++
	}
	tail := strings.TrimLeft(s.rest[i:], " \t")
	if i > 0 && strings.ContainsAny(s.rest[:i], "/=") && (tail == "" || tail[0] == ',') {
		c.token, s.rest = s.rest[:i], tail
	} else if i == 0 && s.rest != "" {
		s.rest = "" // nothing that belongs here
	}
}
