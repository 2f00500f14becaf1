// Package lab holds small servers for tests, demonstrations and the lab
// command: each runs inside the process, listens on a loopback address,
// serves an in-memory [Tree] and misbehaves on request.
//
// The parts every server shares:
//
//   - [Server], [Credentials]: what can be done with any of them
//   - [Tree]: the files they serve
//   - [Authority]: the certificates they show
//   - [Faults], [ParseFaults]: the ways they go wrong, with the grammar
//   - [Proxy], [SOCKSProxy], [ConnectProxy]: what can stand in between
//
// The servers:
//
//   - [FTPServer]: FTP (RFC 959, 1123, 2228, 2389, 2428, 2640, 3659, 4217, 7151)
//   - [GopherServer]: Gopher (RFC 1436) and Gopher+
//   - [XMLRPCServer]: XML-RPC with introspection, on [HTTPServer]
//   - [NNTPServer]: NNTP (RFC 977, 2980, 3977, 4642, 4643, 4644, 6048, 8054)
//   - [HTTPServer]: HTTP/1.1, 2 and 3 with TLS, logins, ranges, WebDAV (RFC 9110, 4918)
//   - [IMAPServer]: IMAP4rev1 (RFC 3501, 2177, 2342, 3691, 4315, 4731, 5819, 6851, 7888)
//   - [SMTPServer]: SMTP, submission and LMTP (RFC 5321, 6409, 2033, 2852, 3030, 3207, 3461, 4954, 6531, 6710, 8689)
//   - [TelnetServer]: Telnet (RFC 854, 855, 857, 858, 1073, 1091, 1572), with a login and a small shell
//   - [SimpleServer]: echo, discard, daytime, chargen over TCP, UDP and UNIX sockets (RFC 862, 863, 867, 864)
//
// Nothing here is made for the open network: there are no rate limits, the
// default password is public, and TLS keys live only as long as the process.
package lab

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
)

// Server is what every server and proxy of this package can do.
type Server interface {
	// URL names the server with its scheme, address and port, ending in "/".
	URL() string
	// Addr is the "host:port" it listens on.
	Addr() string
	// Close stops listening, cuts every connection and returns when all
	// goroutines of the server have ended. It is safe to call twice.
	Close() error
}

// Credentials are one user a server lets in.
type Credentials struct {
	User     string
	Password string
}

// DefaultCredentials is the user every server knows unless told otherwise.
func DefaultCredentials() Credentials {
	return Credentials{User: "alice", Password: "secret"}
}

// or fills the empty fields of c with the default user's.
func (c Credentials) or(d Credentials) Credentials {
	if c.User == "" {
		return d
	}
	return c
}

// core is the part all servers have: one listener, the open connections and
// the goroutines that Close has to end.
type core struct {
	ln       net.Listener
	faults   *injector
	done     chan struct{} // closed by Close
	accepted atomic.Int64

	mu     sync.Mutex
	open   map[io.Closer]struct{}
	closed bool
	wg     sync.WaitGroup
}

// newCore listens on addr, or on a free loopback port when addr is empty; one with
// a slash is the path of a UNIX socket.
func newCore(addr string, f Faults) (*core, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	network := "tcp"
	if strings.Contains(addr, "/") {
		network = "unix"
	}
	ln, err := net.Listen(network, addr)
	if err != nil {
		return nil, err
	}
	return &core{ln: ln, faults: newInjector(f), done: make(chan struct{}), open: map[io.Closer]struct{}{}}, nil
}

// Addr is the "host:port" the server listens on.
func (c *core) Addr() string { return c.ln.Addr().String() }

// Connections counts the connections accepted so far, refused ones included.
func (c *core) Connections() int { return int(c.accepted.Load()) }

// serve accepts connections in the background and returns each to handle in a
// goroutine of its own; the connection is closed when handle returns.
func (c *core) serve(handle func(net.Conn)) {
	c.wg.Go(func() {
		for {
			conn, err := c.ln.Accept()
			if err != nil {
				return
			}
			c.accepted.Add(1)
			c.start(conn, handle)
		}
	})
}

// start runs handle on an accepted connection, faults included.
func (c *core) start(conn net.Conn, handle func(net.Conn)) {
	if _, refused := c.faults.kind(FaultRefuse); refused {
		reset(conn)
		return
	}
	conn = c.faults.wrap(conn, ScopeControl, c.done)
	if !c.track(conn) {
		return
	}
	c.wg.Go(func() {
		defer c.release(conn)
		handle(conn)
	})
}

// track makes Close close x too. It reports false, having closed x, when the
// server is closed already.
func (c *core) track(x io.Closer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		x.Close()
		return false
	}
	c.open[x] = struct{}{}
	return true
}

// release closes x and forgets it.
func (c *core) release(x io.Closer) {
	x.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, x)
}

// Close stops listening, cuts every connection and returns when all goroutines
// of the server have ended. It is safe to call twice.
func (c *core) Close() error {
	err := c.cut()
	c.wg.Wait()
	return err
}

// cut stops listening and cuts every connection and every scripted wait.
func (c *core) cut() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	close(c.done)
	err := c.ln.Close()
	for x := range c.open {
		x.Close()
	}
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// begin makes Close wait for work of another kind than a connection's; the caller
// calls wg.Done at its end. It reports false when the server is closed already.
func (c *core) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.wg.Add(1)
	}
	return !c.closed
}

// reset closes a connection with RST where the transport has such a thing.
func reset(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if l, ok := c.(interface{ SetLinger(int) error }); ok {
		l.SetLinger(0)
	}
	c.Close()
}
