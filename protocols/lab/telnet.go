package lab

import (
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"sync/atomic"
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
	*core
	opt       TelnetOptions
	authority *Authority
	user      Credentials
	logins    atomic.Int64

	mu       sync.Mutex
	commands []string
	signals  []byte
	window   [2]int
}

// StartTelnet starts a server; the caller closes it.
func StartTelnet(o TelnetOptions) (*TelnetServer, error) {
	s := &TelnetServer{opt: o, authority: o.Authority, user: Credentials{o.User, o.Password}.or(DefaultCredentials())}
	if s.opt.IdleTimeout == 0 {
		s.opt.IdleTimeout = 5 * time.Minute
	}
	var err error
	if s.authority == nil && o.TLS != TLSNone {
		if s.authority, err = NewAuthority(); err != nil {
			return nil, err
		}
	}
	if s.core, err = newCore(o.Addr, o.Faults); err != nil {
		return nil, err
	}
	s.serve(s.handle)
	return s, nil
}

// URL is "telnet://" (with implicit TLS "telnets://") and the address.
func (s *TelnetServer) URL() string {
	if s.opt.TLS == TLSImplicit {
		return "telnets://" + s.Addr() + "/"
	}
	return "telnet://" + s.Addr() + "/"
}

// Authority signs the server's certificate; nil without TLS.
func (s *TelnetServer) Authority() *Authority { return s.authority }

// Logins counts the successful logins.
func (s *TelnetServer) Logins() int { return int(s.logins.Load()) }

// Commands lists the lines that the shell got so far.
func (s *TelnetServer) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.commands...)
}

// Signals lists the commands of the protocol that stand alone (IP, AYT, ...) as
// they came, by their codes.
func (s *TelnetServer) Signals() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]byte(nil), s.signals...)
}

// Window gives the columns and lines that a client told last.
func (s *TelnetServer) Window() [2]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.window
}

func (s *TelnetServer) resized(size [2]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.window = size
}

func (s *TelnetServer) record(line string) {
	s.mu.Lock()
	if len(s.commands) < maxCommands {
		s.commands = append(s.commands, line)
	}
	s.mu.Unlock()
	if s.opt.OnCommand != nil {
		s.opt.OnCommand(line)
	}
}

func (s *TelnetServer) signal(b byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.signals) < maxCommands {
		s.signals = append(s.signals, b)
	}
}

// handle serves one connection.
func (s *TelnetServer) handle(conn net.Conn) {
	if s, ok := faultless(conn).(syscall.Conn); ok {
		urgent.Inline(s)
	}
	if s.opt.TLS == TLSImplicit {
		conn = tls.Server(conn, s.authority.ServerConfig())
		defer conn.Close()
	}
	x := &telnetSession{srv: s, conn: conn}
	x.run()
}

// faultless gives the connection without its faults.
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
