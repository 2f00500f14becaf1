package socket

import (
	"errors"
	"net"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/netclients/netclients/protocols"
)

// Sockopts are options of a socket. The zero value leaves the system's.
type Sockopts struct {
	KeepAlive time.Duration // time between keep-alive probes of TCP; negative: none
	Delay     bool          // of TCP: Nagle's algorithm on (TCP_NODELAY off)
	Linger    time.Duration // wait on close for what was not sent, in whole seconds; negative: reset at close
	TTL       int           // time to live, or hop limit; 0: the system's
	TOS       int           // type of service, or traffic class; 0: the system's
	SendBuf   int           // bytes of the kernel's buffers; 0: the system's
	RecvBuf   int
	Raw       []RawOption // any others; of listeners they are set before the address is bound
	ReusePort bool        // of listeners: several may have one port, and share what comes (SO_REUSEPORT)
}

func (s Sockopts) none() bool {
	return s.KeepAlive == 0 && !s.Delay && s.Linger == 0 && s.TTL == 0 && s.TOS == 0 && s.SendBuf == 0 && s.RecvBuf == 0 && len(s.Raw) == 0
}

// unbound returns what is to be set before an address is bound.
func (s Sockopts) unbound() []RawOption {
	if s.ReusePort {
		return append([]RawOption{reusePort}, s.Raw...)
	}
	return s.Raw
}

// apply sets the options on a connection of this process. What a kind of
// connection has not is an error only when it was asked for.
func (s Sockopts) apply(c net.Conn) error {
	if s.none() {
		return nil
	}
	var errs []error
	if t, ok := c.(*net.TCPConn); ok {
		errs = append(errs, s.tcp(t))
	} else if s.KeepAlive != 0 || s.Delay || s.Linger != 0 {
		errs = append(errs, errors.New("keep-alive, delay and linger are options of TCP"))
	}
	if b, ok := c.(interface {
		SetReadBuffer(int) error
		SetWriteBuffer(int) error
	}); ok {
		errs = append(errs, set(s.RecvBuf, b.SetReadBuffer), set(s.SendBuf, b.SetWriteBuffer))
	}
	errs = append(errs, s.ip(c), applyRaw(s.Raw, c))
	if err := errors.Join(errs...); err != nil {
		return protocols.UsageError("", "", "socket option: "+err.Error())
	}
	return nil
}

func (s Sockopts) tcp(t *net.TCPConn) error {
	var errs []error
	switch {
	case s.KeepAlive < 0:
		errs = append(errs, t.SetKeepAlive(false))
	case s.KeepAlive > 0:
		errs = append(errs, t.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: s.KeepAlive, Interval: s.KeepAlive}))
	}
	if s.Delay {
		errs = append(errs, t.SetNoDelay(false))
	}
	switch {
	case s.Linger < 0:
		errs = append(errs, t.SetLinger(0))
	case s.Linger > 0:
		errs = append(errs, t.SetLinger(int(max(s.Linger/time.Second, 1))))
	}
	return errors.Join(errs...)
}

// ip sets what stands in the header of each packet.
func (s Sockopts) ip(c net.Conn) error {
	if s.TTL == 0 && s.TOS == 0 {
		return nil
	}
	if _, unix := c.(*net.UnixConn); unix {
		return errors.New("TTL and TOS are options of IP")
	}
	if addrOf(c).Is4() {
		p := ipv4.NewConn(c)
		return errors.Join(set(s.TTL, p.SetTTL), set(s.TOS, p.SetTOS))
	}
	p := ipv6.NewConn(c)
	return errors.Join(set(s.TTL, p.SetHopLimit), set(s.TOS, p.SetTrafficClass))
}

// set calls f unless the value is that of the system.
func set(value int, f func(int) error) error {
	if value == 0 {
		return nil
	}
	return f(value)
}
