package ftplab

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// session is one control connection. A reader goroutine turns the bytes
// into lines; everything else belongs to the goroutine of run, except what a
// transfer needs, which is handed to its goroutine.
type session struct {
	srv   *Server
	base  net.Conn // below TLS
	conn  net.Conn // what replies are written to
	lines chan string
	next  chan *bufio.Reader // tells the reader to go on after AUTH and CCC
	quit  chan struct{}      // closed when run ends: the reader must not wait for next
	held  bool               // the reader waits for next
	tls   *tls.Config        // of this session, nil before TLS
	ended bool

	user      string
	password  bool // accepted, ACCT still missing
	loggedIn  bool
	anonymous bool
	fails     int

	cwd    string
	ascii  bool
	rest   int64
	rename string
	umask  fs.FileMode
	facts  []string
	hash   string

	data    *dataPlan
	epsvAll bool
	pbsz    bool
	private bool   // PROT P
	last    string // verb in progress
	pending []string
}

func newSession(srv *Server, conn net.Conn) *session {
	x := &session{srv: srv, base: conn, conn: conn, lines: make(chan string), next: make(chan *bufio.Reader), quit: make(chan struct{})}
	x.reinit()
	return x
}

// reinit is the state after connecting and after REIN.
func (x *session) reinit() {
	x.user, x.password, x.loggedIn, x.anonymous = "", false, false, false
	x.cwd, x.ascii, x.rest, x.rename = "/", true, 0, ""
	x.umask, x.facts, x.hash = 0o022, allFacts(), "SHA-256"
	x.data.close()
	x.data = nil
}

// run holds the dialogue until one side ends it.
func (x *session) run() {
	defer func() { x.data.close() }()
	if x.srv.opt.TLS == lab.TLSImplicit && !x.startTLS() {
		return
	}
	x.srv.front.Go(func() { x.read(bufio.NewReaderSize(x.conn, frame.MaxLine)) })
	defer x.finish()
	if !x.fault(lab.PointGreeting) {
		x.reply(220, x.srv.opt.Greeting)
	}
	idle := time.NewTimer(x.srv.opt.IdleTimeout)
	defer idle.Stop()
	for !x.ended {
		line, ok := x.nextLine(idle)
		if !ok {
			return
		}
		x.dispatch(line)
	}
}

// nextLine returns a postponed or new line, false at the end.
func (x *session) nextLine(idle *time.Timer) (string, bool) {
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
func (x *session) finish() {
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
func (x *session) read(r *bufio.Reader) {
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

// holds reports whether the bytes behind a line may be of another kind, so
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

// dispatch carries out one line.
func (x *session) dispatch(line string) {
	verb, arg := frame.SplitCommand(line)
	x.held = holds(line)
	defer x.goOn(nil)
	if x.fault(verb) {
		return
	}
	x.last = verb
	x.perform(verb, arg)
}

// perform checks what the table says about a verb and runs it.
func (x *session) perform(verb, arg string) {
	v, ok := x.srv.verbs[verb]
	switch {
	case !ok:
		x.reply(500, "Unknown command.")
	case v.flags&needLogin != 0 && !x.loggedIn:
		x.reply(530, "Please login with USER and PASS.")
	case v.flags&needArg != 0 && arg == "":
		x.reply(501, verb+" needs an argument.")
	case v.flags&changes != 0 && x.anonymous:
		x.reply(550, "Permission denied.")
	default:
		v.run(x, arg)
		if v.flags&keepState == 0 {
			x.rest, x.rename = 0, ""
		}
	}
}

// goOn lets the reader continue, with r if it is not nil.
func (x *session) goOn(r *bufio.Reader) {
	if x.held {
		x.held = false
		x.next <- r
	}
}

// fault plays the scripted fault of a verb or point, if there is one, and
// reports whether it did.
func (x *session) fault(verb string) bool {
	f, ok := x.srv.front.Faults.Verb(verb)
	if !ok {
		return false
	}
	x.ended = true
	switch f.Kind {
	case lab.FaultHang:
		x.goOn(nil)
		x.hang(verb)
	case lab.FaultReset:
		frame.Reset(x.base)
	case lab.FaultDrop:
	default:
		x.ended = !frame.Misbehave(x.conn, f)
	}
	return true
}

// hang says nothing until the connection ends.
func (x *session) hang(verb string) {
	if verb == lab.PointTLS {
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
func (x *session) reply(code int, text string) { x.lineReply(code, text) }

// replyf is reply with a format.
func (x *session) replyf(code int, format string, args ...any) {
	x.lineReply(code, fmt.Sprintf(format, args...))
}

// lineReply writes a reply of one or more lines as one packet (RFC 959
// section 4.2): first and last line carry the code, those between are indented.
func (x *session) lineReply(code int, lines ...string) {
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

// path makes a client's name absolute.
func (x *session) path(name string) string {
	if path.IsAbs(name) {
		return path.Clean("/" + name)
	}
	return path.Join(x.cwd, name)
}
