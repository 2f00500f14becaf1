package lab

import (
	"bytes"
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/netclients/netclients/internal/urgent"
)

// TelnetOptions configure StartTelnet. The zero value is a plain server on a
// free loopback port with the default user and a shell that echoes.
type TelnetOptions struct {
	Addr      string // where to listen; empty is a free loopback port
	TLS       TLSMode
	Authority *Authority // nil with TLS makes a new one, see TelnetServer.Authority

	User, Password string // empty is alice with the password secret
	NoLogin        bool   // the shell at once
	Quiet          bool   // no negotiation by the server

	Faults Faults
	// Before is written raw behind the negotiation, before the login.
	Before string

	IdleTimeout time.Duration // for the next line; 0 is 5 minutes

	// OnCommand, when set, sees every line of the shell. It is called from the
	// sessions' goroutines.
	OnCommand func(line string)
}

// TelnetServer is a running Telnet server (RFC 854, 855, 857, 858, 1073, 1091,
// 1572 and the START_TLS draft) with a login and a few commands. Its shell knows
// echo, term, size, env, bytes (all 256 values), lines N, options, synch, hang
// and exit.
type TelnetServer struct {
	*front
	opt TelnetOptions

	seenMu  sync.Mutex
	signals []byte
	window  [2]int
}

// StartTelnet starts a server; the caller closes it.
func StartTelnet(o TelnetOptions) (*TelnetServer, error) {
	if o.IdleTimeout == 0 {
		o.IdleTimeout = 5 * time.Minute
	}
	f, err := newFront(frontOptions{
		Addr: o.Addr, Scheme: schemeOf("telnet", o.TLS == TLSImplicit), TLS: o.TLS != TLSNone, Authority: o.Authority,
		User: o.User, Password: o.Password, OnCommand: o.OnCommand, Faults: o.Faults,
	})
	if err != nil {
		return nil, err
	}
	s := &TelnetServer{front: f, opt: o}
	s.serve(s.handle)
	return s, nil
}

// Signals lists the commands of the protocol that stand alone (IP, AYT, ...) as
// they came, by their codes.
func (s *TelnetServer) Signals() []byte {
	s.seenMu.Lock()
	defer s.seenMu.Unlock()
	return bytes.Clone(s.signals)
}

// Window returns the columns and lines that a client told last.
func (s *TelnetServer) Window() [2]int {
	s.seenMu.Lock()
	defer s.seenMu.Unlock()
	return s.window
}

func (s *TelnetServer) resized(size [2]int) {
	s.seenMu.Lock()
	defer s.seenMu.Unlock()
	s.window = size
}

func (s *TelnetServer) signal(b byte) {
	s.seenMu.Lock()
	defer s.seenMu.Unlock()
	if len(s.signals) < maxCommands {
		s.signals = append(s.signals, b)
	}
}

// handle serves one connection.
func (s *TelnetServer) handle(conn net.Conn) {
	if s, ok := faultless(conn).(syscall.Conn); ok {
		urgent.Inline(s)
	}
	x := &telnetSession{srv: s, conn: conn}
	if s.opt.TLS == TLSImplicit {
		x.conn = tls.Server(conn, s.tlsConfig())
	}
	s.admit(x.conn, "too many clients\r\n", func() {
		x.run()
		drain(x.conn) // what the client says last must not turn the end into a reset
	})
	x.conn.Close() // under TLS with its goodbye
}

// faultless returns the connection without its faults.
func faultless(conn net.Conn) net.Conn {
	if f, ok := conn.(*faultConn); ok {
		return f.Conn
	}
	return conn
}

// fault plays a fault that belongs to a point of the dialogue. It reports
// whether the session may go on, and whether the point's own words are due.
func (s *TelnetServer) fault(conn net.Conn, point string) (on, speak bool) {
	f, ok := s.faults.verb(strings.ToUpper(point))
	if !ok {
		return true, true
	}
	switch f.Kind {
	case FaultHang:
		<-s.done
	case FaultReset:
		reset(conn)
	case FaultDrop:
		return true, false
	default:
		return misbehave(conn, f), false
	}
	return false, false
}
