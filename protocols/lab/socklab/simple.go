package socklab

import (
	"cmp"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// Service is one of the small services that come with a system's inetd.
type Service string

// The services: RFC 862, 863, 867 and 864.
const (
	Echo    Service = "echo"    // sends back what comes
	Discard Service = "discard" // throws away what comes
	Daytime Service = "daytime" // sends the time, and closes
	Chargen Service = "chargen" // sends lines of characters until the client leaves
)

// Options configure Start. The zero value is echo over TCP on a
// free loopback port.
type Options struct {
	base.ServerOptions // for unix and unixgram, Addr is a path or @name and must be set; of datagrams nothing else counts
	Service            Service
	Network            string // tcp (default), udp, unix or unixgram
	Limit              int64  // bytes that chargen sends before it closes; 0: no limit
}

// Server is a running service of a line or two.
type Server struct {
	opt     Options
	streams *frame.Frame   // nil for datagrams
	packets net.PacketConn // nil for streams
	once    sync.Once
	wg      sync.WaitGroup
}

// Start starts a service; the caller closes it.
func Start(o Options) (*Server, error) {
	if o.Service == "" {
		o.Service = Echo
	}
	if o.Network == "" {
		o.Network = "tcp"
	}
	if o.Addr == "" && strings.HasPrefix(o.Network, "unix") {
		return nil, errors.New("lab: a UNIX socket needs a path")
	}
	s := &Server{opt: o}
	if services[o.Service].stream == nil {
		return nil, errors.New("lab: no service " + string(o.Service))
	}
	return s, s.listen()
}

func (s *Server) listen() error {
	switch s.opt.Network {
	case "udp", "unixgram":
		p, err := net.ListenPacket(s.opt.Network, cmp.Or(s.opt.Addr, frame.Loopback))
		if err != nil {
			return err
		}
		s.packets = p
		s.wg.Go(s.answer)
		return nil
	case "tcp", "unix":
		f, err := frame.NewOn(s.opt.Network, s.opt.Network, s.opt.ServerOptions)
		if err != nil {
			return err
		}
		s.streams = f
		f.Serve(s.handle)
		return nil
	}
	return errors.New("lab: no network " + s.opt.Network)
}

// handle serves one connection.
func (s *Server) handle(conn net.Conn) {
	if s.opt.TLS == base.TLSImplicit {
		conn = s.streams.Over(tls.Server(conn, s.streams.TLSConfig()))
	}
	s.streams.Admit(conn, "", func() { services[s.opt.Service].stream(s, conn) })
}

// URL names the service with its scheme.
func (s *Server) URL() string {
	if strings.HasPrefix(s.opt.Network, "unix") {
		return "unix:" + s.Addr()
	}
	return s.opt.Network + "://" + s.Addr()
}

// SetFaults replaces the faults while the service runs; of datagrams there are none.
func (s *Server) SetFaults(f base.Faults) {
	if s.streams != nil {
		s.streams.Faults.Set(f)
	}
}

// Addr is the "host:port", or the path, that the service listens on.
func (s *Server) Addr() string {
	if s.packets != nil {
		return s.packets.LocalAddr().String()
	}
	return s.streams.Addr()
}

// Close ends the service and its connections. It is safe to call twice.
func (s *Server) Close() error {
	if s.streams != nil {
		return s.streams.Close()
	}
	var err error
	s.once.Do(func() { err = s.packets.Close() })
	s.wg.Wait()
	return err
}

// services are what each service does with a stream, and with a datagram.
var services = map[Service]struct {
	stream func(s *Server, c net.Conn)
	answer func(datagram []byte) []byte
}{
	Echo:    {func(_ *Server, c net.Conn) { io.Copy(c, c); frame.Drain(c) }, func(p []byte) []byte { return p }},
	Discard: {func(_ *Server, c net.Conn) { io.Copy(io.Discard, c) }, func([]byte) []byte { return nil }},
	Daytime: {func(_ *Server, c net.Conn) { c.Write(daytime(nil)); frame.Drain(c) }, daytime},
	Chargen: {(*Server).chargen, func([]byte) []byte { return chargenLine(0) }},
}

func daytime([]byte) []byte {
	return []byte(time.Now().UTC().Format("Monday, January 2, 2006 15:04:05 MST") + "\r\n")
}

// chargen sends lines until the client leaves, or the limit is reached.
func (s *Server) chargen(c net.Conn) {
	var block []byte
	for i := range chargenSet {
		block = append(block, chargenLine(i)...)
	}
	for sent := int64(0); s.opt.Limit == 0 || sent < s.opt.Limit; {
		p := block
		if left := s.opt.Limit - sent; s.opt.Limit > 0 && left < int64(len(p)) {
			p = p[:left]
		}
		n, err := c.Write(p)
		sent += int64(n)
		if err != nil {
			return
		}
	}
	frame.Drain(c)
}

const (
	chargenSet   = 95 // printable characters
	chargenWidth = 72
)

// chargenLine is the line that starts with the character number first.
func chargenLine(first int) []byte {
	line := make([]byte, 0, chargenWidth+2)
	for i := range chargenWidth {
		line = append(line, byte(' '+(first+i)%chargenSet))
	}
	return append(line, '\r', '\n')
}

// answer serves datagrams. One that has no sender's name gets no answer.
func (s *Server) answer() {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := s.packets.ReadFrom(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		if out := services[s.opt.Service].answer(buf[:n]); out != nil && from != nil && from.String() != "" {
			s.packets.WriteTo(out, from)
		}
	}
}
