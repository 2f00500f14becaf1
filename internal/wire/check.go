package wire

import "strings"

// byteNames names the bytes that no argument may hold.
var byteNames = map[byte]string{'\r': "CR", '\n': "LF", 0: "NUL"}

// ArgumentError says that an argument holds a byte that would end or cut the command it is meant for.
type ArgumentError struct {
	Arg  string // the argument; its masked form when it is a secret
	Byte byte   // '\r', '\n' or 0: the first such byte
}

// Error names the byte and shows the argument quoted and clipped.
func (e *ArgumentError) Error() string {
	return byteNames[e.Byte] + " is not allowed in " + quote(e.Arg)
}

// Check returns an *ArgumentError for the first argument that holds CR, LF or NUL, and nil if none does. Names that
// came from a server pass it too before they go back in a command.
func Check(args ...string) error {
	for _, arg := range args {
		if i := strings.IndexAny(arg, "\r\n\x00"); i >= 0 {
			return &ArgumentError{Arg: arg, Byte: arg[i]}
		}
	}
	return nil
}
