package transport

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// local returns the local address for a connection to address, or nil. An
// interface name selects its first address of the same family as address.
func (d *Dialer) local(network, address string) (net.Addr, error) {
	bind, err := d.bindTo(address)
	if err != nil || !bind.IsValid() {
		return nil, err
	}
	if network == "udp" {
		return net.UDPAddrFromAddrPort(bind), nil
	}
	return net.TCPAddrFromAddrPort(bind), nil
}

func (d *Dialer) bindTo(address string) (netip.AddrPort, error) {
	text := d.o.Bind
	if text == "" {
		return netip.AddrPort{}, nil
	}
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap, nil
	}
	if ip, err := netip.ParseAddr(text); err == nil {
		return netip.AddrPortFrom(ip, 0), nil
	}
	if port, ok := strings.CutPrefix(text, ":"); ok { // of any address
		return anyAddress(port, address)
	}
	ip, err := interfaceIP(text, address)
	if err != nil {
		return netip.AddrPort{}, &protocols.Error{
			Proto: d.proto, Kind: protocols.KindUsage,
			Text: "cannot bind to " + strconv.Quote(text) + ": " + err.Error(),
			Hint: "use a local address, a local address with a port, :PORT, or an interface name",
		}
	}
	return netip.AddrPortFrom(ip, 0), nil
}

// anyAddress returns the unspecified address of the family of address, with a port.
func anyAddress(port, address string) (netip.AddrPort, error) {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, protocols.UsageError("", "", "cannot bind to "+strconv.Quote(":"+port)+": a port has a number up to 65535")
	}
	ip := netip.IPv4Unspecified()
	if peer, _ := netip.ParseAddrPort(address); peer.Addr().Is6() && !peer.Addr().Is4In6() {
		ip = netip.IPv6Unspecified()
	}
	return netip.AddrPortFrom(ip, uint16(n)), nil
}

func interfaceIP(name, address string) (netip.Addr, error) {
	card, err := net.InterfaceByName(name)
	if err != nil {
		return netip.Addr{}, &brief{"no such interface", err}
	}
	addrs, err := card.Addrs()
	if err != nil {
		return netip.Addr{}, err
	}
	peer, _ := netip.ParseAddrPort(address)
	for _, a := range addrs {
		n, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		ip, ok := netip.AddrFromSlice(n.IP)
		ip = ip.Unmap()
		if ok && ip.Is4() == peer.Addr().Unmap().Is4() {
			if ip.IsLinkLocalUnicast() && ip.Is6() {
				ip = ip.WithZone(name)
			}
			return ip, nil
		}
	}
	return netip.Addr{}, &brief{"the interface has no address of that family", nil}
}
