package wire

import "strings"

// byteNames names the bytes that no argument may contain.
var byteNames = map[byte]string{'\r': "CR", '\n': "LF", 0: "NUL"}

// ArgumentError reports an argument with a byte that would end or truncate its command.
type ArgumentError struct {
	Arg  string // the argument; its masked form when it is a secret
	Byte byte   // '\r', '\n' or 0: the first such byte
}

// Error names the byte and quotes the argument, truncated.
func (e *ArgumentError) Error() string {
	return byteNames[e.Byte] + " is not allowed in " + quote(e.Arg)
}

// Check returns an *ArgumentError for the first argument that contains CR, LF or NUL, and nil if none does. Names
// received from a server must pass it too before they are sent in a command.
func Check(args ...string) error {
	for _, arg := range args {
		if i := strings.IndexAny(arg, "\r\n\x00"); i >= 0 {
			return &ArgumentError{Arg: arg, Byte: arg[i]}
		}
	}
	return nil
}
