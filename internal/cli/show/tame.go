package show

import (
	"bytes"
	"io"
	"slices"
)

// TameWriter makes text of a server harmless for a terminal, line by line, and
// what is left of a line after a moment of its own: at each write.
type TameWriter struct {
	W    io.Writer
	held []byte // an incomplete character
}

func (t *TameWriter) Write(p []byte) (int, error) {
	b := append(t.held, p...)
	cut := len(b) - openRune(b)
	t.held = slices.Clone(b[cut:])
	_, err := io.WriteString(t.W, SafeLines(string(b[:cut])))
	return len(p), err
}

func (t *TameWriter) Flush() error {
	_, err := io.WriteString(t.W, SafeLines(string(t.held)))
	t.held = nil
	return err
}

// openRune returns the length of a tail whose character or line end may go on.
func openRune(b []byte) int {
	if bytes.HasSuffix(b, []byte("\r")) {
		return 1
	}
	for n := 1; n <= min(3, len(b)); n++ {
		switch c := b[len(b)-n]; {
		case c < 0x80:
			return 0
		case c >= 0xc0:
			if n < runeLength(c) {
				return n
			}
			return 0
		}
	}
	return 0
}

// runeLength returns the length that the first byte of a character tells.
func runeLength(first byte) int {
	switch {
	case first >= 0xf0:
		return 4
	case first >= 0xe0:
		return 3
	}
	return 2
}
