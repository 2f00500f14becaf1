package lab

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// SimpleService is one of the small services that come with a system's inetd.
type SimpleService string

// The services: RFC 862, 863, 867 and 864.
const (
	ServiceEcho    SimpleService = "echo"    // sends back what comes
	ServiceDiscard SimpleService = "discard" // throws away what comes
	ServiceDaytime SimpleService = "daytime" // sends the time, and closes
	ServiceChargen SimpleService = "chargen" // sends lines of characters until the client leaves
)

// SimpleOptions configure StartSimple. The zero value is echo over TCP on a
// free loopback port.
type SimpleOptions struct {
	Service SimpleService
	Network string // tcp (default), udp, unix or unixgram
	Addr    string // where to listen; for unix and unixgram a path or @name, which is needed
	Limit   int64  // bytes that chargen sends before it closes; 0: no limit
	Faults  Faults // of stream connections
}

// SimpleServer is a running service of a line or two.
type SimpleServer struct {
	opt     SimpleOptions
	streams *core          // nil for datagrams
	packets net.PacketConn // nil for streams
	once    sync.Once
	wg      sync.WaitGroup
}

// StartSimple starts a service; the caller closes it.
func StartSimple(o SimpleOptions) (*SimpleServer, error) {
	if o.Service == "" {
		o.Service = ServiceEcho
	}
	if o.Network == "" {
		o.Network = "tcp"
	}
	if o.Addr == "" && strings.HasPrefix(o.Network, "unix") {
		return nil, errors.New("lab: a UNIX socket needs a path")
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	s := &SimpleServer{opt: o}
	if simpleServices[o.Service].stream == nil {
		return nil, errors.New("lab: no service " + string(o.Service))
	}
	return s, s.listen()
}

func (s *SimpleServer) listen() error {
	switch s.opt.Network {
	case "udp", "unixgram":
		p, err := net.ListenPacket(s.opt.Network, s.opt.Addr)
		if err != nil {
			return err
		}
		s.packets = p
		s.wg.Go(s.answer)
		return nil
	case "tcp", "unix":
		ln, err := net.Listen(s.opt.Network, s.opt.Addr)
		if err != nil {
			return err
		}
		s.streams = &core{ln: ln, faults: newInjector(s.opt.Faults), done: make(chan struct{}), open: map[io.Closer]struct{}{}}
		s.streams.serve(func(c net.Conn) { simpleServices[s.opt.Service].stream(s, c) })
		return nil
	}
	return errors.New("lab: no network " + s.opt.Network)
}

// URL names the service with its scheme.
func (s *SimpleServer) URL() string {
	if strings.HasPrefix(s.opt.Network, "unix") {
		return "unix:" + s.Addr()
	}
	return s.opt.Network + "://" + s.Addr()
}

// Addr is the "host:port", or the path, that the service listens on.
func (s *SimpleServer) Addr() string {
	if s.packets != nil {
		return s.packets.LocalAddr().String()
	}
	return s.streams.Addr()
}

// Close ends the service and its connections. It is safe to call twice.
func (s *SimpleServer) Close() error {
	if s.streams != nil {
		return s.streams.Close()
	}
	var err error
	s.once.Do(func() { err = s.packets.Close() })
	s.wg.Wait()
	return err
}

// simpleServices are what each service does with a stream, and with a datagram.
var simpleServices = map[SimpleService]struct {
	stream func(s *SimpleServer, c net.Conn)
	answer func(datagram []byte) []byte
}{
	ServiceEcho:    {func(_ *SimpleServer, c net.Conn) { io.Copy(c, c); drain(c) }, func(p []byte) []byte { return p }},
	ServiceDiscard: {func(_ *SimpleServer, c net.Conn) { io.Copy(io.Discard, c) }, func([]byte) []byte { return nil }},
	ServiceDaytime: {func(_ *SimpleServer, c net.Conn) { c.Write(daytime(nil)); drain(c) }, daytime},
	ServiceChargen: {(*SimpleServer).chargen, func([]byte) []byte { return chargenLine(0) }},
}

func daytime([]byte) []byte {
	return []byte(time.Now().UTC().Format("Monday, January 2, 2006 15:04:05 MST") + "\r\n")
}

// chargen sends lines until the client leaves, or the limit is reached.
func (s *SimpleServer) chargen(c net.Conn) {
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
	drain(c)
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
func (s *SimpleServer) answer() {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := s.packets.ReadFrom(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		if out := simpleServices[s.opt.Service].answer(buf[:n]); out != nil && from != nil && from.String() != "" {
			s.packets.WriteTo(out, from)
		}
	}
}
