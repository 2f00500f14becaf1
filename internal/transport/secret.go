package transport

import (
	"net"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// AllowSecret returns nil if a password or token may be sent over the connection
// in its current state: with TLS; to this machine, but not through a proxy, whose
// peer cannot be verified; or when the options allow it. Otherwise the error is
// of kind auth and class [protocols.ErrCleartext], or of kind tls if there is TLS
// with an unverified server.
func (c *Conn) AllowSecret() error {
	if c.tls != nil && c.doubt == nil || c.d.o.AllowPlaintextAuth || c.local() {
		return nil
	}
	if c.doubt != nil {
		return &protocols.Error{
			Proto: c.d.proto, Kind: protocols.KindTLS, Err: c.doubt,
			Text: "refused to send a secret to an unverified server",
		}
	}
	return &protocols.Error{
		Proto: c.d.proto, Kind: protocols.KindAuth, Sentinel: protocols.ErrCleartext,
		Text: "refused to send a secret without TLS to " + c.to.host,
		Hint: "use TLS (--tls require, or the TLS scheme); --allow-plaintext-auth sends it unencrypted",
	}
}

// IsLoopback reports whether a host of a URL, a name or an address, is this machine.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// isLocalPeer reports whether a is loopback, a UNIX socket, or an in-memory pipe.
func isLocalPeer(a net.Addr) bool {
	if a == nil {
		return false
	}
	switch a.Network() {
	case "pipe", "unix":
		return true
	}
	return addrIP(a).IsLoopback()
}

// local reports whether the connection ends on this machine.
func (c *Conn) local() bool { return !c.to.proxied && isLocalPeer(c.RemoteAddr()) }
