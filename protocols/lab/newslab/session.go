package newslab

import (
	"bufio"
	"compress/flate"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// session is one connection.
type session struct {
	srv   *Server
	base  net.Conn // below TLS
	conn  net.Conn
	in    *bufio.Reader
	out   *bufio.Writer
	flush func() error // brings what out has written onto the connection
	dots  *wire.DotWriter
	ended bool
	last  string // verb in progress

	secure, compressed, gzip bool
	reader                   bool
	uses                     int // commands since the login
	loggedIn                 bool
	user                     string
	group                    *newsGroup
	current                  int64
}

// maxNewsLine bounds a command line.
const maxNewsLine = 16 << 10

func newSession(srv *Server, conn net.Conn) *session {
	x := &session{srv: srv, base: conn, reader: !srv.opt.ModeReader}
	x.attach(conn, conn)
	x.conn = conn
	return x
}

// attach makes the buffers on what carries the conversation now.
func (x *session) attach(r io.Reader, w io.Writer) {
	x.in, x.out = bufio.NewReaderSize(r, maxNewsLine), bufio.NewWriterSize(w, 32<<10)
	x.flush = x.out.Flush
	x.dots = wire.NewDotWriter(x.out, wire.Exact)
}

// run holds the dialogue until one side ends it.
func (x *session) run() {
	defer x.finish()
	if x.srv.opt.TLS == base.TLSImplicit && !x.startTLS() {
		return
	}
	if !x.fault(base.PointGreeting) {
		x.greet()
	}
	for first := true; !x.ended; first = false {
		if x.in.Buffered() == 0 && x.flush() != nil { // answers to commands sent together go out together
			return
		}
		x.base.SetReadDeadline(time.Now().Add(x.srv.opt.IdleTimeout))
		line, err := x.in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		if first && frame.IsHTTP(line) {
			return
		}
		x.srv.front.Record(line)
		x.dispatch(line)
	}
}

// finish sends what is left and waits a moment for the client's end.
func (x *session) finish() {
	if x.flush() == nil {
		frame.Drain(x.conn)
	}
}

func (x *session) greet() {
	if x.srv.opt.ReadOnly {
		x.reply(201, x.srv.opt.Greeting+" (no posting)")
		return
	}
	x.reply(200, x.srv.opt.Greeting+" (posting allowed)")
}

// dispatch checks what the table says about a command and runs it.
func (x *session) dispatch(line string) {
	verb, arg := frame.SplitCommand(line)
	arg = strings.TrimSpace(arg)
	x.last = verb
	if x.fault(verb) || x.answered(line) {
		return
	}
	v, ok := x.srv.verbs[verb]
	o := &x.srv.opt
	if o.LoginLasts > 0 && x.loggedIn && v.flags&newsAccess != 0 {
		x.uses++
		x.loggedIn = x.uses <= o.LoginLasts
	}
	switch {
	case !ok:
		x.reply(500, "What?")
	case v.flags&newsAccess != 0 && o.NeedTLS && !x.secure:
		x.reply(483, "Encryption required")
	case v.flags&newsAccess != 0 && o.NeedLogin && !x.loggedIn:
		x.reply(480, "Authentication required")
	case v.flags&newsReader != 0 && !x.reader:
		x.reply(401, "MODE-READER")
	case v.flags&newsArg != 0 && arg == "":
		x.reply(501, verb+" needs an argument")
	case v.flags&newsInGroup != 0 && x.group == nil && !strings.Contains(arg, "<"):
		x.reply(412, "No newsgroup selected")
	default:
		v.run(x, arg)
	}
}

// fault plays the scripted fault of a verb or point, if there is one, and reports
// whether it did.
func (x *session) fault(verb string) bool {
	f, ok := x.srv.front.Faults.Verb(verb)
	if !ok {
		return false
	}
	x.flush()
	x.ended = true
	switch f.Kind {
	case base.FaultHang:
		io.Copy(io.Discard, x.conn)
	case base.FaultReset:
		frame.Reset(x.base)
	case base.FaultDrop:
	default:
		x.ended = !frame.Misbehave(x.conn, f)
	}
	return true
}

// answered sends the reply of Options.Answer, if there is one.
func (x *session) answered(line string) bool {
	if x.srv.opt.Answer == nil {
		return false
	}
	text := x.srv.opt.Answer(line)
	said, hangUp := strings.CutSuffix(text, HangUp)
	x.out.WriteString(said)
	if hangUp {
		x.flush()
		x.ended = true
	}
	return text != ""
}

// reply writes a one-line reply.
func (x *session) reply(code int, text string) {
	fmt.Fprintf(x.out, "%d %s\r\n", code, text)
	if f, ok := x.srv.front.Faults.Injected(x.last); ok {
		x.out.WriteString(f.Text + "\r\n")
	}
}

func (x *session) replyf(code int, format string, args ...any) {
	x.reply(code, fmt.Sprintf(format, args...))
}

// lines writes a reply with lines after it, which each writes by calling put.
func (x *session) lines(code int, text string, each func(put func(string))) {
	if x.gzip && (code == 224 || code == 221 || code == 225 || code == 215) {
		x.gzipLines(code, text, each)
		return
	}
	x.reply(code, text)
	each(func(line string) { writeNewsLine(x.out, line) })
	x.out.WriteString(".\r\n")
}

func writeNewsLine(w io.Writer, line string) {
	if strings.HasPrefix(line, ".") {
		io.WriteString(w, ".")
	}
	io.WriteString(w, line)
	io.WriteString(w, "\r\n")
}

// content writes an article or a part of it after a reply.
func (x *session) content(code int, text string, data []byte) {
	x.reply(code, text)
	if f, ok := x.srv.front.Faults.Kind(base.FaultTruncate); ok {
		data = data[:min(int64(len(data)), f.Bytes)]
	}
	x.dots.Reset(x.out, wire.Exact)
	x.dots.Write(data)
	x.dots.Close()
	if x.fault(base.PointEnd) {
		return
	}
}

// startTLS makes the connection a TLS one. Unencrypted data after
// STARTTLS is thrown away.
func (x *session) startTLS() bool {
	if x.flush() != nil || x.fault(base.PointTLS) {
		x.ended = true
		return false
	}
	conn := tls.Server(x.base, x.srv.front.TLSConfig())
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		x.ended = true
		return false
	}
	x.conn, x.secure = x.srv.front.Over(conn), true
	x.attach(x.conn, x.conn)
	return true
}

// startDeflate puts DEFLATE on both directions.
func (x *session) startDeflate() {
	x.flush()
	w, err := flate.NewWriter(x.conn, flate.BestSpeed)
	if err != nil {
		x.ended = true
		return
	}
	x.compressed = true
	x.attach(flate.NewReader(x.in), w)
	out := x.out
	x.flush = func() error {
		if out.Buffered() == 0 {
			return nil
		}
		if err := out.Flush(); err != nil {
			return err
		}
		return w.Flush()
	}
}
