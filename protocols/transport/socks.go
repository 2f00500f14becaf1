package transport

import (
	"context"
	"net"
	"net/url"
	"strings"

	"golang.org/x/net/proxy"

	"github.com/netclients/netclients/protocols"
)

// socksTunnel sends a request to a SOCKS5 proxy, RFC 1928, with the user and
// password of its URL, RFC 1929. The module uses the existing socket, and its
// wrapper is dropped afterwards: the fast paths need the bare socket.
func socksTunnel(ctx context.Context, c *Conn, u *url.URL, address string) error {
	var auth *proxy.Auth
	if u.User != nil {
		auth = &proxy.Auth{User: u.User.Username()}
		auth.Password, _ = u.User.Password()
	}
	s, err := proxy.SOCKS5("tcp", u.Host, auth, standing{c.sock})
	if err != nil {
		return err
	}
	// The end of ctx aborts the socket with its own error. The module would set
	// a deadline of its own too, and the resulting error would depend on which
	// came first.
	_, err = s.(proxy.ContextDialer).DialContext(context.WithoutCancel(ctx), "tcp", address)
	if err != nil {
		return socksError(err)
	}
	return nil
}

// standing is a dialer that returns an existing connection.
type standing struct{ conn net.Conn }

func (s standing) Dial(network, address string) (net.Conn, error) { return s.conn, nil }

func (s standing) DialContext(context.Context, string, string) (net.Conn, error) { return s.conn, nil }

func socksError(err error) error {
	text := strings.TrimPrefix(plainNetError(err), "unknown error ")
	e := &protocols.Error{Kind: protocols.KindConnect, Err: &brief{text, err}}
	if strings.Contains(text, "authentication") {
		e.Hint = "put the proxy's user name in its URL, and the password in ~/.netrc or the keyring"
	}
	return e
}
