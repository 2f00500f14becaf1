package maillab

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
	"github.com/netclients/netclients/protocols/lab/internal/saslserver"
)

// pop3Session is one connection. Everything belongs to the goroutine of run:
// answers are collected, and written when no further command is at hand, so that
// pipelined commands are answered in large writes.
type pop3Session struct {
	srv   *POP3Server
	conn  net.Conn
	in    *bufio.Reader
	out   *bufio.Writer
	tls   bool
	stamp string
	ended bool

	name     string // of USER, or who has logged in
	loggedIn bool
	utf8     bool
	validity uint32
	mail     []Message
	deleted  map[int]bool
}

func newPOP3Session(srv *POP3Server, conn net.Conn) *pop3Session {
	x := &pop3Session{srv: srv, deleted: map[int]bool{}}
	x.use(conn)
	return x
}

// use makes conn what is talked over; what was read ahead is dropped.
func (x *pop3Session) use(conn net.Conn) {
	x.conn, x.in, x.out = conn, bufio.NewReaderSize(conn, frame.MaxLine), bufio.NewWriterSize(conn, 64<<10)
}

func (x *pop3Session) run() {
	defer x.leave()
	if x.srv.opt.TLS == base.TLSImplicit && !x.startTLS() {
		return
	}
	if !x.fault(base.PointGreeting) {
		greeting := x.srv.opt.Greeting
		if !x.srv.opt.NoStamp {
			x.stamp = saslserver.Stamp()
			greeting += " " + x.stamp
		}
		x.ok(greeting)
	}
	for first := true; !x.ended; first = false {
		line, ok := x.line()
		if !ok || first && frame.IsHTTP(line) {
			return
		}
		x.srv.front.Record(line)
		x.dispatch(line)
	}
	x.leave() // before the goodbye: whoever has read it may log in again
	x.out.Flush()
	frame.Drain(x.conn)
}

// leave frees the maildrop. More calls do nothing.
func (x *pop3Session) leave() {
	if x.loggedIn && !x.srv.opt.Shared {
		x.srv.unlock(x.name)
	}
	x.loggedIn = false
}

// line returns the next line, having written all answers if it has to be waited for.
func (x *pop3Session) line() (string, bool) {
	if i, _ := x.in.Peek(x.in.Buffered()); bytes.IndexByte(i, '\n') < 0 && x.out.Flush() != nil {
		return "", false
	}
	x.conn.SetReadDeadline(time.Now().Add(x.srv.opt.IdleTimeout))
	raw, err := x.in.ReadSlice('\n')
	if err != nil {
		return "", false
	}
	return strings.TrimRight(string(raw), "\r\n"), true
}

func (x *pop3Session) dispatch(line string) {
	verb, arg := frame.SplitCommand(line)
	if x.fault(verb) {
		return
	}
	v, known := x.srv.verbs[verb]
	switch {
	case !known:
		x.err("", "Unknown command.")
	case v.state == afterLogin && !x.loggedIn:
		x.err("", "Log in first.")
	case v.state == beforeLogin && x.loggedIn:
		x.err("", "You are logged in already.")
	default:
		v.run(x, arg)
	}
	if verb != "STLS" { // which puts it where it does harm
		x.inject(verb)
	}
}

// inject adds the scripted bytes after the answer to a command.
func (x *pop3Session) inject(verb string) {
	if f, ok := x.srv.front.Faults.Injected(verb); ok {
		x.out.WriteString(f.Text + "\r\n")
	}
}

// fault plays the scripted fault of a verb or point, if there is one, and reports
// whether it did.
func (x *pop3Session) fault(verb string) bool {
	f, ok := x.srv.front.Faults.Verb(verb)
	if !ok {
		return false
	}
	x.out.Flush()
	x.ended = !frame.Play(x.conn, x.conn, f)
	return true
}

func (x *pop3Session) ok(text string)              { x.out.WriteString("+OK " + text + "\r\n") }
func (x *pop3Session) okf(format string, a ...any) { x.ok(fmt.Sprintf(format, a...)) }

// err refuses; code is a response code or empty.
func (x *pop3Session) err(code, text string) {
	if code != "" {
		text = "[" + code + "] " + text
	}
	x.out.WriteString("-ERR " + text + "\r\n")
}

// body writes what r has as a dot-stuffed body. Lines of it count for the fault at END.
func (x *pop3Session) body(r io.Reader) {
	d := wire.NewDotWriter(x.out, wire.Exact)
	io.Copy(d, r)
	d.Close()
}

// content opens a message, and refuses what is not there any more.
func (x *pop3Session) content(n int) *Content {
	c, err := x.mail[n-1].Open()
	if err != nil {
		x.err("", "The message is gone.")
		return nil
	}
	return c
}

// list writes the lines of a listing, the scripted ones too.
func (x *pop3Session) list(lines []string) {
	for _, l := range append(lines, x.srv.opt.ExtraLines...) {
		x.out.WriteString(l + "\r\n")
	}
	x.out.WriteString(".\r\n")
}

// startTLS brings TLS up.
func (x *pop3Session) startTLS() bool {
	if x.fault(base.PointTLS) {
		return false
	}
	c := tls.Server(x.conn, x.srv.front.TLSConfig())
	c.SetDeadline(time.Now().Add(x.srv.opt.IdleTimeout))
	if c.Handshake() != nil {
		return false
	}
	c.SetDeadline(time.Time{})
	x.use(x.srv.front.Over(c))
	x.tls = true
	return true
}

// enter opens the maildrop of a user who has proved to be it.
func (x *pop3Session) enter(user string) {
	if !x.srv.lock(user) {
		x.err("IN-USE", "Another session has the maildrop open.")
		return
	}
	mail, err := x.srv.mail.Snapshot(user, Inbox)
	info, ierr := x.srv.mail.Info(user, Inbox)
	if err != nil || ierr != nil {
		x.srv.unlock(user)
		x.err("SYS/PERM", "No maildrop.")
		return
	}
	x.name, x.loggedIn, x.mail, x.validity = user, true, mail, info.UIDValidity
	x.srv.front.CountLogin()
	x.okf("%d messages.", len(mail))
}

// message finds the message that an argument names, and refuses otherwise.
func (x *pop3Session) message(arg string) (int, bool) {
	n, err := strconv.Atoi(arg)
	if err != nil || n < 1 || n > len(x.mail) || x.deleted[n] {
		x.err("", "No such message.")
		return 0, false
	}
	return n, true
}

// each calls f for every message that is not marked.
func (x *pop3Session) each(f func(n int, m Message)) {
	for i, m := range x.mail {
		if !x.deleted[i+1] {
			f(i+1, m)
		}
	}
}

func (x *pop3Session) size(n int) int {
	size := int(x.mail[n-1].Size())
	if x.srv.opt.OddSizes {
		size--
	}
	return size
}

func (x *pop3Session) uid(n int) string {
	if x.srv.opt.DoubleIDs {
		return "same"
	}
	return fmt.Sprintf("%08x%08x", x.validity, x.mail[n-1].UID)
}

// update deletes what is marked.
func (x *pop3Session) update() {
	var gone []uint32
	for n := range x.deleted {
		gone = append(gone, x.mail[n-1].UID)
	}
	slices.Sort(gone)
	x.srv.mail.Delete(x.name, Inbox, gone...)
}
