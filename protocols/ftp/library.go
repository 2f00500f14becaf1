package ftp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	ftplib "github.com/jlaffaye/ftp"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// libConn is the connection that github.com/jlaffaye/ftp uses. The library writes
// command lines, which are sent on our control connection, and reads whole replies
// that were bounded and parsed before. Between calls of the library nothing
// is in it, so our own commands use the same connection.
type libConn struct {
	ctl  *line.Core
	verb string // of the newest command
	in   []byte // of a reply, not read yet
	out  []byte // of a command line that has no end yet
}

// Write takes command lines.
func (l *libConn) Write(p []byte) (int, error) {
	l.out = append(l.out, p...)
	for {
		line, rest, ok := strings.Cut(string(l.out), "\r\n")
		if !ok {
			return len(p), nil
		}
		l.out = []byte(rest)
		var arg string
		l.verb, arg, _ = strings.Cut(line, " ")
		if err := l.ctl.Queue(l.verb, arguments(arg)...); err != nil {
			return 0, err
		}
		if err := l.ctl.Flush(); err != nil {
			return 0, err
		}
	}
}

// libCodes are the codes that the library knows as success. Servers send others of
// the same class, which mean the same (RFC 959 4.2).
var libCodes = map[string]int{"DELE": 250, "RNFR": 350, "RNTO": 250, "MKD": 257, "RMD": 250}

// Read serves the reply to the newest command.
func (l *libConn) Read(p []byte) (int, error) {
	if len(l.in) == 0 {
		r, err := l.ctl.Only(l.ctl.Reply())
		if err != nil {
			return 0, err
		}
		code := r.Code
		if known := libCodes[l.verb]; code/100 == known/100 {
			code = known
		}
		l.in = fmt.Appendf(nil, "%03d %s\r\n", code, r.Text())
	}
	n := copy(p, l.in)
	l.in = l.in[n:]
	return n, nil
}

// The rest of net.Conn. The library asks for the peer's address and would panic
// on one that is not TCP's.
func (l *libConn) Close() error                     { return nil }
func (l *libConn) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4zero} }
func (l *libConn) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4zero} }
func (l *libConn) SetDeadline(time.Time) error      { return nil }
func (l *libConn) SetReadDeadline(time.Time) error  { return nil }
func (l *libConn) SetWriteDeadline(time.Time) error { return nil }

// library starts the library on a session that is logged in. It serves the file
// commands; data connections are ours.
func (s *session) library() (*ftplib.ServerConn, error) {
	if s.lib != nil {
		return s.lib, nil
	}
	shim := &libConn{ctl: s.Core, in: []byte("220 ready\r\n")} // the greeting, which has long been read
	dial := func(string, string) (net.Conn, error) {
		if shim.verb != "" {
			return nil, io.ErrClosedPipe // it may never open a connection of its own
		}
		return shim, nil
	}
	var err error
	s.lib, err = ftplib.Dial("control", ftplib.DialWithDialFunc(dial))
	return s.lib, err
}

// call runs one call of the library. Its error becomes ours: the failure of
// the connection, else the meaning of the newest reply. A panic that a server provoked
// becomes a protocol error.
func (s *session) call(ctx context.Context, args []string, f func(lib *ftplib.ServerConn) error) (err error) {
	if err := wire.Check(args...); err != nil {
		return err
	}
	if err := (telnet{s}).learn(ctx, args...); err != nil {
		return err
	}
	if err := s.goHome(); err != nil {
		return err
	}
	lib, err := s.library()
	if err != nil {
		return protocols.ProtocolError(proto, "", err.Error())
	}
	s.Last = &protocols.Reply{}
	defer func() {
		if p := recover(); p != nil {
			err = s.Fail(protocols.ProtocolError(proto, "", fmt.Sprintf("malformed reply: %d %s", s.Last.Code, s.Last.Text())))
		}
	}()
	if err := f(lib); err != nil {
		if failed := s.Failed(); failed != nil {
			return failed
		}
		if e, ok := errors.AsType[*protocols.Error](err); ok {
			return e
		}
		if s.Last.Code != 0 {
			return refusal(s.Last)
		}
		return &protocols.Error{Proto: proto, Kind: protocols.KindProtocol, Err: err}
	}
	return nil
}
