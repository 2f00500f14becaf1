package telnet

import "strings"

// Settings is what a caller may choose before the first verb. The zero value is
// a plain terminal without a size that says nothing of its user.
type Settings struct {
	Terminals []string // terminal types, the preferred first (TTYPE); default XTERM
	Width     int      // columns and lines of the window (NAWS); 0: not told
	Height    int
	Speed     string            // terminal speed (TSPEED), as "38400,38400"; empty: not told
	Environ   map[string]string // variables that the server may ask for (NEW-ENVIRON); no others are told
	Binary    bool              // ask for an 8-bit path in both directions (BINARY)
	LineMode  bool              // let the server choose local editing (LINEMODE)
	Charsets  []string          // to accept of a server that asks (CHARSET); default UTF-8, US-ASCII

	// Accept decides whether an option may be on when the server asks: on our
	// side (DO) or on its own (WILL). known is what this package would do.
	Accept func(option byte, ours, known bool) bool
	// Subnegotiation sees what the server sends for an option that is on, without
	// the option itself, and may answer: the bytes after IAC SB OPTION. With
	// done the package's own handling is left out. data must not be kept.
	Subnegotiation func(option byte, data []byte) (answer []byte, done bool)
	// Observe sees every command in both directions. It must not block, nor call
	// the connection.
	Observe func(Event)
}

// Event is one command of the protocol, as it went over the wire.
type Event struct {
	Sent    bool
	Command byte
	Option  byte   // of WILL, WONT, DO, DONT and SB
	Data    []byte // of SB; must not be kept
}

// String returns the event in words: "received DO TTYPE", "sent SB NAWS 80 24".
func (v Event) String() string {
	b := &strings.Builder{}
	b.WriteString("received ")
	if v.Sent {
		b.Reset()
		b.WriteString("sent ")
	}
	b.WriteString(CommandName(v.Command))
	if v.Command >= SB && v.Command != IAC {
		b.WriteString(" " + OptionName(v.Option))
	}
	if v.Command == SB {
		b.WriteString(" " + describe(v.Option, v.Data))
	}
	return b.String()
}
