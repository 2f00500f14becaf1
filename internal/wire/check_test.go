package wire

import (
	"errors"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	tests := []struct {
		args []string
		want string // "" means allowed
	}{
		{nil, ""},
		{[]string{"", "RETR", "na\tme \x7f\xff ü\x1b"}, ""},
		{[]string{"ok", "a\rb"}, `CR is not allowed in "a\rb"`},
		{[]string{"a\nDELE 1", "\x00"}, `LF is not allowed in "a\nDELE 1"`},
		{[]string{"\x00"}, `NUL is not allowed in "\x00"`},
		{[]string{"\u202e\x1b[2J\r\n"}, `CR is not allowed in "\u202e\x1b[2J\r\n"`},
		{[]string{strings.Repeat("x", 100) + "\n"}, `LF is not allowed in "` + strings.Repeat("x", clipAt) + `"…`},
	}
	for _, tt := range tests {
		err := Check(tt.args...)
		if tt.want == "" && err == nil {
			continue
		}
		if _, ok := errors.AsType[*ArgumentError](err); !ok || err.Error() != tt.want {
			t.Errorf("%q: got %v, want %s", tt.args, err, tt.want)
		}
	}
}

func TestErrorTexts(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{&LimitError{What: "reply line", Limit: 65536}, "reply line longer than 65536 bytes"},
		{&LimitError{What: "reply", Limit: 9, Unit: "lines"}, "reply longer than 9 lines"},
		{&SyntaxError{Got: "\x1b]0;x\a", Want: "a reply code"}, `got "\x1b]0;x\a", want a reply code`},
		{&LineEndError{Byte: '\n', Offset: 17}, "bare LF at byte 17 of the body"},
	}
	for _, tt := range tests {
		if tt.err.Error() != tt.want {
			t.Errorf("got %s, want %s", tt.err, tt.want)
		}
	}
}
