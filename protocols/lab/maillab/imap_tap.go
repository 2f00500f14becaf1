package maillab

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// imapTap is the [tap] for IMAP. Literals pass as they are. STARTTLS is its own: it takes
// the connection from the library, and a tap above TLS gets it afterwards.
//
// The text of a fault follows the command's tag ("NO [INUSE] busy",
// "BAD what"); one that begins with "*" or "+" stands for itself, and after a "* BYE"
// the connection ends. The commands after UID go by their own names.
type imapTap struct {
	*frame.Tap
	s    *IMAPServer
	more bool // the line to come goes on with a command

	known   atomic.Bool // the session has a user
	upgrade bool        // STARTTLS takes the connection from the library
	dumb    bool        // the library's greeting is still to be dropped

	mu     sync.Mutex
	inject string // to be added after the answer to tag
	tag    string
}

func newIMAPTap(s *IMAPServer, conn net.Conn) *imapTap {
	t := &imapTap{Tap: frame.NewTap(conn), s: s}
	t.Tap.Next = t.next
	return t
}

// next reads a line; a command that a fault answers is not handed on.
func (t *imapTap) next() error {
	line, err := t.In.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		err = nil // the library refuses it
	}
	if err != nil {
		return err
	}
	text := strings.TrimRight(string(line), "\r\n")
	if t.First() && frame.IsHTTP(text) {
		t.Close()
		return io.EOF
	}
	start := !t.more
	t.Raw, t.more = announced(text)
	tag, verb := imapCommand(text)
	if !start || verb == "" {
		t.Line = line
		return nil
	}
	t.s.front.Record(text)
	if f, ok := t.s.front.Faults.Verb(verb); ok {
		if !t.play(tag, f) {
			t.Close()
			return io.EOF
		}
		return t.skip(text)
	}
	if f, ok := t.s.front.Faults.Injected(verb); ok {
		t.mu.Lock()
		t.inject, t.tag = f.Text+"\r\n", tag
		t.mu.Unlock()
	}
	if verb == "STARTTLS" && t.upgrades(text) {
		return t.leave(tag)
	}
	t.Line = line
	return nil
}

// upgrades reports whether a STARTTLS is to be carried out; the library refuses others.
func (t *imapTap) upgrades(line string) bool {
	return t.s.secure != nil && frame.TLSState(t.Conn) == nil && !t.known.Load() && len(strings.Fields(line)) == 2
}

// leave answers STARTTLS and has the library leave the connection. A client that has sent
// more already is cut off: it would be taken for what was said under TLS.
func (t *imapTap) leave(tag string) error {
	early := t.In.Buffered() > 0
	_, err := io.WriteString(t, tag+" OK Begin TLS negotiation now\r\n")
	if f, ok := t.s.front.Faults.Verb(base.PointTLS); ok && !t.play(tag, f) || early || err != nil {
		t.Close()
		return io.EOF
	}
	t.upgrade = true
	return io.EOF
}

// Close ends the connection, or hands it back for TLS.
func (t *imapTap) Close() error {
	if t.upgrade {
		t.Detach()
		return nil
	}
	return t.Tap.Close()
}

// startTLS does the handshake, and returns a tap for what follows; nil after a failure.
func (t *imapTap) startTLS() *imapTap {
	t.Conn.SetDeadline(time.Now().Add(handshakeTime))
	c := tls.Server(t.Conn, t.s.front.TLSConfig())
	if c.Handshake() != nil {
		return nil
	}
	t.Conn.SetDeadline(time.Time{})
	inner := newIMAPTap(t.s, t.s.front.Over(c))
	inner.dumb = true
	return inner
}

// handshakeTime bounds a TLS handshake.
const handshakeTime = time.Minute

// skip drops the rest of a command with literals that come without being asked
// for; others never come.
func (t *imapTap) skip(text string) error {
	t.Raw, t.more = 0, false
	for strings.HasSuffix(text, "+}") {
		size, _ := announced(text)
		if _, err := io.CopyN(io.Discard, t.In, size); err != nil {
			return err
		}
		line, err := t.In.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull {
			return err
		}
		text = strings.TrimRight(string(line), "\r\n")
	}
	return nil
}

// announced finds "{5}" or "{5+}" at the end of a line.
func announced(line string) (size int64, ok bool) {
	i := strings.LastIndexByte(line, '{')
	if i < 0 || !strings.HasSuffix(line, "}") {
		return 0, false
	}
	n, err := fmt.Sscanf(strings.TrimSuffix(strings.TrimSuffix(line[i+1:], "}"), "+"), "%d", &size)
	return max(size, 0), n == 1 && err == nil
}

// imapCommand returns tag and verb of a command line, the verb in capitals.
func imapCommand(line string) (tag, verb string) {
	words := strings.Fields(line)
	if len(words) < 2 {
		return "", ""
	}
	verb = strings.ToUpper(words[1])
	if verb == "UID" && len(words) > 2 {
		verb = strings.ToUpper(words[2])
	}
	return words[0], verb
}

// play does what a fault says; false means that the connection is to end.
func (t *imapTap) play(tag string, f base.Fault) bool {
	switch f.Kind {
	case base.FaultMultiline:
		if f.Text == "" {
			f.Text = "* OK"
		}
		frame.Endless(t.Conn, "", f.Text+" and another line\r\n")
		return false
	case base.FaultCode:
		if f.Text[0] != '*' && f.Text[0] != '+' {
			f.Text = tag + " " + f.Text
		}
	}
	return t.Tap.Play(f, "* BYE")
}

// Write passes answers on, with injected bytes after the one they belong to.
func (t *imapTap) Write(p []byte) (int, error) {
	t.mu.Lock()
	out := t.greeted(p)
	if at := t.answerEnd(out); at > 0 {
		out = append(append(bytes.Clone(out[:at]), t.inject...), out[at:]...)
		t.inject = ""
	}
	t.mu.Unlock()
	if _, err := t.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// greeted returns what is left of an answer without the greeting that is not to be sent.
func (t *imapTap) greeted(p []byte) []byte {
	if !t.dumb {
		return p
	}
	_, rest, ended := bytes.Cut(p, []byte("\n"))
	t.dumb = !ended
	return rest
}

// answerEnd finds the end of the tagged answer that bytes are to be put after.
func (t *imapTap) answerEnd(p []byte) int {
	if t.inject == "" {
		return 0
	}
	start := 0
	if !bytes.HasPrefix(p, []byte(t.tag+" ")) {
		if start = bytes.Index(p, []byte("\n"+t.tag+" ")); start < 0 {
			return 0
		}
		start++
	}
	return start + bytes.IndexByte(p[start:], '\n') + 1
}

// greet plays the fault of the greeting; false means that no session follows.
func (t *imapTap) greet() bool {
	f, ok := t.s.front.Faults.Verb(base.PointGreeting)
	if !ok {
		return true
	}
	if f.Kind == base.FaultCode && !strings.HasPrefix(f.Text, "*") {
		f.Text = "* " + f.Text
	}
	t.play("*", f)
	return false
}
