package ftplab

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// control is a control connection. A reader goroutine turns the bytes into lines;
// everything else belongs to the goroutine of run, except for what a transfer
// needs, which is handed to its goroutine.
type control struct {
	srv     *Server
	base    net.Conn // below TLS
	conn    net.Conn // replies are written to it
	lines   chan string
	next    chan *bufio.Reader // has the reader go on after AUTH and CCC
	quit    chan struct{}      // closed when run ends: the reader must not wait for next
	held    bool               // the reader waits for next
	tls     *tls.Config        // of this session, nil before TLS
	last    string             // verb in progress
	pending []string           // lines that came during a transfer
	ended   bool
}

// nextLine returns a postponed or new line, false at the end.
func (x *control) nextLine(idle *time.Timer) (string, bool) {
	if len(x.pending) > 0 {
		line := x.pending[0]
		x.pending = x.pending[1:]
		return line, true
	}
	idle.Reset(x.srv.opt.IdleTimeout)
	select {
	case line, ok := <-x.lines:
		return line, ok
	case <-idle.C:
		x.reply(421, "Timeout.")
		return "", false
	}
}

// finish ends the reader. Unread commands are read for a moment, since closing
// over them would be a reset that may overtake the last reply.
func (x *control) finish() {
	close(x.quit)
	if h, ok := x.conn.(interface{ CloseWrite() error }); ok {
		h.CloseWrite()
	}
	if h, ok := x.base.(interface{ CloseWrite() error }); ok && x.conn != x.base {
		h.CloseWrite()
	}
	x.base.SetReadDeadline(time.Now().Add(time.Second))
	for range x.lines {
	}
}

// read is the reader goroutine.
func (x *control) read(r *bufio.Reader) {
	defer close(x.lines)
	for {
		line, err := readLine(r)
		if err != nil {
			return
		}
		x.srv.front.Record(line)
		x.lines <- line
		if !holds(line) {
			continue
		}
		select {
		case fresh := <-x.next:
			if fresh != nil {
				r = fresh
			}
		case <-x.quit:
			return
		}
	}
}

// holds reports whether the bytes after a line may be of another kind, so
// that the reader has to wait for its outcome.
func holds(line string) bool {
	verb, _ := frame.SplitCommand(line)
	return verb == "AUTH" || verb == "CCC"
}

// readLine reads a line without its end and without Telnet commands.
func readLine(r *bufio.Reader) (string, error) {
	raw, err := r.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(stripTelnet(raw)), "\r\n"), nil
}

// stripTelnet removes Telnet commands (RFC 854), which clients send before
// ABOR. The DM of a Synch may be missing, being out-of-band data; then IAC
// stands before an ordinary byte, which is kept.
func stripTelnet(p []byte) []byte {
	const iac, will = 255, 251
	out := p[:0:0]
	for i := 0; i < len(p); i++ {
		if p[i] != iac || i+1 == len(p) {
			out = append(out, p[i])
			continue
		}
		switch c := p[i+1]; {
		case c == iac:
			out = append(out, iac)
			i++
		case c >= will:
			i += 2
		case c >= 240:
			i++
		}
	}
	return out
}

// goOn lets the reader continue, with r if it is not nil.
func (x *control) goOn(r *bufio.Reader) {
	if x.held {
		x.held = false
		x.next <- r
	}
}

// fault plays the scripted fault of a verb or point, if there is one, and
// reports whether it did.
func (x *control) fault(verb string) bool {
	f, ok := x.srv.front.Faults.Verb(verb)
	if !ok {
		return false
	}
	x.ended = true
	switch f.Kind {
	case base.FaultHang:
		x.goOn(nil)
		x.hang(verb)
	case base.FaultReset:
		frame.Reset(x.base)
	case base.FaultDrop:
	default:
		x.ended = !frame.Misbehave(x.conn, f)
	}
	return true
}

// hang says nothing until the connection ends.
func (x *control) hang(verb string) {
	if verb == base.PointTLS {
		io.Copy(io.Discard, x.base)
		return
	}
	for line := range x.lines {
		if holds(line) {
			x.next <- nil
		}
	}
}

// reply writes a one-line reply.
func (x *control) reply(code int, text string) { x.lineReply(code, text) }

// replyf is reply with a format.
func (x *control) replyf(code int, format string, args ...any) {
	x.lineReply(code, fmt.Sprintf(format, args...))
}

// lineReply writes a reply of one or more lines as one packet (RFC 959
// section 4.2): first and last line carry the code, those between are indented.
func (x *control) lineReply(code int, lines ...string) {
	var b strings.Builder
	last := len(lines) - 1
	for i, line := range lines {
		switch {
		case i == last:
			fmt.Fprintf(&b, "%d %s\r\n", code, line)
		case i == 0:
			fmt.Fprintf(&b, "%d-%s\r\n", code, line)
		default:
			fmt.Fprintf(&b, " %s\r\n", line)
		}
	}
	if f, ok := x.srv.front.Faults.Injected(x.last); ok {
		b.WriteString(f.Text + "\r\n")
	}
	if _, err := io.WriteString(x.conn, b.String()); err != nil {
		x.ended = true
	}
}
