package socklab

import (
	"io"
	"net"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// dialTimeout bounds the connects of all proxies.
const dialTimeout = 10 * time.Second

// Proxy passes TCP connections on to one target and applies the faults of
// byte streams (cut, close, stall, slow, split, delay, refuse) to each
// direction by itself. Faults at verbs have no effect here.
type Proxy struct {
	endpoint
	target string
}

// NewProxy starts a proxy on a free loopback port. The target is connected to
// for each connection anew.
func NewProxy(target string, f base.Faults) (*Proxy, error) { return NewProxyOn("", target, f) }

// NewProxyOn is NewProxy listening on a given address.
func NewProxyOn(listen, target string, f base.Faults) (*Proxy, error) {
	// The two legs get the faults here; the listener's own wrapping would
	// apply them twice, so it sees only the refusals.
	c, err := frame.Listen("tcp", listen, f)
	if err != nil {
		return nil, err
	}
	legs := c.Faults
	c.Faults = frame.NewInjector(only(f, base.FaultRefuse))
	p := &Proxy{endpoint: endpoint{c}, target: target}
	c.Serve(func(conn net.Conn) { p.pass(legs, conn) })
	return p, nil
}

// only keeps the faults of one kind.
func only(f base.Faults, k base.FaultKind) base.Faults {
	var kept base.Faults
	for _, x := range f {
		if x.Kind == k {
			kept = append(kept, x)
		}
	}
	return kept
}

// URL is "tcp://" and the address.
func (p *Proxy) URL() string { return "tcp://" + p.Addr() + "/" }

// pass serves one connection.
func (p *Proxy) pass(legs *frame.Injector, conn net.Conn) {
	out, err := net.DialTimeout("tcp", p.target, dialTimeout)
	if err != nil {
		frame.Reset(conn)
		return
	}
	client := legs.Wrap(conn, base.ScopeBoth, p.core.Done)
	server := legs.Wrap(out, base.ScopeBoth, p.core.Done)
	relay(p.core, client, server)
}

// relay copies both ways between two connections, passing on half closes, and
// closes both. A direction that breaks resets the other side too.
func relay(c *frame.Listener, a, b net.Conn) {
	if !c.Track(a) {
		b.Close()
		return
	}
	defer c.Release(a)
	if !c.Track(b) {
		return
	}
	defer c.Release(b)
	var wg sync.WaitGroup
	wg.Go(func() { copyHalf(a, b) })
	copyHalf(b, a)
	wg.Wait()
}

// copyHalf copies from src to dst and passes the end on.
func copyHalf(dst, src net.Conn) {
	if _, err := io.Copy(dst, src); err != nil {
		frame.Reset(src)
		frame.Reset(dst)
		return
	}
	if h, ok := dst.(interface{ CloseWrite() error }); ok {
		h.CloseWrite()
	}
}
