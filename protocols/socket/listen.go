package socket

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
)

// ListenOptions says what a server does with each connection: it sends Greet,
// then echoes, or calls Handle, or closes when there is neither.
type ListenOptions struct {
	Greet    string
	Echo     bool
	Handle   func(ctx context.Context, p *Peer) error
	Once     bool          // one connection, then the end
	MaxConns int           // at the same time; more wait in the system's queue. 0: 10,000
	TLS      *tls.Config   // with it, connections are TLS from the start
	Idle     time.Duration // a connection without a byte moving is closed; 0: none
	Family   int           // 4, 6, or 0 for both
	Type     string        // of a UNIX socket: stream or packet
	Sockopts Sockopts

	// Takes, when set, reports whether a peer is served; the connection of one that is not
	// is closed at once, and Opened and Closed are not told.
	Takes func(peer net.Addr) bool

	// Opened and Closed, when set, are told of each connection, maybe from many
	// goroutines. err is why it ended; nil for a good end.
	Opened func(p *Peer)
	Closed func(p *Peer, err error)
}

// defaultConns bounds the connections of a server that was given no number.
const defaultConns = 10_000

// Peer is an accepted connection. One goroutine may read while another writes.
type Peer struct {
	net.Conn
	ID            int64 // from 1
	read, written atomic.Int64
	raw           net.Conn   // below TLS
	watched       bool       // what is copied counts at once
	buffers       *sync.Pool // of the server
}

// Moved returns the bytes read from the peer and written to it so far. What the
// system copies by itself is counted when the copy ends.
func (p *Peer) Moved() (read, written int64) { return p.read.Load(), p.written.Load() }

// Read reads what the peer sent.
func (p *Peer) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	p.read.Add(int64(n))
	return n, err
}

// Write writes all of b, or returns an error.
func (p *Peer) Write(b []byte) (int, error) {
	n, err := p.Conn.Write(b)
	p.written.Add(int64(n))
	return n, err
}

// CloseWrite signals the peer the end of the data.
func (p *Peer) CloseWrite() error {
	if h, ok := p.Conn.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return protocols.Unsupported("", "", "this kind of connection cannot be closed for writing only")
}

// Server listens for streams. Its owner closes it, or ends Serve's context.
type Server struct {
	o       ListenOptions
	proto   string
	url     string
	ln      net.Listener
	slots   chan struct{}
	ids     atomic.Int64
	buffers *sync.Pool

	mu   sync.Mutex
	open map[net.Conn]struct{}
	shut bool
	wg   sync.WaitGroup
}

// Listen opens the address of a tcp, tls or unix URL: an empty host is any
// address of this machine, port 0 or none a free one. A tls URL needs
// ListenOptions.TLS. A nil o is all defaults.
func Listen(ctx context.Context, u *url.URL, o *ListenOptions) (*Server, error) {
	if o == nil {
		o = &ListenOptions{}
	}
	s := &Server{o: *o, proto: protoOf(u), url: protocols.Redact(u), open: map[net.Conn]struct{}{}, buffers: newBuffers()}
	err := s.listen(ctx, u)
	if err != nil {
		return nil, protocols.Wrap(err, s.proto, "listen", s.url)
	}
	if s.o.MaxConns <= 0 {
		s.o.MaxConns = defaultConns
	}
	s.slots = make(chan struct{}, s.o.MaxConns)
	return s, nil
}

func protoOf(u *url.URL) string {
	if u.Scheme == "tls" {
		return "tcp"
	}
	return u.Scheme
}

func (s *Server) listen(ctx context.Context, u *url.URL) (err error) {
	lc := net.ListenConfig{Control: control(s.o.Sockopts.unbound())}
	s.o.Sockopts.Raw = nil // those of the listener are its connections' too
	network, address := "tcp", ""
	switch u.Scheme {
	case "unix":
		if network = unixNetworks[s.o.Type]; network == "" || network == "unixgram" {
			return protocols.UsageError(s.proto, "listen", "type "+s.o.Type+" has no connections; datagrams are received, not accepted")
		}
		address, err = unixPath(u)
	case "tcp", "tls":
		network += familySuffix(s.o.Family, u)
		address = local(u)
	default:
		err = protocols.UsageError(s.proto, "listen", "no streams with scheme "+u.Scheme)
	}
	if err == nil && u.Scheme == "tls" && s.o.TLS == nil {
		err = protocols.UsageError(s.proto, "listen", "a server with TLS needs a certificate")
	}
	if err != nil {
		return err
	}
	if s.ln, err = lc.Listen(ctx, network, address); dropStale(ctx, err, network, address) {
		s.ln, err = lc.Listen(ctx, network, address)
	}
	return listenError(err)
}

