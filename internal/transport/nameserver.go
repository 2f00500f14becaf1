package transport

import (
	"context"
	"net"
	"net/url"

	"github.com/netclients/netclients/protocols"
)

// NameServer returns a resolver that asks the name server at addr, HOST or HOST:PORT, over
// TCP; empty is the system's resolver. o says how it is reached; nil is all defaults.
func NameServer(addr string, o *protocols.Options) *net.Resolver {
	if addr == "" {
		return net.DefaultResolver
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		host, port = addr, "53"
	}
	// Over TCP: the resolver takes any connection that is not a datagram socket for a
	// stream.
	d := NewDialer("dns", &url.URL{Scheme: "tcp", Host: net.JoinHostPort(host, port)}, o)
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return d.Dial(ctx, "control", "tcp", host, port)
	}}
}
