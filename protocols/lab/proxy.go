package lab

import (
	"io"
	"net"
	"sync"
	"time"
)

// dialTimeout bounds the connects of all proxies and of active FTP.
const dialTimeout = 10 * time.Second

// Proxy passes TCP connections on to one target and applies the faults of
// byte streams (cut, close, stall, slow, split, delay, refuse) to each
// direction by itself. Faults at verbs have no effect here.
type Proxy struct {
	*core
	target string
}

// NewProxy starts a proxy on a free loopback port. The target is connected to
// for each connection anew.
func NewProxy(target string, f Faults) (*Proxy, error) { return NewProxyOn("", target, f) }

// NewProxyOn is NewProxy listening on a given address.
func NewProxyOn(listen, target string, f Faults) (*Proxy, error) {
	// The two legs get the faults here; the listener's own wrapping would
	// apply them twice, so it sees only the refusals.
	c, err := newCore(listen, f)
	if err != nil {
		return nil, err
	}
	legs := c.faults
	c.faults = newInjector(only(f, FaultRefuse))
	p := &Proxy{core: c, target: target}
	c.serve(func(conn net.Conn) { p.pass(legs, conn) })
	return p, nil
}

// only keeps the faults of one kind.
func only(f Faults, k FaultKind) Faults {
	var kept Faults
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
func (p *Proxy) pass(legs *injector, conn net.Conn) {
	out, err := net.DialTimeout("tcp", p.target, dialTimeout)
	if err != nil {
		reset(conn)
		return
	}
	client := legs.wrap(conn, ScopeBoth, p.done)
	server := legs.wrap(out, ScopeBoth, p.done)
	p.relay(client, server)
}

// relay copies both ways between two connections, passing on half closes, and
// closes both. A direction that breaks resets the other side too.
func (c *core) relay(a, b net.Conn) {
	if !c.track(a) {
		b.Close()
		return
	}
	defer c.release(a)
	if !c.track(b) {
		return
	}
	defer c.release(b)
	var wg sync.WaitGroup
	wg.Go(func() { copyHalf(a, b) })
	copyHalf(b, a)
	wg.Wait()
}

// copyHalf copies from src to dst and passes the end on.
func copyHalf(dst, src net.Conn) {
	if _, err := io.Copy(dst, src); err != nil {
		reset(src)
		reset(dst)
		return
	}
	if h, ok := dst.(interface{ CloseWrite() error }); ok {
		h.CloseWrite()
	}
}