// dropStale removes the file of a UNIX socket whose owner is gone, which is why an address
// is in use, and reports whether it has.
func dropStale(ctx context.Context, err error, network, path string) bool {
	if !errors.Is(err, syscall.EADDRINUSE) || !strings.HasPrefix(network, "unix") || path[0] == '@' {
		return false
	}
	if !isSocket(path) {
		return false
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, path)
	if err == nil {
		conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED) && syscall.Unlink(path) == nil
}

// familySuffix returns the ending of the network's name for a family of addresses, 0 for
// both. An IPv4 address is IPv4 only: 0.0.0.0 does not mean the addresses of IPv6.
func familySuffix(family int, u *url.URL) string {
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && a.Is4() {
		family = 4
	}
	if family == 0 {
		return ""
	}
	return strconv.Itoa(family)
}

// listenError is of kind Connect, with the system's words.
func listenError(err error) error {
	if err == nil {
		return nil
	}
	if no, ok := errors.AsType[syscall.Errno](err); ok {
		err = no
	} else if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	return &protocols.Error{Kind: protocols.KindConnect, Text: "cannot listen", Err: err}
}

// Addr returns the address that the server listens on, with its real port.
func (s *Server) Addr() net.Addr { return s.ln.Addr() }

// Close stops listening and cuts all connections. It may be called many times.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		return nil
	}
	s.shut = true
	for c := range s.open {
		c.Close()
	}
	return s.ln.Close()
}

// Serve accepts until the context ends, the server is closed, or the one
// connection of Once has ended. It returns when all connections have ended; the
// error is the context's, or nil.
func (s *Server) Serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	defer s.wg.Wait()
	for {
		select {
		case s.slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		conn, err := s.ln.Accept()
		if err != nil {
			<-s.slots
			if s.ended(ctx, err) {
				return ctx.Err()
			}
			continue
		}
		if s.o.Once && (s.o.Takes == nil || s.o.Takes(conn.RemoteAddr())) {
			s.ln.Close()
			s.serve(ctx, conn)
			return ctx.Err()
		}
		s.wg.Go(func() { s.serve(ctx, conn) })
	}
}

// ended reports whether a failed Accept is the last one. One for lack of
// descriptors is not: it waits a moment for connections to end.
func (s *Server) ended(ctx context.Context, err error) bool {
	if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
		return true
	}
	return retry.Sleep(ctx, 50*time.Millisecond) != nil
}

// serve does one connection from beginning to end.
func (s *Server) serve(ctx context.Context, conn net.Conn) {
	defer func() { <-s.slots }()
	if s.o.Takes != nil && !s.o.Takes(conn.RemoteAddr()) {
		conn.Close()
		return
	}
	if !s.track(conn) {
		return
	}
	defer s.forget(conn)
	p := &Peer{Conn: conn, raw: conn, ID: s.ids.Add(1), watched: s.o.Idle > 0, buffers: s.buffers}
	err := s.o.Sockopts.apply(conn)
	if err == nil && s.o.TLS != nil {
		p.Conn, err = s.handshake(ctx, conn)
	}
	if s.o.Opened != nil {
		s.o.Opened(p)
	}
	if err == nil {
		err = s.watch(ctx, p)
	}
	p.Conn.Close()
	if s.o.Closed != nil {
		s.o.Closed(p, err)
	}
}

// handshakeTime bounds a handshake, so that a silent peer takes no slot for ever.
const handshakeTime = 15 * time.Second

func (s *Server) handshake(ctx context.Context, conn net.Conn) (net.Conn, error) {
	t := tls.Server(conn, s.o.TLS)
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	return t, t.HandshakeContext(ctx)
}

// watch talks, and cuts the connection when nothing has moved for the idle time.
func (s *Server) watch(ctx context.Context, p *Peer) error {
	if s.o.Idle <= 0 {
		return s.talk(ctx, p)
	}
	ctx, cancel := context.WithCancel(ctx)
	var idle error
	var wg sync.WaitGroup
	wg.Go(func() {
		idle = expect.Silence(ctx, s.o.Idle, func() int64 { return p.read.Load() + p.written.Load() })
		if idle != nil {
			cancel()
			p.raw.Close()
		}
	})
	err := s.talk(ctx, p)
	cancel()
	wg.Wait()
	if idle != nil {
		return idle
	}
	return err
}

// talk is what the options say.
func (s *Server) talk(ctx context.Context, p *Peer) error {
	if s.o.Greet != "" {
		if _, err := io.WriteString(p, s.o.Greet); err != nil {
			return err
		}
	}
	switch {
	case s.o.Handle != nil:
		return s.o.Handle(ctx, p)
	case s.o.Echo:
		return p.Echo()
	}
	return nil
}

func (s *Server) track(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		conn.Close()
		return false
	}
	s.open[conn] = struct{}{}
	return true
}

func (s *Server) forget(conn net.Conn) {
	conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, conn)
}
