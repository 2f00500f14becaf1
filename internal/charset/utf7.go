package charset

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
)

// utf7 decodes UTF-7; what is not base64 in it stays as it is.
func utf7(s string) string {
	var b strings.Builder
	for {
		plain, rest, shifted := strings.Cut(s, "+")
		b.WriteString(plain)
		if !shifted {
			return b.String()
		}
		n := 0
		for n < len(rest) && isBase64(rest[n]) {
			n++
		}
		raw, err := base64.RawStdEncoding.DecodeString(rest[:n])
		switch {
		case n == 0:
			b.WriteByte('+') // "+-"
		case err != nil && len(raw) == 0:
			b.WriteString("+" + rest[:n])
		}
		units := make([]uint16, len(raw)/2)
		for i := range units {
			units[i] = uint16(raw[2*i])<<8 | uint16(raw[2*i+1])
		}
		b.WriteString(string(utf16.Decode(units)))
		s = strings.TrimPrefix(rest[n:], "-")
	}
}

func isBase64(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/'
}
