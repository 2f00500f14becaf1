// Package smtp is a client of SMTP and LMTP: RFC 5321, 6409 (submission), 8314
// (TLS from the start) and 2033 (LMTP), with the extensions of RFC 1652 and 6152
// (8BITMIME), 1870 (SIZE), 1985 (ETRN), 2034 and 3463 (enhanced codes), 2852
// (DELIVERBY), 2920 (PIPELINING), 3030 (CHUNKING, BINARYMIME), 3207 (STARTTLS),
// 3461 (DSN), 4954 (AUTH), 6531 (SMTPUTF8), 6710 (MT-PRIORITY), 7505 (null MX)
// and 8689 (REQUIRETLS).
//
// # URLs
//
// smtp://user@host:25, submission://host:587 (STARTTLS when offered),
// smtps://host:465 (TLS from the start), lmtp://host:24, lmtp:///path/to/socket.
// A path after the host is the name to greet with.
//
// # Sending
//
// [Client.Send] sends one message, [Client.SendAll] many on one connection. The
// commands of a message go out together, and with those of the messages before
// and after it, as far as the server allows: with CHUNKING several whole
// messages are under way at once, without it one round trip a message is left.
//
// A message is given to a server at most once. Where a connection is lost after
// the last byte of a message and before the answer, nobody knows what became of
// it, and the error is of class [ErrUnknown] (RFC 1047).
//
// # Verbs
//
// A [Client] is a Sender and a Doer, and has methods of its own: Verify, Expand,
// Noop, Reset, Help, Etrn, Until.
package smtp

import (
	"errors"
	"net/url"
	"strings"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// proto is the name in errors and traces.
const proto = "smtp"

// ErrUnknown is the class of an error that leaves open whether the server has
// taken a message: it must not be sent again without a person's decision.
var ErrUnknown = errors.New("unknown whether the message was accepted")

// Spec describes the adapter to the catalog.
func Spec() *protocols.Spec {
	return &protocols.Spec{
		Name:    proto,
		Summary: "mail to SMTP, submission and LMTP servers",
		Schemes: []protocols.Scheme{
			{Name: "smtp", Port: 25, TLS: protocols.TLSUpgrade},
			{Name: "submission", Port: 587, TLS: protocols.TLSUpgrade},
			{Name: "smtps", Port: 465, TLS: protocols.TLSImplicit},
			{Name: "lmtp", Port: 24, TLS: protocols.TLSUpgrade, NoHost: true},
		},
		RFCs:     []int{1870, 1985, 2033, 2034, 2852, 2920, 3030, 3207, 3461, 4954, 5321, 6152, 6409, 6531, 6710, 7505, 7672, 8314, 8461, 8689},
		Replaces: "smtplib, email",
		New:      func(u *url.URL, o *protocols.Options) (protocols.Client, error) { return New(u, o) },
		Path:     pathOf,
	}
}

// Newlines says what becomes of bare CR and LF in a message.
type Newlines = wire.LineEnds

// The choices of Newlines. There is none that lets them out: what one server
// takes for a line end and another does not makes two messages of one
// (CVE-2023-51764).
const (
	Normalize = wire.Normalize // they become CRLF
	Refuse    = wire.Refuse    // the message is refused
)

// Chunking says when content goes by BDAT (RFC 3030) and not by DATA.
type Chunking int

// The choices of Chunking.
const (
	ChunkAuto  Chunking = iota // when the server has CHUNKING and PIPELINING
	ChunkNever                 // only for BINARYMIME
)

// Settings is what a caller may choose before the first verb. The zero value is
// right for most servers.
type Settings struct {
	Hello        string   // name to greet with; empty: the address of this end
	Newlines     Newlines // of messages; the default makes them CRLF
	Chunking     Chunking
	NoPipelining bool              // wait for each reply
	NoInitial    bool              // AUTH without initial response
	AllOrNone    bool              // a message goes to all of its recipients or to none
	ProxyHeader  string            // PROXY protocol line to begin with, for tests of a server
	ProxyBinary  bool              // the same in the protocol's second version
	XClient      map[string]string // attributes for XCLIENT, for tests of a server
	IgnoreSize   bool              // offer even what is larger than the server says it takes
}

// Client is a connection to one server, made by the first verb. It does one
// operation at a time.
type Client struct {
	Settings Settings

	line *line.Client[*session]
}

var (
	_ protocols.Client = (*Client)(nil)
	_ protocols.Sender = (*Client)(nil)
	_ protocols.Doer   = (*Client)(nil)
)

// New makes a client for the server of u. It does no I/O. A nil o means the
// defaults.
func New(u *url.URL, o *protocols.Options) (*Client, error) {
	s, o, err := Spec().Accept(u, o)
	if err != nil {
		return nil, err
	}
	if u.Host == "" && (s.Name != "lmtp" || len(u.Path) < 2) {
		return nil, protocols.UsageError(proto, "", "the URL names no host")
	}
	c := &Client{}
	c.line = line.New(c.protocol(), u, s, o)
	if u.Host != "" {
		c.Settings.Hello = strings.Trim(u.Path, "/")
	}
	return c, nil
}

// pathOf checks a URL of mail: it points at a server and at nothing on it.
func pathOf(u *url.URL) (string, error) {
	if u.RawQuery != "" || u.Fragment != "" {
		return "", protocols.UsageError(proto, "", "a "+u.Scheme+" URL has neither query nor fragment")
	}
	if u.Host != "" && strings.Contains(strings.Trim(u.Path, "/"), "/") {
		return "", protocols.UsageError(proto, "", "the path of a "+u.Scheme+" URL is a name to greet with, and holds no slash")
	}
	return "", nil
}

// lmtp reports whether the server speaks LMTP.
func (c *Client) lmtp() bool { return c.line.Scheme.Name == "lmtp" }

// address returns network, host and port to dial.
func (c *Client) address() (network, host, port string, err error) {
	if c.line.URL.Host == "" {
		return "unix", c.line.URL.Path, "", nil
	}
	host, port = protocols.HostPort(c.line.URL, c.line.Scheme)
	return "tcp", host, port, nil
}

// wrap adds the verb and the URL to an error.
func (c *Client) wrap(err error, op string) error { return c.line.Wrap(err, op, "") }
