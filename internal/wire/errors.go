package wire

import (
	"cmp"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// clipAt is the maximum number of bytes of received text that an error message shows.
const clipAt = 64

// LimitError reports that something was larger than allowed. The connection it came from is out of step and must be
// closed, unless What is a command line, which was then not sent.
type LimitError struct {
	What  string // what was too large: "reply line", "reply", "command line", …
	Limit int64  // the limit that was exceeded, in Unit
	Unit  string // "" means bytes
}

// Error names the item and its limit: "reply line longer than 65536 bytes".
func (e *LimitError) Error() string {
	return fmt.Sprintf("%s longer than %d %s", e.What, e.Limit, cmp.Or(e.Unit, "bytes"))
}

// SyntaxError reports a line from the peer that the protocol does not allow there.
type SyntaxError struct {
	Got  string // the line as received, truncated for display
	Want string // a description of what was expected
}

// Error shows both; the received line is quoted, so that it is harmless on a terminal and stays on one line.
func (e *SyntaxError) Error() string {
	return "got " + quote(e.Got) + ", want " + e.Want
}

// syntaxError copies no more of the line than the message shows.
func syntaxError(line []byte, want string) error {
	return &SyntaxError{Got: string(line[:min(len(line), clipAt+utf8.UTFMax)]), Want: want}
}

// quote makes received text short and printable; control, bidirectional and invalid characters become escapes.
func quote(s string) string {
	if cut := cut(s, clipAt); len(cut) < len(s) {
		return strconv.Quote(cut) + "…"
	}
	return strconv.Quote(s)
}

// mostClipped is the maximum number of bytes that [Clip] keeps.
const mostClipped = 100

// Clip returns s shortened for an error message: at most its first 100 bytes, without a part of a character, and "…"
// where something is missing. It does not make s printable.
func Clip(s string) string {
	if cut := cut(s, mostClipped); len(cut) < len(s) {
		return cut + "…"
	}
	return s
}

// cut returns the first most bytes of s, or up to three fewer where they would end inside a UTF-8 character.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for n := most; n > most-utf8.UTFMax; n-- {
		if utf8.RuneStart(s[n]) {
			return s[:n]
		}
	}
	return s[:most] // not UTF-8
}
