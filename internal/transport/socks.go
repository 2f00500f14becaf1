package transport

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strconv"
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

// The reply codes of SOCKS4.
const (
	socks4Granted = 90
	socks4NoIdent = 92
	socks4BadUser = 93
)

// socks4Tunnel sends a request to a SOCKS4 proxy; one for a name is SOCKS4a. The user of
// the URL is the user id; the protocol has no passwords.
func socks4Tunnel(_ context.Context, c *Conn, u *url.URL, address string) error {
	request, err := socks4Request(u.User.Username(), address)
	if err != nil {
		return err
	}
	if _, err := c.sock.Write(request); err != nil {
		return err
	}
	var reply [8]byte
	if _, err := io.ReadFull(c.sock, reply[:]); err != nil {
		return err
	}
	e := &protocols.Error{Kind: protocols.KindConnect, Text: "SOCKS4 request refused"}
	switch {
	case reply[0] != 0:
		return protocols.ProtocolError("", "", "the answer is not one of SOCKS4")
	case reply[1] == socks4Granted:
		return nil
	case reply[1] == socks4NoIdent, reply[1] == socks4BadUser:
		e.Text, e.Hint = "SOCKS4 request refused because of the user id", "put the user id in the proxy's URL"
	case reply[1] != socks4Granted+1:
		e.Text = fmt.Sprintf("SOCKS4 request refused with code %d", reply[1])
	}
	return e
}

func socks4Request(user, address string) ([]byte, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || strings.ContainsRune(user+host, 0) {
		return nil, protocols.UsageError("", "", "SOCKS4 cannot ask for "+strconv.Quote(address)+" with this user id")
	}
	b := binary.BigEndian.AppendUint16([]byte{4, 1}, uint16(port))
	ip, err := netip.ParseAddr(host)
	switch {
	case err == nil && !ip.Unmap().Is4():
		return nil, &protocols.Error{Kind: protocols.KindConnect, Text: "SOCKS4 knows IPv4 only, and " + host + " is an IPv6 address", Hint: "use a SOCKS5 proxy"}
	case err == nil:
		return append(append(append(b, ip.Unmap().AsSlice()...), user...), 0), nil
	}
	b = append(append(append(b, 0, 0, 0, 1), user...), 0) // an address that says: the name comes last
	return append(append(b, host...), 0), nil
}
