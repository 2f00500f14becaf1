// Package socket implements a client for raw sockets: TCP (RFC 9293), TLS
// (RFC 8446), UDP (RFC 768, with broadcast of RFC 919 and multicast of RFC 1112
// and 4291), and UNIX sockets of all three types, abstract names of Linux
// included. It listens too.
//
// # URLs
//
// tcp://host:port, tls://host:port, ws://host/path, wss://host/path, udp://host:port, unix:///path,
// unix:relative/path and unix:@name (abstract). A port may be a service name. A
// host is a name, an address, or one of the old forms that [Host] knows; an
// empty host is any address of this machine for those that listen.
//
// # Parts
//
//   - [Client] is a stream, or a UNIX socket: a Talker, Getter and Doer. Its
//     [Conn] keeps the kernel's fast copies; [Conn.Join] ties it to two streams.
//   - [Datagram] is a UDP socket with one peer, a Talker; [Packets] is one with
//     any number of peers.
//   - [Listen] serves streams: greeting, echo, or a function of the caller's.
//   - Settings.StartTLS puts TLS on a connection the way a protocol does it:
//     SMTP and LMTP (RFC 3207), IMAP and POP3 (RFC 2595), FTP (RFC 4217), NNTP
//     (RFC 4642), XMPP (RFC 6120), LDAP (RFC 4511), ManageSieve (RFC 5804),
//     PostgreSQL.
package socket

import (
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
)

// TCP describes streams over TCP, with or without TLS, to the catalog.
func TCP() *protocols.Spec {
	return &protocols.Spec{
		Name:    "tcp",
		Summary: "raw byte streams over TCP and TLS, and WebSocket: connect, listen, talk",
		Schemes: []protocols.Scheme{
			{Name: "tcp", TLS: protocols.TLSNone},
			{Name: "tls", TLS: protocols.TLSImplicit},
			{Name: "ws", Port: 80, TLS: protocols.TLSNone},
			{Name: "wss", Port: 443, TLS: protocols.TLSImplicit},
		},
		RFCs:     []int{6455, 8446, 9293},
		Replaces: "socket, ssl",
		New:      func(u *url.URL, o *protocols.Options) (protocols.Client, error) { return New(u, o) },
		Path:     noPath,
	}
}

// UDP describes datagrams over UDP to the catalog.
func UDP() *protocols.Spec {
	return &protocols.Spec{
		Name:     "udp",
		Summary:  "datagrams over UDP: unicast, broadcast, multicast",
		Schemes:  []protocols.Scheme{{Name: "udp", TLS: protocols.TLSNone}},
		RFCs:     []int{768, 919, 1112, 4291},
		Replaces: "socket",
		New:      func(u *url.URL, o *protocols.Options) (protocols.Client, error) { return NewDatagram(u, o) },
		Path:     noPath,
	}
}

// UNIX describes sockets of this machine to the catalog.
func UNIX() *protocols.Spec {
	return &protocols.Spec{
		Name:     "unix",
		Summary:  "UNIX sockets: streams, datagrams, abstract names",
		Schemes:  []protocols.Scheme{{Name: "unix", TLS: protocols.TLSNone, NoHost: true}},
		RFCs:     []int{},
		Replaces: "socket",
		New:      func(u *url.URL, o *protocols.Options) (protocols.Client, error) { return New(u, o) },
		Path:     unixPath,
	}
}

// Settings is what a caller may choose before the first verb. The zero value is
// right for most.
type Settings struct {
	StartTLS string // protocol whose upgrade to TLS is made after connecting, see [StartTLSNames]
	Type     string // of a UNIX socket: stream (default), datagram or packet
	Sockopts Sockopts

	WebSocket WebSocket
}

// Messages reports whether the socket keeps the bounds of what is sent: each write is one
// message, and each read.
func (s *Settings) Messages() bool { return s.Type == "datagram" || s.Type == "packet" }

// Client is a stream to one peer. It has one connection at a time.
type Client struct {
	Settings Settings

	proto  string
	url    *url.URL
	scheme protocols.Scheme
	opts   *protocols.Options
	limits protocols.Limits
	gate   protocols.Gate

	mu   sync.Mutex // guards what Close shares with a verb
	conn *Conn      // of Talk or Get, while it is open
	line *Conn      // kept between calls of Do
}

