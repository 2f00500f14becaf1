package socklab

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// SOCKSProxy is a SOCKS5 proxy (RFC 1928) for CONNECT, with domain names, IPv4
// and IPv6 addresses.
type SOCKSProxy struct {
	endpoint
	opt ProxyOptions
	targets
}

// StartSOCKS5 starts a SOCKS5 proxy.
func StartSOCKS5(o ProxyOptions) (*SOCKSProxy, error) {
	c, err := frame.Listen("tcp", o.Addr, o.Faults)
	if err != nil {
		return nil, err
	}
	p := &SOCKSProxy{endpoint: endpoint{c}, opt: o}
	c.Serve(p.handle)
	return p, nil
}

// URL is "socks5://" and the address, with user and password if it has any.
func (p *SOCKSProxy) URL() string {
	return proxyURL("socks5", p.opt.User, p.opt.Password, p.Addr())
}

func (p *SOCKSProxy) handle(conn net.Conn) {
	r := bufio.NewReader(conn)
	if !p.negotiate(conn, r) {
		return
	}
	target, err := socksRequest(r)
	if err != nil {
		conn.Write(socksReply(socksUnsupported))
		return
	}
	p.note(target)
	out, err := dial(target, p.opt.Resolve)
	if err != nil {
		conn.Write(socksReply(socksRefused))
		return
	}
	if _, err := conn.Write(socksReply(0)); err != nil {
		out.Close()
		return
	}
	relay(p.core, &bufferedConn{conn, r}, out)
}

// The reply codes of RFC 1928 section 6 that are used.
const (
	socksRefused     = 5
	socksUnsupported = 7
)

// socksReply is a reply with the address 0.0.0.0:0.
func socksReply(code byte) []byte { return []byte{5, code, 0, 1, 0, 0, 0, 0, 0, 0} }

// negotiate agrees on the method and checks the password.
func (p *SOCKSProxy) negotiate(w io.Writer, r *bufio.Reader) bool {
	version, err := r.ReadByte()
	if err != nil || version != 5 {
		return false
	}
	methods, err := shortString(r)
	if err != nil {
		return false
	}
	want := byte(0)
	if p.opt.User != "" {
		want = 2
	}
	if !slices.Contains([]byte(methods), want) {
		w.Write([]byte{5, 0xff})
		return false
	}
	w.Write([]byte{5, want})
	return want == 0 || p.password(w, r)
}

// password is the sub-negotiation of RFC 1929.
func (p *SOCKSProxy) password(w io.Writer, r *bufio.Reader) bool {
	if version, err := r.ReadByte(); err != nil || version != 1 {
		return false
	}
	user, err := shortString(r)
	if err != nil {
		return false
	}
	pass, err := shortString(r)
	if err != nil {
		return false
	}
	if user != p.opt.User || pass != p.opt.Password {
		w.Write([]byte{1, 1})
		return false
	}
	_, err = w.Write([]byte{1, 0})
	return err == nil
}

// shortString reads a length byte and as many bytes.
func shortString(r *bufio.Reader) (string, error) {
	n, err := r.ReadByte()
	if err != nil {
		return "", err
	}
	p := make([]byte, n)
	_, err = io.ReadFull(r, p)
	return string(p), err
}

// socksRequest reads a CONNECT request and returns its target.
func socksRequest(r *bufio.Reader) (string, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return "", err
	}
	if head[0] != 5 || head[1] != 1 {
		return "", errors.ErrUnsupported
	}
	host, err := socksHost(r, head[3])
	if err != nil {
		return "", err
	}
	var port [2]byte
	if _, err := io.ReadFull(r, port[:]); err != nil {
		return "", err
	}
	return net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(port[:])))), nil
}

// socksHost reads an address of the given type.
func socksHost(r *bufio.Reader, kind byte) (string, error) {
	if kind == 3 {
		return shortString(r)
	}
	size, ok := map[byte]int{1: 4, 4: 16}[kind]
	if !ok {
		return "", errors.ErrUnsupported
	}
	p := make([]byte, size)
	if _, err := io.ReadFull(r, p); err != nil {
		return "", err
	}
	ip, _ := netip.AddrFromSlice(p)
	return ip.String(), nil
}

// bufferedConn is a connection some of whose bytes have been read ahead.
type bufferedConn struct {
	net.Conn
	r *bufio.Reader
}

func (c *bufferedConn) Read(p []byte) (int, error) { return c.r.Read(p) }

// CloseWrite ends the outgoing direction.
func (c *bufferedConn) CloseWrite() error {
	if h, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return c.Close()
}

// SetLinger passes the option on, see net.TCPConn.
func (c *bufferedConn) SetLinger(sec int) error {
	if l, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		return l.SetLinger(sec)
	}
	return nil
}
