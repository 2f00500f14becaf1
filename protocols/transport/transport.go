// Package transport has values for the [protocols.Options] that say how servers are
// reached: proxies as the environment and users name them, a name server, and a limit
// of the rate that several clients share.
//
// The sockets themselves, their TLS, their time limits and the protocols of proxies
// (SOCKS5, RFC 1928; CONNECT, RFC 9110 section 9.3.6) are those of the clients.
package transport

import (
	"net"
	"net/url"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
)

// EnvProxy returns a value for Options.Proxy that reads the environment as curl
// does: SCHEME_proxy, then SCHEME_PROXY (but never HTTP_PROXY, which a CGI
// program receives from its client), then all_proxy and ALL_PROXY. Hosts in
// no_proxy or NO_PROXY are contacted directly. getenv reads one variable; nil
// means [os.Getenv]. The library reads no variable without it.
func EnvProxy(getenv func(string) string) func(*url.URL) (*url.URL, error) {
	return transport.EnvProxy(getenv)
}

// NoProxy returns a value for Options.Proxy that connects directly to the hosts
// of list, which has the format of no_proxy, and calls proxy for all others. An
// empty list or a nil proxy returns proxy unchanged.
func NoProxy(list string, proxy func(*url.URL) (*url.URL, error)) func(*url.URL) (*url.URL, error) {
	return transport.NoProxy(list, proxy)
}

// ParseProxy parses a proxy as users write it: host:port alone means an HTTP
// proxy. The schemes are http, https, socks5 and socks4 (names are resolved here),
// socks5h and socks4a (by the proxy). The error is of kind usage and contains no password.
func ParseProxy(text string) (*url.URL, error) { return transport.ParseProxy(text) }

// NameServer returns a value for Options.Resolver that asks the name server at addr, HOST
// or HOST:PORT, over TCP; empty is the system's resolver. o says how it is reached; nil
// is all defaults.
func NameServer(addr string, o *protocols.Options) *net.Resolver {
	return transport.NameServer(addr, o)
}

// NewLimiter returns a value for Options.Limiter: a token bucket of bytesPerSecond that
// clients may share, or nil (no limit) if it is zero or less. The bucket holds an eighth
// of a second, between 512 bytes and 1 MiB.
func NewLimiter(bytesPerSecond int64) protocols.Limiter { return transport.NewLimiter(bytesPerSecond) }
