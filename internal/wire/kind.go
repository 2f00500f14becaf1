package wire

// The errors of this package tell their kind by a word, because the package that
// names the kinds stands above this one.

// ErrorKind says that the caller's argument is wrong.
func (e *ArgumentError) ErrorKind() string { return "usage" }

// ErrorKind says that the peer breaks the protocol, or, of a command line, that
// the caller's arguments are too long.
func (e *LimitError) ErrorKind() string {
	if e.What == "command line" {
		return "usage"
	}
	return "protocol"
}

// ErrorKind says that the peer breaks the protocol.
func (e *SyntaxError) ErrorKind() string { return "protocol" }

// ErrorKind says that the content cannot be sent as it is.
func (e *LineEndError) ErrorKind() string { return "usage" }
