package telnet

import (
	"bytes"
	"math"

	"github.com/netclients/netclients/protocols"
)

// engine takes the stream apart into data and commands. It does no I/O: it works
// in the reader's buffer and collects what has to be answered. The lock of the
// connection guards it.
type engine struct {
	set   Settings
	limit int // bytes of a subnegotiation

	at     position
	verb   byte   // WILL, WONT, DO or DONT that waits for its option
	sub    []byte // of the subnegotiation being read, the option first
	lastCR bool   // the last byte of data was a CR
	mute   bool   // data is thrown away until the data mark of a Synch

	ours, theirs [256]side
	out          []byte // to be sent
	received     int64
	answered     int64

	ttype   int // next of the terminal types to tell
	window  [2]int
	charset string
	mode    byte // of LINEMODE
	lastSB  []byte
	tls     tlsStep

	startTLS bool // the option may be used
	hush     bool // FOLLOWS was sent: nothing more goes out before the handshake
}

// position says what the next byte belongs to.
type position uint8

const (
	inData position = iota
	inCommand
	inOption
	inSub
	inSubCommand
)

// tlsStep is how far the START_TLS option is.
type tlsStep uint8

const (
	tlsNone    tlsStep = iota
	tlsFollows         // both sides have said FOLLOWS: the handshake is next
)

// Bounds of what the peer makes us say: bytes beyond twice what came, and bytes
// that wait because it does not read.
const (
	slack      = 4 << 10
	maxWaiting = 64 << 10
)

// feed works on the bytes in p and leaves the data at its start. rest is what
// stands after the point where TLS begins.
func (e *engine) feed(p []byte) (data int, rest []byte, err error) {
	e.received += int64(len(p))
	for i := 0; i < len(p); {
		if e.at == inData {
			n, taken := e.text(p[data:], p[i:])
			data += n
			i += taken
			continue
		}
		if e.at == inCommand && p[i] == IAC { // the byte 255 of data
			e.at, e.lastCR = inData, false
			if !e.mute {
				p[data] = IAC
				data++
			}
			i++
			continue
		}
		if err := e.step(p[i]); err != nil {
			return data, nil, err
		}
		i++
		if e.tls == tlsFollows {
			return data, p[i:], nil
		}
	}
	return data, nil, nil
}

// text copies data up to the next IAC to dst, which is in front of src in the
// same buffer. It returns the bytes written and those taken, the IAC included.
func (e *engine) text(dst, src []byte) (n, taken int) {
	end := bytes.IndexByte(src, IAC)
	taken = end + 1
	if end < 0 {
		end, taken = len(src), len(src)
	} else {
		e.at = inCommand
	}
	if e.mute {
		return 0, taken
	}
	if e.theirs[BINARY].on() {
		return move(dst, src[:end]), taken
	}
	return e.unNUL(dst, src[:end]), taken
}

// unNUL drops each NUL after a CR: that pair is a bare CR, RFC 854.
func (e *engine) unNUL(dst, src []byte) (n int) {
	if e.lastCR && len(src) > 0 {
		e.lastCR = false
		if src[0] == 0 {
			src = src[1:]
		}
	}
	for len(src) > 0 {
		i := pairAt(src)
		if i < 0 {
			e.lastCR = src[len(src)-1] == '\r'
			return n + move(dst[n:], src)
		}
		n += move(dst[n:], src[:i+1])
		src = src[i+2:]
	}
	return n
}

// pairAt finds CR NUL. Text mostly has no NUL at all, which is quicker to see.
func pairAt(p []byte) int {
	if bytes.IndexByte(p, 0) < 0 {
		return -1
	}
	return bytes.Index(p, []byte{'\r', 0})
}

// move is copy that sees when there is nothing to do.
func move(dst, src []byte) int {
	if len(src) > 0 && &dst[0] != &src[0] {
		copy(dst, src)
	}
	return len(src)
}

// step takes one byte of a command.
func (e *engine) step(b byte) error {
	switch e.at {
	case inCommand:
		e.command(b)
	case inOption:
		e.at = inData
		e.option(e.verb, b)
	case inSub:
		if b == IAC {
			e.at = inSubCommand
			return nil
		}
		return e.grow(b)
	case inSubCommand:
		return e.subCommand(b)
	}
	return nil
}

// command takes the byte after IAC. One that is not a command of the protocol means
// nothing: some servers send the byte 255 of data without its double.
func (e *engine) command(b byte) {
	e.at = inData
	switch b {
	case WILL, WONT, DO, DONT:
		e.verb, e.at = b, inOption
	case SB:
		e.sub, e.at = e.sub[:0], inSub
	case DM:
		e.mute = false
		e.note(false, b)
	case AYT:
		e.note(false, b)
		e.answer([]byte("\r\n[netclients: yes]\r\n"))
	default:
		e.note(false, b)
	}
}

func (e *engine) grow(b byte) error {
	if len(e.sub) >= e.limit {
		return protocols.ProtocolError(proto, "", "a subnegotiation passes the limit")
	}
	e.sub = append(e.sub, b)
	return nil
}

func (e *engine) subCommand(b byte) error {
	switch b {
	case IAC:
		e.at = inSub
		return e.grow(IAC)
	case SE:
		e.at = inData
		e.subnegotiation()
		return nil
	}
	// RFC 855 has no other; what follows is taken for a command of its own.
	e.command(b)
	return nil
}

// whole reports whether the stream may end here.
func (e *engine) whole() bool { return e.at == inData }

// answer queues bytes, unless the peer has made us talk too much already. What the
// user wants is not counted, see freely.
func (e *engine) answer(p []byte) bool {
	if e.hush || e.answered+int64(len(p)) > 2*e.received+slack || e.answered >= 0 && len(e.out) > maxWaiting {
		return false
	}
	e.answered += int64(len(p))
	e.out = append(e.out, p...)
	return true
}

// freely runs what the user wants, which needs no bytes of the peer's to answer.
func (e *engine) freely(f func()) {
	answered := e.answered
	e.answered = math.MinInt64 / 2
	f()
	e.answered = answered
}

// note reports a command.
func (e *engine) note(sent bool, command byte) {
	e.tell(Event{Sent: sent, Command: command})
}

func (e *engine) tell(v Event) {
	if e.set.Observe != nil {
		e.set.Observe(v)
	}
}
