package wire

// The errors of this package report their kind as a string, because this package
// does not import protocols, which defines the kinds.

// ErrorKind returns "usage": the caller's argument is invalid.
func (e *ArgumentError) ErrorKind() string { return "usage" }

// ErrorKind returns "protocol", or "usage" for a command line: then the caller's
// arguments are too long.
func (e *LimitError) ErrorKind() string {
	if e.What == "command line" {
		return "usage"
	}
	return "protocol"
}

// ErrorKind returns "protocol": the peer violated the protocol.
func (e *SyntaxError) ErrorKind() string { return "protocol" }

// ErrorKind returns "usage": the content cannot be sent unchanged.
func (e *LineEndError) ErrorKind() string { return "usage" }
