package wire

import (
	"cmp"
	"fmt"
	"strconv"
)

// clipAt is how many bytes of a foreign text an error message shows at most.
const clipAt = 64

// LimitError says that something was larger than allowed. The connection it came from is out of step: close it,
// unless What is a command line, which was then not sent.
type LimitError struct {
	What  string // what was too large: "reply line", "reply", "command line", …
	Limit int64  // the limit that was passed, in Unit
	Unit  string // "" means bytes
}

// Error names the thing and its limit: "reply line longer than 65536 bytes".
func (e *LimitError) Error() string {
	return fmt.Sprintf("%s longer than %d %s", e.What, e.Limit, cmp.Or(e.Unit, "bytes"))
}

// SyntaxError says that the peer sent a line that the protocol does not allow there.
type SyntaxError struct {
	Got  string // the line as it came, clipped for display
	Want string // what would have been right, in words
}

// Error shows both sides; what came is quoted, so that it is harmless on a terminal and stays one line.
func (e *SyntaxError) Error() string {
	return "got " + quote(e.Got) + ", want " + e.Want
}

// syntaxError copies no more of the line than a message will show.
func syntaxError(line []byte, want string) error {
	return &SyntaxError{Got: string(line[:min(len(line), clipAt+1)]), Want: want}
}

// quote makes a foreign text short and printable; control, bidirectional and broken characters become escapes.
func quote(s string) string {
	if len(s) > clipAt {
		return strconv.Quote(s[:clipAt]) + "…"
	}
	return strconv.Quote(s)
}
