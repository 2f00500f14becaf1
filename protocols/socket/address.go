package socket

import (
	"context"
	"crypto/rand"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// Host returns a host in the form that the system's resolver takes. Beside names
// and addresses there are "<broadcast>" (255.255.255.255) and the forms of
// inet_aton(3): "2130706433", "0x7f000001", "127.1", "0177.0.0.1". Anything else
// comes back as it is; the empty host stays empty.
func Host(host string) string {
	if strings.EqualFold(host, "<broadcast>") {
		return "255.255.255.255"
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return host
	}
	if ip, ok := parseAton(host); ok {
		return ip.String()
	}
	return host
}

// parseAton reads one to four numbers apart by dots, decimal, octal or
// hexadecimal, of which the last fills the bytes that are left.
func parseAton(host string) (netip.Addr, bool) {
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var sum uint64
	for i, p := range parts {
		if p == "" || p[0] < '0' || p[0] > '9' || strings.ContainsAny(p, "_oObB") && !strings.HasPrefix(strings.ToLower(p), "0x") {
			return netip.Addr{}, false
		}
		limit := uint64(1) << 8
		if i == len(parts)-1 {
			limit = 1 << (8 * (5 - len(parts)))
		}
		n, err := strconv.ParseUint(p, 0, 64)
		if err != nil || n >= limit {
			return netip.Addr{}, false
		}
		if i == len(parts)-1 {
			sum |= n
		} else {
			sum |= n << (8 * (3 - i))
		}
	}
	return netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}), true
}

// peer returns host and port to connect to.
func peer(u *url.URL) (host, port string, err error) {
	host, port = Host(u.Hostname()), u.Port()
	switch {
	case port == "" || port == "0":
		return "", "", protocols.UsageError(u.Scheme, "", "no port; write it as "+u.Scheme+"://host:port")
	case host == "":
		return "", "", protocols.UsageError(u.Scheme, "", "no host to connect to; an empty one is for listening")
	}
	return host, port, nil
}

// local returns the address to listen on; an empty host is any.
func local(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "0"
	}
	return net.JoinHostPort(Host(u.Hostname()), port)
}

// dialUnix makes UNIX sockets of one type. A datagram socket gets a name of its
// own where the system has abstract ones, so that the peer can answer.
func dialUnix(network string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, address string) (net.Conn, error) {
		var d net.Dialer
		if network == "unixgram" && autobind {
			d.LocalAddr = &net.UnixAddr{Net: network, Name: "@netclients-" + rand.Text()}
		}
		return d.DialContext(ctx, network, address)
	}
}
