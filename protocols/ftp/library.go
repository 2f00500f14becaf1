package ftp

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"time"

	ftplib "github.com/jlaffaye/ftp"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// libConn is what github.com/jlaffaye/ftp takes for its socket. What the library
// writes goes out as commands of our control connection; what it reads are whole
// replies that were bounded and parsed before. Outside of a call of the library
// nothing is in it, so our own commands may use the connection in between.
type libConn struct {
	ctl   *control
	cred  *protocols.Credential
	verb  string // of the newest command
	in    []byte // of a reply, not read yet
	out   []byte // of a command line that has no end yet
	feats []string
}

// Write takes command lines. A password is masked before any trace sees it.
func (l *libConn) Write(p []byte) (int, error) {
	l.out = append(l.out, p...)
	for {
		line, rest, ok := strings.Cut(string(l.out), "\r\n")
		if !ok {
			return len(p), nil
		}
		l.out = []byte(rest)
		if err := l.send(line); err != nil {
			return 0, err
		}
	}
}

func (l *libConn) send(line string) error {
	verb, arg, _ := strings.Cut(line, " ")
	l.verb = verb
	if verb == "PASS" && !l.cred.HasPassword() {
		return protocols.NoPasswordError(l.cred.User)
	}
	if verb == "PASS" {
		if err := l.ctl.secret(verb, arg); err != nil {
			return err
		}
		return l.ctl.flush()
	}
	args := []string{arg}
	if arg == "" {
		args = nil
	}
	if err := l.ctl.queue(verb, args...); err != nil {
		return err
	}
	return l.ctl.flush()
}

// Read serves the next reply, read from the server when none waits.
func (l *libConn) Read(p []byte) (int, error) {
	if len(l.in) == 0 {
		r, err := l.next()
		if err != nil {
			return 0, err
		}
		l.in = encodeReply(r)
	}
	n := copy(p, l.in)
	l.in = l.in[n:]
	return n, nil
}

// next reads a reply and settles what the library cannot: the account that a
// server asks for (RFC 959 4.2, 332), and 232, a login by certificate (RFC 2228 5).
func (l *libConn) next() (*protocols.Reply, error) {
	r, err := l.ctl.reply()
	if err != nil {
		return nil, err
	}
	login := l.verb == "USER" || l.verb == "PASS"
	if login && r.Code == 332 && l.cred.Account != "" {
		if err := l.ctl.secret("ACCT", l.cred.Account); err != nil {
			return nil, err
		}
		if err := l.ctl.flush(); err != nil {
			return nil, err
		}
		if r, err = l.ctl.reply(); err != nil {
			return nil, err
		}
	}
	if login && (r.Code == 232 || r.Code == 202) {
		r.Code = 230
	}
	if l.verb == "FEAT" && r.Code == 211 {
		l.feats = r.Lines
	}
	return r, nil
}

// encodeReply writes a reply in the form that net/textproto reads.
func encodeReply(r *protocols.Reply) []byte {
	var b strings.Builder
	last := len(r.Lines) - 1
	for i, line := range r.Lines {
		switch {
		case i == last:
			fmt.Fprintf(&b, "%03d %s\r\n", r.Code, line)
		case i == 0:
			fmt.Fprintf(&b, "%03d-%s\r\n", r.Code, line)
		default:
			fmt.Fprintf(&b, " %s\r\n", strings.TrimPrefix(line, " "))
		}
	}
	if last < 0 {
		fmt.Fprintf(&b, "%03d \r\n", r.Code)
	}
	return []byte(b.String())
}

// The rest of net.Conn. The library asks for the peer's address and would panic
// on one that is not TCP's.
func (l *libConn) Close() error                     { return nil }
func (l *libConn) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4zero} }
func (l *libConn) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4zero} }
func (l *libConn) SetDeadline(time.Time) error      { return nil }
func (l *libConn) SetReadDeadline(time.Time) error  { return nil }
func (l *libConn) SetWriteDeadline(time.Time) error { return nil }

// newLibrary starts the library on a control connection whose greeting has been
// read. It serves the session and file commands; data connections are ours.
func newLibrary(t *control, greeting *protocols.Reply, cred *protocols.Credential) (*ftplib.ServerConn, *libConn, error) {
	shim := &libConn{ctl: t, cred: cred, in: encodeReply(greeting)}
	dial := func(string, string) (net.Conn, error) {
		if shim.verb != "" {
			return nil, io.ErrClosedPipe // it may never open a connection of its own
		}
		return shim, nil
	}
	lib, err := ftplib.Dial("control", ftplib.DialWithDialFunc(dial), ftplib.DialWithDisabledUTF8(true))
	return lib, shim, err
}

// call runs one call of the library. What it returns as an error is made ours:
// the connection's failure, else what the newest reply means; a panic that a
// server provoked becomes a protocol error.
func (s *session) call(args []string, f func(lib *ftplib.ServerConn) error) (err error) {
	if err := wire.Check(args...); err != nil {
		return err
	}
	if err := s.goHome(); err != nil {
		return err
	}
	s.last = protocols.Reply{}
	defer func() {
		if p := recover(); p != nil {
			err = s.fail(protocols.ProtocolError(proto, "", fmt.Sprintf("reply that makes no sense: %d %s", s.last.Code, s.last.Text())))
		}
	}()
	if err := f(s.lib); err != nil {
		if s.failed != nil {
			return s.failed
		}
		if e, ok := errors.AsType[*protocols.Error](err); ok {
			return e
		}
		if s.last.Code >= 300 {
			return refusal(&s.last)
		}
		if _, ok := errors.AsType[*textproto.Error](err); ok && s.last.Code >= 200 {
			return nil // the library knows one 2xx of each command, servers send others
		}
		return &protocols.Error{Proto: proto, Kind: protocols.KindProtocol, Err: err}
	}
	return nil
}
