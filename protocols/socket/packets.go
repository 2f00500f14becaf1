package socket

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/netclients/netclients/protocols"
)

// PacketOptions are for [ListenPackets]. Nil is all defaults.
type PacketOptions struct {
	Resolver  protocols.Resolver // of peers; nil: the system's
	Join      []string           // multicast groups to join, as addresses
	Interface string             // of multicast, by name; empty: the system's choice
	Hops      int                // time to live of multicast that is sent; 0: 1
	NoLoop    bool               // multicast that is sent does not come back to this machine
	Family    int                // 4, 6, or 0 for both
	Sockopts  Sockopts           // of these those of IP, the buffers, and the raw ones
}

// Packets is a socket for datagrams from and to any number of peers: UDP, or a
// UNIX datagram socket. One goroutine may read while others write. Its owner
// closes it.
type Packets struct {
	conn net.PacketConn
	find protocols.Resolver
	url  string
	path string // to remove at the end
}

// ListenPackets opens the address of a udp URL, or of a unix one as a datagram
// socket. An empty host is any address of this machine, port 0 or none a free
// one. Sockets may send to broadcast addresses.
func ListenPackets(ctx context.Context, u *url.URL, o *PacketOptions) (*Packets, error) {
	if o == nil {
		o = &PacketOptions{}
	}
	p := &Packets{url: protocols.Redact(u), find: o.Resolver}
	if p.find == nil {
		p.find = net.DefaultResolver
	}
	if err := p.open(ctx, u, o); err != nil {
		if p.conn != nil {
			p.Close()
		}
		return nil, protocols.Wrap(err, u.Scheme, "listen", p.url)
	}
	return p, nil
}

func (p *Packets) open(ctx context.Context, u *url.URL, o *PacketOptions) (err error) {
	before := o.Sockopts.unbound()
	lc := net.ListenConfig{Control: func(network, address string, raw syscall.RawConn) error {
		if len(o.Join) > 0 {
			if err := shareAddress(raw); err != nil {
				return err
			}
		}
		return control(before)(network, address, raw)
	}}
	switch u.Scheme {
	case "unix":
		path, err := unixPath(u)
		if err != nil {
			return err
		}
		p.conn, err = lc.ListenPacket(ctx, "unixgram", path)
		if dropStale(ctx, err, "unixgram", path) {
			p.conn, err = lc.ListenPacket(ctx, "unixgram", path)
		}
		if err == nil && path[0] != '@' {
			p.path = path
		}
		return listenError(err)
	case "udp":
		if p.conn, err = lc.ListenPacket(ctx, "udp"+familySuffix(o.Family, u), local(u)); err != nil {
			return listenError(err)
		}
		set := o.Sockopts
		set.Raw = nil // they are set
		if err := set.apply(p.conn.(net.Conn)); err != nil {
			return err
		}
		return p.multicast(o)
	}
	return protocols.UsageError(u.Scheme, "listen", "no datagrams with scheme "+u.Scheme)
}

// shareAddress lets several listeners of one group use one port.
func shareAddress(c syscall.RawConn) error {
	var err error
	if cerr := c.Control(func(fd uintptr) { err = reuseAddr(fd) }); cerr != nil {
		return cerr
	}
	return err
}

// multicast joins the groups and sets what multicast that is sent carries.
func (p *Packets) multicast(o *PacketOptions) error {
	var card *net.Interface
	if o.Interface != "" {
		c, err := net.InterfaceByName(o.Interface)
		if err != nil {
			return protocols.UsageError("udp", "", "interface "+o.Interface+": there is none of that name")
		}
		card = c
	}
	p4, p6 := ipv4.NewPacketConn(p.conn), ipv6.NewPacketConn(p.conn)
	for _, group := range o.Join {
		ip, err := netip.ParseAddr(group)
		if err != nil || !ip.IsMulticast() {
			return protocols.UsageError("udp", "", group+" is not a multicast address")
		}
		to := &net.UDPAddr{IP: ip.AsSlice()}
		if ip.Is4() {
			err = p4.JoinGroup(card, to)
		} else {
			err = p6.JoinGroup(card, to)
		}
		if err != nil {
			return &protocols.Error{Kind: protocols.KindConnect, Text: "cannot join " + group + ": " + systemText(err), Err: err}
		}
	}
	is4 := p.conn.LocalAddr().(*net.UDPAddr).IP.To4() != nil
	if is4 || o.Family != 6 {
		err := sendMulticast(p4.SetMulticastInterface, p4.SetMulticastTTL, p4.SetMulticastLoopback, card, o)
		if is4 || err != nil {
			return err
		}
	}
	return sendMulticast(p6.SetMulticastInterface, p6.SetMulticastHopLimit, p6.SetMulticastLoopback, card, o)
}

// sendMulticast sets what is not the system's own.
func sendMulticast(via func(*net.Interface) error, hops func(int) error, loop func(bool) error, card *net.Interface, o *PacketOptions) error {
	var errs []error
	if card != nil {
		errs = append(errs, via(card))
	}
	errs = append(errs, set(o.Hops, hops))
	if o.NoLoop {
		errs = append(errs, loop(false))
	}
	if err := errors.Join(errs...); err != nil {
		return protocols.UsageError("udp", "", "multicast: "+systemText(err))
	}
	return nil
}

// systemText returns the system's own words of an error.
func systemText(err error) string {
	if no, ok := errors.AsType[syscall.Errno](err); ok {
		return no.Error()
	}
	return err.Error()
}

// Addr returns the address of the socket, with its real port.
func (p *Packets) Addr() net.Addr { return p.conn.LocalAddr() }

// Receive reads one datagram into buf, which should have 64 KiB, and returns its
// size and sender. It waits until the context ends; from is nil for a sender
// without a name. One goroutine at a time.
func (p *Packets) Receive(ctx context.Context, buf []byte) (n int, from net.Addr, err error) {
	p.conn.SetReadDeadline(time.Time{})
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		p.conn.SetReadDeadline(time.Unix(1, 0))
	})
	n, from, err = p.conn.ReadFrom(buf)
	if !stop() {
		<-ended
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if a, ok := from.(*net.UnixAddr); ok && (a == nil || a.Name == "") {
		from = nil
	}
	return n, from, err
}

// SendTo sends one datagram.
func (p *Packets) SendTo(data []byte, to net.Addr) error {
	_, err := p.conn.WriteTo(data, to)
	return protocols.Wrap(err, "udp", "send", "")
}

// Resolve returns the address of the peer of a udp URL.
func (p *Packets) Resolve(ctx context.Context, u *url.URL) (net.Addr, error) {
	host, port, err := peer(u)
	if err != nil {
		return nil, err
	}
	network := "ip"
	if a, ok := p.conn.LocalAddr().(*net.UDPAddr); ok && a.IP.To4() != nil {
		network = "ip4"
	}
	ips, err := p.find.LookupNetIP(ctx, network, host)
	if err == nil && len(ips) == 0 {
		err = &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
	}
	if err != nil {
		return nil, protocols.Wrap(err, "udp", "resolve", protocols.Redact(u))
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "udp", port)
	if err != nil {
		return nil, protocols.Wrap(err, "udp", "resolve", protocols.Redact(u))
	}
	return net.UDPAddrFromAddrPort(netip.AddrPortFrom(ips[0].Unmap(), uint16(number))), nil
}

// Close frees the socket, and the name of a UNIX one. It may be called twice.
func (p *Packets) Close() error {
	err := p.conn.Close()
	if p.path != "" && err == nil {
		_ = syscall.Unlink(p.path)
	}
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
