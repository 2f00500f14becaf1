package transport

import (
	"context"
	"net"
	"net/url"
	"strings"

	"golang.org/x/net/proxy"

	"github.com/netclients/netclients/protocols"
)

// socksTunnel asks a SOCKS5 proxy, RFC 1928, with a user and password of RFC 1929
// when its URL has them. The module talks over the socket that stands already,
// and its wrapper is dropped afterwards: the fast paths need the bare socket.
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
	// The end of ctx cuts the socket off, with its own error. The module would set a
	// deadline of its own as well, and the two would race for what the error says.
	_, err = s.(proxy.ContextDialer).DialContext(context.WithoutCancel(ctx), "tcp", address)
	if err != nil {
		return socksError(err)
	}
	return nil
}

// standing is a dialer that returns a connection made before.
type standing struct{ conn net.Conn }

func (s standing) Dial(network, address string) (net.Conn, error) { return s.conn, nil }

func (s standing) DialContext(context.Context, string, string) (net.Conn, error) { return s.conn, nil }

func socksError(err error) error {
	text := strings.TrimPrefix(plainNetError(err), "unknown error ")
	e := &protocols.Error{Kind: protocols.KindConnect, Err: &brief{text, err}}
	if strings.Contains(text, "authentication") {
		e.Hint = "put the proxy's user into its URL, and the password into ~/.netrc or the keyring"
	}
	return e
}
