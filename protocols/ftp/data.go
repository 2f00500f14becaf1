package ftp

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// dataMode is one way to agree on a data connection.
type dataMode struct {
	verb    string
	passive bool // we connect to the server
	usable  func(s *session) bool
	arg     func(s *session, l *transport.Listener) string
	port    func(r *protocols.Reply) (int, error) // passive modes: the port to dial
}

// modes in the order of preference; --active starts at the third. The address in
// a 227 reply is not used unless the user trusts it: the data connection goes to
// the host of the control connection (CVE-2020-8284, CVE-2021-4189).
var modes = []dataMode{
	{"EPSV", true, func(s *session) bool { return !s.c.Settings.NoEPSV && !s.c.Settings.TrustPASV }, noArg, parse229},
	{"PASV", true, isIPv4, noArg, parse227},
	{"EPRT", false, canListen, func(s *session, l *transport.Listener) string { return eprt(s.announce(l)) }, nil},
	{"PORT", false, func(s *session) bool { return canListen(s) && isIPv4(s) },
		func(s *session, l *transport.Listener) string { return port(s.announce(l)) }, nil},
}

const firstActive = 2

func noArg(*session, *transport.Listener) string { return "" }

// isIPv4: PASV and PORT have no room for more. A peer whose address is not known
// (after a proxy) may be either.
func isIPv4(s *session) bool {
	a, ok := s.Conn.RemoteAddr().(*net.TCPAddr)
	return !ok || a.IP.To4() != nil
}

// canListen: the server can reach us only when nothing stands between.
func canListen(s *session) bool { return s.Conn.Direct() }

// parse229 reads the port of an EPSV reply: any delimiter, four times (RFC 2428 3).
func parse229(r *protocols.Reply) (int, error) {
	return anyLine(r, port229)
}

func port229(text string) (int, error) {
	_, in, ok := strings.Cut(text, "(")
	in, _, ok2 := strings.Cut(in, ")")
	if ok && ok2 && len(in) > 4 {
		if parts := strings.Split(in, in[:1]); len(parts) == 5 {
			return portOf(parts[3], text)
		}
	}
	return 0, protocols.ProtocolError(proto, "", fmt.Sprintf("229 reply without a port: %q", wire.Clip(text)))
}

// parse227 reads the port of a PASV reply.
func parse227(r *protocols.Reply) (int, error) {
	n, err := numbers227(r)
	if err != nil {
		return 0, err
	}
	return portOf(strconv.Itoa(n[4]<<8|n[5]), r.Text())
}

// address227 returns the address of a PASV reply in the form that PORT takes.
func address227(r *protocols.Reply) (string, error) {
	n, err := numbers227(r)
	return fmt.Sprintf("%d,%d,%d,%d,%d,%d", n[0], n[1], n[2], n[3], n[4], n[5]), err
}

// numbers227 reads the six numbers; the parentheses are optional (RFC 1123 4.1.2.6).
func numbers227(r *protocols.Reply) ([6]int, error) { return anyLine(r, address) }

func address(text string) (n [6]int, err error) {
	start := strings.LastIndexByte(text, '(') + 1
	if start == 0 {
		start = max(strings.IndexAny(text, "0123456789"), 0)
	}
	fields := strings.FieldsFunc(text[start:], func(c rune) bool { return c < '0' || c > '9' })
	if len(fields) < len(n) {
		return n, protocols.ProtocolError(proto, "", fmt.Sprintf("227 reply without an address: %q", wire.Clip(text)))
	}
	for i := range n {
		v, err := strconv.Atoi(fields[i])
		if err != nil || v > 255 {
			return n, protocols.ProtocolError(proto, "", fmt.Sprintf("227 reply with a number out of range: %q", wire.Clip(text)))
		}
		n[i] = v
	}
	return n, nil
}

// anyLine reads a reply of several lines: the last one counts where it can be read,
// else the first one that can.
func anyLine[T any](r *protocols.Reply, read func(text string) (T, error)) (v T, err error) {
	v, err = read(r.Lines[len(r.Lines)-1])
	if err == nil {
		return v, nil
	}
	for _, text := range r.Lines {
		if v, lerr := read(text); lerr == nil {
			return v, nil
		}
	}
	return v, err
}

func portOf(digits, text string) (int, error) {
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 {
		return 0, protocols.ProtocolError(proto, "", fmt.Sprintf("data port out of range: %q", wire.Clip(text)))
	}
	return int(n), nil
}

// announce returns the address that the server is to connect to.
func (s *session) announce(l *transport.Listener) netip.AddrPort {
	a := l.Addr()
	ip := a.Addr().Unmap()
	if h := s.c.Settings.ActiveHost; h != "" {
		if other, err := netip.ParseAddr(h); err == nil {
			ip = other
		}
	}
	return netip.AddrPortFrom(ip, a.Port())
}

// eprt writes RFC 2428 2, port RFC 959 4.1.2.
func eprt(a netip.AddrPort) string {
	family := 1
	if a.Addr().Is6() {
		family = 2
	}
	return fmt.Sprintf("|%d|%s|%d|", family, a.Addr().WithZone(""), a.Port())
}

func port(a netip.AddrPort) string {
	host := strings.ReplaceAll(a.Addr().String(), ".", ",")
	return fmt.Sprintf("%s,%d,%d", host, a.Port()>>8, a.Port()&0xff)
}
