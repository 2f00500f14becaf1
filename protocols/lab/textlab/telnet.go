package textlab

import (
	"bytes"
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/netclients/netclients/internal/urgent"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// TelnetOptions configure StartTelnet. The zero value is a plain server on a
// free loopback port with the default user and a shell that echoes.
type TelnetOptions struct {
	base.ServerOptions
	NoLogin bool   // the shell at once
	Quiet   bool   // no negotiation by the server
	Before  string // written raw after the negotiation, before the login
}

// TelnetServer is a running Telnet server (RFC 854, 855, 857, 858, 1073, 1091,
// 1572 and the START_TLS draft) with a login and a few commands. Its shell knows
// echo, term, size, env, bytes (all 256 values), lines N, options, synch, hang
// and exit.
type TelnetServer struct {
	frame.Face
	front *frame.Frame
	opt   TelnetOptions

	seenMu  sync.Mutex
	signals []byte
	window  [2]int
}

// StartTelnet starts a server; the caller closes it.
func StartTelnet(o TelnetOptions) (*TelnetServer, error) {
	if o.IdleTimeout == 0 {
		o.IdleTimeout = 5 * time.Minute
	}
	f, err := frame.New("telnet", o.ServerOptions)
	if err != nil {
		return nil, err
	}
	s := &TelnetServer{Face: f.Face(), front: f, opt: o}
	s.front.Serve(s.handle)
	return s, nil
}

// Signals lists the commands of the protocol that stand alone (IP, AYT, ...) as
// they came, by their codes.
func (s *TelnetServer) Signals() []byte {
	s.seenMu.Lock()
	defer s.seenMu.Unlock()
	return bytes.Clone(s.signals)
}

// Window returns the columns and lines that a client sent last.
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
	if len(s.signals) < frame.MaxCommands {
		s.signals = append(s.signals, b)
	}
}

// handle serves one connection.
func (s *TelnetServer) handle(conn net.Conn) {
	if s, ok := frame.Faultless(conn).(syscall.Conn); ok {
		urgent.Inline(s)
	}
	x := &telnetSession{srv: s, conn: conn}
	if s.opt.TLS == base.TLSImplicit {
		x.conn = s.front.Over(tls.Server(conn, s.front.TLSConfig()))
	}
	s.front.Admit(x.conn, "too many clients\r\n", func() {
		x.run()
		frame.Drain(x.conn) // what the client says last must not turn the end into a reset
	})
	x.conn.Close() // under TLS with its goodbye
}

// fault plays a fault that belongs to a point of the dialogue. It reports
// whether the session may go on, and whether the point's own words are due.
func (s *TelnetServer) fault(conn net.Conn, point string) (on, speak bool) {
	f, ok := s.front.Faults.Verb(strings.ToUpper(point))
	if !ok {
		return true, true
	}
	switch f.Kind {
	case base.FaultHang:
		<-s.front.Done
	case base.FaultReset:
		frame.Reset(conn)
	case base.FaultDrop:
		return true, false
	default:
		return frame.Misbehave(conn, f), false
	}
	return false, false
}
