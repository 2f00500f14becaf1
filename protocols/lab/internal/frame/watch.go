package frame

import (
	"bytes"
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/netclients/netclients/internal/mask"
	"github.com/netclients/netclients/protocols/lab/base"
)

// Limits on what is shown of a conversation.
const (
	watchLine = 512 // bytes of a line
	watchRun  = 24  // lines in one direction before the rest is content
)

// watch makes steps of what passes on the connections of a server. A nil one does
// nothing.
type watch struct {
	emit func(base.Step)

	mu   sync.Mutex
	last int64
	open map[string]int64 // numbers of control connections by the client's address
}

func newWatch(emit func(base.Step)) *watch { return &watch{emit: emit, open: map[string]int64{}} }

// plain returns an accepted connection that is watched. It stands below the faults, so
// that what is seen is what passes; what is TLS is not looked into.
func (w *watch) plain(conn net.Conn, channel string) net.Conn {
	if w == nil {
		return conn
	}
	from := conn.RemoteAddr().String()
	w.mu.Lock()
	w.last++
	c := &watched{Conn: conn, w: w, number: w.last, channel: channel, outer: true}
	if channel == "control" {
		w.open[from] = c.number
	}
	w.mu.Unlock()
	c.step(base.StepConnect, strings.TrimPrefix(from, "@"), 0)
	return c
}

// Over returns a TLS connection of the frame that is watched within.
func (f *Frame) Over(t *tls.Conn) net.Conn {
	if f.watch == nil {
		return t
	}
	f.watch.mu.Lock()
	defer f.watch.mu.Unlock()
	return &watched{Conn: t, w: f.watch, number: f.watch.open[t.RemoteAddr().String()], channel: "control"}
}

// Data returns a data connection that is watched.
func (f *Frame) Data(conn net.Conn) net.Conn { return f.watch.plain(conn, "data") }

// watched is a connection that is watched.
type watched struct {
	net.Conn
	w       *watch
	number  int64
	channel string
	outer   bool // accepted, not within TLS

	mu     sync.Mutex
	way    base.StepKind // of what passed last
	line   []byte        // begun, not ended
	over   bool          // the line is longer than what is kept
	lines  int           // shown in this direction without an answer
	bulk   int64         // bytes that are not shown
	muted  bool          // TLS
	exch   bool          // an authentication goes on: lines of the client are secret
	word   bool          // the server asked for a password
	closed bool
}

// Read passes on what the client sends.
func (c *watched) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.saw(base.StepSend, p[:n])
	}
	return n, err
}

// Write passes on what the server sends. It is seen before it is written: the answer of
// the client may come first otherwise.
func (c *watched) Write(p []byte) (int, error) {
	c.saw(base.StepRecv, p)
	return c.Conn.Write(p)
}

// CloseWrite ends the outgoing direction.
func (c *watched) CloseWrite() error {
	if h, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return c.Close()
}

// SetLinger passes the option on, see net.TCPConn.
func (c *watched) SetLinger(sec int) error {
	if l, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		return l.SetLinger(sec)
	}
	return nil
}

// Close ends the connection, and its conversation.
func (c *watched) Close() error {
	err := c.Conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return err
	}
	c.closed = true
	c.turn("")
	if c.outer {
		c.step(base.StepClose, "", 0)
		c.w.mu.Lock()
		if from := c.RemoteAddr().String(); c.w.open[from] == c.number {
			delete(c.w.open, from)
		}
		c.w.mu.Unlock()
	}
	return err
}

func (c *watched) step(kind base.StepKind, text string, n int64) {
	c.w.emit(base.Step{Time: time.Now(), Conn: c.number, Channel: c.channel, Kind: kind, Text: text, Bytes: n})
}

// saw takes note of bytes that pass in one direction.
func (c *watched) saw(way base.StepKind, p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.muted {
		return
	}
	if way != c.way {
		c.turn(way)
		if c.outer && c.channel != "data" && len(p) > 1 && p[0] == 0x16 && p[1] == 3 && way == base.StepSend {
			c.muted = true
			c.step(base.StepTLS, "TLS handshake", 0)
			return
		}
	}
	for len(p) > 0 {
		if c.channel == "data" || c.lines >= watchRun {
			c.bulk += int64(len(p))
			return
		}
		i := bytes.IndexByte(p, '\n')
		piece := p
		if i >= 0 {
			piece = p[:i]
		}
		room := max(watchLine-len(c.line), 0)
		c.line, c.over = append(c.line, piece[:min(room, len(piece))]...), c.over || len(piece) > room
		if i < 0 {
			c.bulk += int64(max(len(piece)-room, 0))
			return
		}
		p = p[i+1:]
		c.end()
	}
}

// turn ends what passed in one direction.
func (c *watched) turn(way base.StepKind) {
	if len(c.line) > 0 {
		c.end()
	}
	if c.bulk > 0 {
		kind := base.StepDown
		if c.way == base.StepSend {
			kind = base.StepUp
		}
		c.step(kind, "content", c.bulk)
	}
	c.way, c.lines, c.bulk = way, 0, 0
}

// end shows a line that has ended; what is not text counts as content.
func (c *watched) end() {
	text := strings.TrimRight(string(c.line), "\r")
	whole := !c.over
	c.line, c.over = c.line[:0], false
	c.lines++
	if !isText(text) {
		c.bulk += int64(len(text))
		return
	}
	if c.way == base.StepSend {
		text = c.masked(text)
	} else {
		c.answered(text)
	}
	if !whole {
		text += " …"
	}
	c.step(c.way, text, 0)
}

// masked returns a line of the client without its secrets.
func (c *watched) masked(line string) string {
	switch {
	case c.exch:
		return mask.ResponseOf(line, false).Shown
	case c.word:
		c.word = false
		return mask.Hidden
	}
	if name, _, ok := strings.Cut(line, ": "); ok && secretFields[strings.ToLower(name)] {
		return name + ": " + mask.Hidden
	}
	tag, rest, ok := strings.Cut(line, " ")
	command := mask.CommandOf(line)
	if !command.Secret && ok { // IMAP's tag stands first
		if tagged := mask.CommandOf(rest); tagged.Secret {
			command = tagged
			command.Shown = tag + " " + command.Shown
		}
	}
	verb, _ := SplitCommand(line)
	if !command.Secret && ok && verb != "AUTH" && verb != "AUTHINFO" {
		verb, _ = SplitCommand(rest)
	}
	c.exch = verb == "AUTH" || verb == "AUTHENTICATE" || strings.HasPrefix(strings.ToUpper(line), "AUTHINFO SASL")
	return command.Shown
}

// secretFields are the fields of HTTP that carry secrets.
var secretFields = map[string]bool{"authorization": true, "proxy-authorization": true, "cookie": true}

// answered notes what a line of the server says about what the client sends next.
func (c *watched) answered(line string) {
	challenge := line == "+" || strings.HasPrefix(line, "334") || strings.HasPrefix(line, "383") || strings.HasPrefix(line, "+ ")
	c.exch = c.exch && challenge
	c.word = strings.HasSuffix(strings.ToLower(strings.TrimRight(line, ": ")), "password") && !strings.HasPrefix(line, "+OK")
}

func isText(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) < 0
}
