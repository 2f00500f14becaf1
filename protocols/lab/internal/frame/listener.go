package frame

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"

	"github.com/netclients/netclients/protocols/lab/base"
)

// Listener is the part all servers have: one listener, the open connections and
// the goroutines that Close has to end.
type Listener struct {
	ln       net.Listener
	Faults   *Injector
	Done     chan struct{} // closed by Close
	accepted atomic.Int64
	watch    *watch // nil: nobody watches

	mu     sync.Mutex
	open   map[io.Closer]struct{}
	closed bool
	wg     sync.WaitGroup
}

// loopback is the address that an empty one stands for: a free port.
const Loopback = "127.0.0.1:0"

// Listen listens on addr, or on a free loopback port when addr is empty.
func Listen(network, addr string, f base.Faults) (*Listener, error) {
	if addr == "" {
		addr = Loopback
	}
	ln, err := net.Listen(network, addr)
	if err != nil {
		return nil, err
	}
	return &Listener{ln: ln, Faults: NewInjector(f), Done: make(chan struct{}), open: map[io.Closer]struct{}{}}, nil
}

// Addr is the "host:port" the server listens on.
func (c *Listener) Addr() string { return c.ln.Addr().String() }

// Connections counts the connections accepted so far, refused ones included.
func (c *Listener) Connections() int { return int(c.accepted.Load()) }

// Serve accepts connections in the background and returns each to handle in a
// goroutine of its own; the connection is closed when handle returns.
func (c *Listener) Serve(handle func(net.Conn)) {
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
func (c *Listener) start(conn net.Conn, handle func(net.Conn)) {
	if _, refused := c.Faults.Kind(base.FaultRefuse); refused {
		Reset(conn)
		return
	}
	conn = c.Faults.Wrap(c.watch.plain(conn, "control"), base.ScopeControl, c.Done)
	if !c.Track(conn) {
		return
	}
	c.wg.Go(func() {
		defer c.Release(conn)
		handle(conn)
	})
}

// Track makes Close close x too. It reports false, having closed x, when the
// server is closed already.
func (c *Listener) Track(x io.Closer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		x.Close()
		return false
	}
	c.open[x] = struct{}{}
	return true
}

// Release closes x and forgets it.
func (c *Listener) Release(x io.Closer) {
	x.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, x)
}

// Close stops listening, cuts every connection and returns when all goroutines
// of the server have ended. It is safe to call twice.
func (c *Listener) Close() error {
	err := c.Cut()
	c.wg.Wait()
	return err
}

// Cut stops listening and cuts every connection and every scripted wait.
func (c *Listener) Cut() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	close(c.Done)
	err := c.ln.Close()
	for x := range c.open {
		x.Close()
	}
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Go runs f in a goroutine that Close waits for.
func (c *Listener) Go(f func()) { c.wg.Go(f) }

// Wait waits for the goroutines of the server.
func (c *Listener) Wait() { c.wg.Wait() }

// End ends work that begin has announced.
func (c *Listener) End() { c.wg.Done() }

// NetAddr is the address listened on.
func (c *Listener) NetAddr() net.Addr { return c.ln.Addr() }

// Begin makes Close wait for work of another kind than a connection's; the caller
// calls End at its end. It reports false when the server is closed already.
func (c *Listener) Begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.wg.Add(1)
	}
	return !c.closed
}

// Reset closes a connection with RST where the transport has such a thing.
func Reset(c net.Conn) {
	if t, ok := AsTLS(c); ok {
		c = t.NetConn()
	}
	if l, ok := c.(interface{ SetLinger(int) error }); ok {
		l.SetLinger(0)
	}
	c.Close()
}