var (
	_ protocols.Client = (*Client)(nil)
	_ protocols.Talker = (*Client)(nil)
	_ protocols.Getter = (*Client)(nil)
	_ protocols.Doer   = (*Client)(nil)
)

// New makes a client for a tcp, tls, ws, wss or unix URL. It does no I/O. A nil o means
// the defaults.
func New(u *url.URL, o *protocols.Options) (*Client, error) {
	spec := TCP()
	if u.Scheme == "unix" {
		spec = UNIX()
	}
	s, o, err := spec.Accept(u, o)
	if err != nil {
		return nil, err
	}
	return &Client{proto: spec.Name, url: u, scheme: s, opts: o, limits: o.Limits.WithDefaults()}, nil
}

// noPath: a socket address has no path.
func noPath(u *url.URL) (string, error) {
	if u.Scheme == "ws" || u.Scheme == "wss" {
		return webPath(u)
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", protocols.UsageError(u.Scheme, "", "a socket's URL ends after the port")
	}
	if u.User != nil {
		return "", protocols.UsageError(u.Scheme, "", "a socket has no user")
	}
	return "", nil
}

// unixPath returns the address of a UNIX socket: what stands after the slashes,
// so that relative paths and @names work in each form.
func unixPath(u *url.URL) (string, error) {
	path := u.Host + u.Path
	switch {
	case u.Opaque != "":
		p, err := url.PathUnescape(u.Opaque)
		if err != nil {
			return "", protocols.UsageError(u.Scheme, "", err.Error())
		}
		path = p
	case u.User != nil && u.User.Username() == "":
		path = "@" + path
	case u.User != nil:
		return "", protocols.UsageError(u.Scheme, "", "a socket has no user")
	}
	if path == "" || len(path) > maxUnixPath {
		return "", protocols.UsageError(u.Scheme, "", "the path of a UNIX socket has 1 to 107 bytes")
	}
	return path, nil
}

// maxUnixPath is what a sockaddr_un takes on Linux, with a NUL after it.
const maxUnixPath = 107

// unixNetworks are Go's names for the types of UNIX sockets.
var unixNetworks = map[string]string{"": "unix", "stream": "unix", "datagram": "unixgram", "packet": "unixpacket"}

// UnixTypes returns the types of UNIX sockets that Settings.Type takes, the
// default first.
func UnixTypes() []string { return []string{"stream", "datagram", "packet"} }

// StartTLSNames returns the protocols that Settings.StartTLS takes, sorted.
func StartTLSNames() []string {
	names := make([]string, 0, len(upgrades))
	for name := range upgrades {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Close frees the connection that is open, if any, and ends an operation in progress
// with an error of class [protocols.ErrClosed]. It may be called twice.
func (c *Client) Close() error {
	c.gate.Close()
	c.mu.Lock()
	conn, line := c.conn, c.line
	c.line = nil
	c.mu.Unlock()
	if line != nil {
		line.Close()
	}
	if conn != nil {
		return conn.Close()
	}
	return nil
}

// dialer returns a dialer with the client's options as they stand now.
func (c *Client) dialer() *transport.Dialer {
	o := *c.opts
	if c.proto == "unix" && o.Dial == nil {
		o.Dial = dialUnix(unixNetworks[c.Settings.Type])
	}
	return transport.NewDialer(c.proto, c.url, &o)
}

// wrap adds protocol, verb and URL to an error.
// op is an operation as the options' hook sees it.
func (c *Client) op(verb string) protocols.Op {
	return protocols.Op{Protocol: c.proto, Verb: verb, Host: c.url.Host}
}

func (c *Client) wrap(err error, op string) error {
	return protocols.Wrap(brokenOff(err), c.proto, op, protocols.Redact(c.url))
}

// brokenOff says what crypto/tls means by an unexpected end: somebody may have cut
// the stream.
func brokenOff(err error) error {
	if err == io.ErrUnexpectedEOF {
		return &protocols.Error{Kind: protocols.KindProtocol, Text: "the stream ended without the goodbye of TLS (close_notify): it may have been cut", Err: err}
	}
	return err
}
