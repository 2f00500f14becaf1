package transport

import (
	"net"

	"github.com/netclients/netclients/protocols"
)

// AllowSecret says whether a password or token may be sent over the connection
// as it stands: with TLS; to this very machine, but not through a proxy, whose
// idea of the peer cannot be seen; or when the options allow it. Otherwise the
// error is of kind Auth and class [protocols.ErrCleartext]; where there is TLS with
// a server that is not verified, of kind TLS.
func (c *Conn) AllowSecret() error {
	if c.tls != nil && c.doubt == nil || c.d.o.AllowPlaintextAuth || c.local() {
		return nil
	}
	if c.doubt != nil {
		return &protocols.Error{
			Proto: c.d.proto, Kind: protocols.KindTLS, Err: c.doubt,
			Text: "refused to send a secret to a server that is not verified",
		}
	}
	return &protocols.Error{
		Proto: c.d.proto, Kind: protocols.KindAuth, Sentinel: protocols.ErrCleartext,
		Text: "refused to send a secret without TLS to " + c.to.host,
		Hint: "use TLS (--tls require, or the scheme with s); --allow-plaintext-auth sends it in clear",
	}
}

// isLocalPeer: loopback, a UNIX socket, or a pipe in memory.
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
