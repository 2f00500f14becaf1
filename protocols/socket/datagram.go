package socket

import (
	"context"
	"io"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
)

// MaxDatagram is the most bytes of one UDP datagram's content over IPv4.
const MaxDatagram = 65507

// Datagram is a UDP socket connected to one peer: what comes from others is not
// seen. For broadcast and multicast, whose answers come from many, see
// [ListenPackets].
type Datagram struct {
	Settings Settings
	// Broadcast allows a broadcast address for the peer, which stands for all of a
	// network. Answers to it come from other addresses: [ListenPackets] sees them.
	Broadcast bool

	url  *url.URL
	opts *protocols.Options
	gate protocols.Gate
}

var (
	_ protocols.Client = (*Datagram)(nil)
	_ protocols.Talker = (*Datagram)(nil)
)

// NewDatagram makes a client for a udp URL. It does no I/O. A nil o means the
// defaults.
func NewDatagram(u *url.URL, o *protocols.Options) (*Datagram, error) {
	_, o, err := UDP().Accept(u, o)
	if err != nil {
		return nil, err
	}
	return &Datagram{url: u, opts: o}, nil
}

// DatagramConn is a connected UDP socket: each Write is one datagram, each Read
// gives one, cut to the size of its buffer. It has no end of stream; silence
// beyond the idle time is an error of kind Timeout.
type DatagramConn struct {
	conn    *transport.Conn
	release func()
}

// Read reads one datagram.
func (d *DatagramConn) Read(p []byte) (int, error) { return d.conn.Read(p) }

// Write sends p as one datagram, of at most [MaxDatagram] bytes.
func (d *DatagramConn) Write(p []byte) (int, error) {
	if len(p) > MaxDatagram {
		return 0, protocols.UsageError("udp", "", "a datagram has at most 65507 bytes")
	}
	return d.conn.Write(p)
}

// WriteTo writes the content of datagrams to w until reading fails, each whole.
func (d *DatagramConn) WriteTo(w io.Writer) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{d.conn}, make([]byte, 64<<10))
}

// SetReadDeadline sets the time at which a Read times out; zero takes it away.
func (d *DatagramConn) SetReadDeadline(t time.Time) error { return d.conn.SetReadDeadline(t) }

// LocalAddr returns the address of this end.
func (d *DatagramConn) LocalAddr() net.Addr { return d.conn.LocalAddr() }

// RemoteAddr returns the address of the peer.
func (d *DatagramConn) RemoteAddr() net.Addr { return d.conn.RemoteAddr() }

// Close frees the socket and the client. It may be called many times.
func (d *DatagramConn) Close() error {
	err := d.conn.Close()
	d.release()
	return err
}

// Talk opens a socket for the peer of the URL: a [*DatagramConn]. Nothing is
// sent yet. The context covers it until it is closed.
func (c *Datagram) Talk(ctx context.Context) (io.ReadWriteCloser, error) {
	return expect.Opened(c.Connect(ctx))
}

// Connect is Talk with the concrete type.
func (c *Datagram) Connect(ctx context.Context) (*DatagramConn, error) {
	ctx, done, closed := c.opts.Streamed(ctx, protocols.Op{Protocol: "udp", Verb: "talk", Host: c.url.Host})
	conn, err := c.open(ctx, closed)
	if err != nil {
		err = c.wrap(err, "connect")
		done(err)
	}
	return conn, err
}

func (c *Datagram) open(ctx context.Context, closed func(func()) func()) (*DatagramConn, error) {
	ctx, release, err := c.gate.Begin(ctx)
	if err != nil {
		return nil, err
	}
	release = closed(release)
	conn, err := c.dial(ctx)
	if err != nil {
		release()
		return nil, err
	}
	done := conn.Use(ctx)
	return &DatagramConn{conn: conn, release: sync.OnceFunc(func() { done(); release() })}, nil
}

func (c *Datagram) dial(ctx context.Context) (*transport.Conn, error) {
	host, port, err := peer(c.url)
	if err != nil {
		return nil, err
	}
	conn, err := transport.NewDialer("udp", c.url, c.opts).Dial(ctx, "", "udp", host, port)
	if err != nil {
		return nil, err
	}
	err = c.Settings.Sockopts.apply(conn.NetConn())
	if err == nil && !c.Broadcast {
		err = refuseBroadcast(conn.RemoteAddr())
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// Close ends an operation in progress with an error of class [protocols.ErrClosed]. A
// socket that is open belongs to its opener, who frees it. It may be called twice.
func (c *Datagram) Close() error {
	c.gate.Close()
	return nil
}

func (c *Datagram) wrap(err error, op string) error {
	return protocols.Wrap(err, "udp", op, protocols.Redact(c.url))
}

// refuseBroadcast is an error for the address of all of a network: 255.255.255.255, or the
// last one of a network of this machine's. Go sets SO_BROADCAST on every socket, so that the
// system does not refuse it.
func refuseBroadcast(addr net.Addr) error {
	a, ok := addr.(*net.UDPAddr)
	if !ok || a.IP.To4() == nil {
		return nil
	}
	to := a.AddrPort().Addr().Unmap()
	if to != netip.AddrFrom4([4]byte{255, 255, 255, 255}) && !slices.ContainsFunc(networks(), func(p netip.Prefix) bool { return isLast(p, to) }) {
		return nil
	}
	return &protocols.Error{
		Kind: protocols.KindUsage, Text: to.String() + " is for all of a network",
		Hint: "send with --broadcast when that is meant",
	}
}

// networks returns the IPv4 networks of this machine.
func networks() (all []netip.Prefix) {
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() {
			all = append(all, p)
		}
	}
	return all
}

// isLast reports whether an address is the last one of a network that has such an address.
func isLast(p netip.Prefix, a netip.Addr) bool {
	return p.Bits() < 31 && p.Contains(a) && !p.Contains(a.Next())
}

// addrOf returns the IP address of this end of a connection, or an invalid one.
func addrOf(c net.Conn) netip.Addr {
	ap, err := netip.ParseAddrPort(c.LocalAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
