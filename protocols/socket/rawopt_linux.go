package socket

import "golang.org/x/sys/unix"

// rawLevels are the levels and options of socket(7), tcp(7), ip(7) and ipv6(7)
// that take a number or a text.
var rawLevels = map[string]rawLevel{
	"socket": {unix.SOL_SOCKET, "SO_", map[string]int{
		"BINDTODEVICE": unix.SO_BINDTODEVICE, "BROADCAST": unix.SO_BROADCAST, "BUSY_POLL": unix.SO_BUSY_POLL, "DEBUG": unix.SO_DEBUG,
		"DONTROUTE": unix.SO_DONTROUTE, "KEEPALIVE": unix.SO_KEEPALIVE, "MARK": unix.SO_MARK, "OOBINLINE": unix.SO_OOBINLINE,
		"PASSCRED": unix.SO_PASSCRED, "PASSSEC": unix.SO_PASSSEC, "PRIORITY": unix.SO_PRIORITY, "RCVBUF": unix.SO_RCVBUF,
		"RCVLOWAT": unix.SO_RCVLOWAT, "REUSEADDR": unix.SO_REUSEADDR, "REUSEPORT": unix.SO_REUSEPORT, "SNDBUF": unix.SO_SNDBUF,
		"INCOMING_CPU": unix.SO_INCOMING_CPU, "ZEROCOPY": unix.SO_ZEROCOPY,
	}},
	"tcp": {unix.IPPROTO_TCP, "TCP_", map[string]int{
		"CONGESTION": unix.TCP_CONGESTION, "CORK": unix.TCP_CORK, "DEFER_ACCEPT": unix.TCP_DEFER_ACCEPT, "FASTOPEN": unix.TCP_FASTOPEN,
		"KEEPCNT": unix.TCP_KEEPCNT, "KEEPIDLE": unix.TCP_KEEPIDLE, "KEEPINTVL": unix.TCP_KEEPINTVL, "LINGER2": unix.TCP_LINGER2,
		"MAXSEG": unix.TCP_MAXSEG, "NODELAY": unix.TCP_NODELAY, "NOTSENT_LOWAT": unix.TCP_NOTSENT_LOWAT, "QUICKACK": unix.TCP_QUICKACK,
		"SYNCNT": unix.TCP_SYNCNT, "USER_TIMEOUT": unix.TCP_USER_TIMEOUT, "WINDOW_CLAMP": unix.TCP_WINDOW_CLAMP,
	}},
	"ip": {unix.IPPROTO_IP, "IP_", map[string]int{
		"BIND_ADDRESS_NO_PORT": unix.IP_BIND_ADDRESS_NO_PORT, "FREEBIND": unix.IP_FREEBIND, "MTU_DISCOVER": unix.IP_MTU_DISCOVER,
		"MULTICAST_ALL": unix.IP_MULTICAST_ALL, "MULTICAST_LOOP": unix.IP_MULTICAST_LOOP, "MULTICAST_TTL": unix.IP_MULTICAST_TTL,
		"RECVERR": unix.IP_RECVERR, "RECVTOS": unix.IP_RECVTOS, "RECVTTL": unix.IP_RECVTTL, "TOS": unix.IP_TOS,
		"TRANSPARENT": unix.IP_TRANSPARENT, "TTL": unix.IP_TTL,
	}},
	"ipv6": {unix.IPPROTO_IPV6, "IPV6_", map[string]int{
		"DONTFRAG": unix.IPV6_DONTFRAG, "MTU": unix.IPV6_MTU, "MTU_DISCOVER": unix.IPV6_MTU_DISCOVER, "MULTICAST_HOPS": unix.IPV6_MULTICAST_HOPS,
		"MULTICAST_LOOP": unix.IPV6_MULTICAST_LOOP, "RECVERR": unix.IPV6_RECVERR, "RECVTCLASS": unix.IPV6_RECVTCLASS,
		"TCLASS": unix.IPV6_TCLASS, "TRANSPARENT": unix.IPV6_TRANSPARENT, "UNICAST_HOPS": unix.IPV6_UNICAST_HOPS, "V6ONLY": unix.IPV6_V6ONLY,
	}},
}

// reusePort lets several listeners share a port.
var reusePort = RawOption{Level: unix.SOL_SOCKET, Name: unix.SO_REUSEPORT, Value: 1}

func setRaw(fd uintptr, o RawOption) error {
	if o.Text != "" {
		return unix.SetsockoptString(int(fd), o.Level, o.Name, o.Text)
	}
	return unix.SetsockoptInt(int(fd), o.Level, o.Name, o.Value)
}
