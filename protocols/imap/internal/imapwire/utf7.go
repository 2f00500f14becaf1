package imapwire

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// utf7 is the base64 of modified UTF-7 (RFC 3501 5.1.3).
var utf7 = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding)

// EncodeUTF7 returns a mailbox name in modified UTF-7.
func EncodeUTF7(s string) string {
	var b strings.Builder
	var run []rune
	flush := func() {
		if len(run) > 0 {
			var raw []byte
			for _, u := range utf16.Encode(run) {
				raw = append(raw, byte(u>>8), byte(u))
			}
			b.WriteString("&" + utf7.EncodeToString(raw) + "-")
			run = run[:0]
		}
	}
	for _, r := range s {
		if r < ' ' || r > '~' {
			run = append(run, r)
			continue
		}
		flush()
		b.WriteRune(r)
		if r == '&' {
			b.WriteByte('-')
		}
	}
	flush()
	return b.String()
}

// DecodeUTF7 reads modified UTF-7. ok is false unless EncodeUTF7 returns the very
// same bytes again: other spellings could name another mailbox.
func DecodeUTF7(s string) (name string, ok bool) {
	if !strings.ContainsRune(s, '&') {
		return s, IsPrintable(s)
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '&' {
			b.WriteByte(s[i])
			continue
		}
		end := strings.IndexByte(s[i:], '-')
		if end < 0 {
			return s, false
		}
		shifted := s[i+1 : i+end]
		i += end
		if shifted == "" {
			b.WriteByte('&')
			continue
		}
		raw, err := utf7.DecodeString(shifted)
		if err != nil || len(raw)%2 != 0 {
			return s, false
		}
		units := make([]uint16, len(raw)/2)
		for k := range units {
			units[k] = uint16(raw[2*k])<<8 | uint16(raw[2*k+1])
		}
		b.WriteString(string(utf16.Decode(units)))
	}
	name = b.String()
	if !utf8.ValidString(name) || EncodeUTF7(name) != s {
		return s, false
	}
	return name, true
}

// IsPrintable reports whether s is printable ASCII.
func IsPrintable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
