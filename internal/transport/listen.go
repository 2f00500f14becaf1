package transport

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"

	"github.com/netclients/netclients/protocols"
)

// ListenOptions are options for [Dialer.Listen]. With zero ports the system
// chooses one.
type ListenOptions struct {
	PortMin, PortMax int // first and last port to try, inclusive
}

// Listener waits for the single connection that a server makes back, as in active
// FTP. Its owner must close it; Accept closes it too.
type Listener struct {
	d    *Dialer
	ctl  *Conn
	l    *net.TCPListener
	id   int64
	once sync.Once
}

// maxStrangers limits the connections from other hosts that one Accept rejects.
const maxStrangers = 64

// Listen opens a port on the local address of ctl, which other networks do not
// see. It does not work through a proxy.
func (d *Dialer) Listen(ctl *Conn, o ListenOptions) (*Listener, error) {
	local := addrIP(ctl.LocalAddr())
	if ctl.to.proxied || !local.IsValid() {
		return nil, protocols.UsageError(d.proto, "", "a server cannot connect back through a proxy or a pipe; use passive mode")
	}
	if o.PortMin < 0 || o.PortMax > 65535 || o.PortMax < o.PortMin {
		return nil, protocols.UsageError(d.proto, "", "invalid range of ports to listen on: they must be between 1 and 65535")
	}
	l, err := listenOn(local, o)
	if err != nil {
		return nil, &protocols.Error{Proto: d.proto, Kind: protocols.KindConnect, Err: &brief{"cannot listen on " + local.String() + ": " + plainNetError(err), err}}
	}
	return &Listener{d: d, ctl: ctl, l: l, id: d.number()}, nil
}

// listenOn tries the ports of the range, starting at a random one.
func listenOn(ip netip.Addr, o ListenOptions) (l *net.TCPListener, err error) {
	count := o.PortMax - o.PortMin + 1
	first := rand.IntN(count)
	for i := range count {
		port := o.PortMin + (first+i)%count
		l, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(port))))
		if err == nil {
			return l, nil
		}
	}
	return nil, err
}

// Addr returns the address and port to send to the server.
func (l *Listener) Addr() netip.AddrPort { return l.l.Addr().(*net.TCPAddr).AddrPort() }

// Close stops listening. It may be called more than once.
func (l *Listener) Close() error {
	var err error
	l.once.Do(func() { err = l.l.Close() })
	return err
}

// Accept waits for the peer of the control connection, at most for the connect
// timeout, and closes the listener. Connections from other addresses are closed.
// The caller must close the connection.
func (l *Listener) Accept(ctx context.Context) (*Conn, error) {
	defer l.Close()
	ctx, cancel := l.d.within(ctx, "data connection from "+l.ctl.to.host)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.l.SetDeadline(longAgo) })
	defer stop()
	want := peerIP(l.ctl)
	for range maxStrangers {
		raw, err := l.l.AcceptTCP()
		if err != nil {
			return nil, dialError(ctx, err, l.Addr().String())
		}
		if addrIP(raw.RemoteAddr()).WithZone("") == want.WithZone("") {
			return l.take(raw), nil
		}
		raw.Close()
		l.ctl.Event(protocols.EventNote, "rejected a connection from "+raw.RemoteAddr().String(), 0)
	}
	return nil, &protocols.Error{Proto: l.d.proto, Kind: protocols.KindConnect, Retryable: true, Text: "too many connections from other hosts to the data port"}
}

func (l *Listener) take(raw net.Conn) *Conn {
	c := &Conn{d: l.d, id: l.id, channel: ChannelData, to: l.ctl.to, lax: l.ctl.lax, insist: l.ctl.doubt == nil, sock: newSocket(raw, l.d.o.IdleWithin())}
	if g := l.d.o.Guard; g != nil {
		c.sock.alive = g.Alive
	}
	c.top = c.sock
	c.Event(protocols.EventConnect, "from "+raw.RemoteAddr().String(), 0)
	return c
}
