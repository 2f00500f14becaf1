// Package line is the one session of a line protocol: FTP, SMTP, POP3, IMAP and NNTP
// are tables of hooks on it.
//
// A [Client] holds the session: made by the first verb, used by one operation at a
// time, looked at before it is used again, replaced when it is lost, ended politely.
// It makes one in the same steps for all: dial, TLS from the start, greeting,
// credentials, capabilities, upgrade to TLS, login. What each step says on the wire is
// the protocol's hook; what is decided is decided here: whether TLS is used and must
// be verified (tls.go), who logs in and whether the secret may go (credential.go),
// what may lie unread when a command is sent (core.go), what of all that is said in
// errors and traces (internal/mask).
package line

import (
	"context"
	"net/url"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Session is a login on a connection. An adapter's session gets the method by
// embedding its *[Core].
type Session interface {
	comparable
	Line() *Core
}

// Dialect is what the replies of a protocol mean.
type Dialect struct {
	// Read reads one reply; nil: the session has an engine of its own (IMAP).
	Read func(lr *wire.LineReader, l protocols.Limits) (*protocols.Reply, error)
	// Refusal returns the error that a reply stands for where it is not a success.
	Refusal func(r *protocols.Reply) *protocols.Error
	// Want returns nil for a plain success, else what Refusal returns.
	Want func(r *protocols.Reply) error
	// Farewell reports whether a reply that nobody asked for ends the session.
	Farewell func(r *protocols.Reply) bool
	// Preliminary reports whether the same command has a further reply; nil: none has.
	Preliminary func(r *protocols.Reply) bool
	// Challenge reports whether a reply asks for the response to a challenge, and not for
	// a command; nil: none does, or nobody can answer one with [Core.QueueRaw].
	Challenge func(r *protocols.Reply) bool
}

// Protocol describes a protocol. Hooks that may be nil say so.
// They are called with the connection in use, and their errors need no wrapping.
type Protocol[S Session] struct {
	Name string // in errors, entries and traces
	Dialect

	// URLOf returns the URL of a name, for errors.
	URLOf func(name string) string
	// CheckName refuses a name before anything is connected; nil: all are taken.
	CheckName func(name string) error
	// Address is what to dial; nil: host and port of the URL.
	Address func() (network, host, port string, err error)
	// User splits the user of a URL into the name and the mechanism that it asks for;
	// nil: it is the name.
	User func(user string) (name, mechanism string)

	// Complete adds to who logs in what the protocol's settings say; may be nil.
	Complete func(cred *protocols.Credential)
	// Repeat runs an operation, and again where that may change its result; nil: once.
	Repeat func(operation func() error) error

	// Open makes the session on its core. It does no I/O.
	Open func(t *Core) (S, error)
	// Preface speaks before TLS and greeting; may be nil.
	Preface func(ctx context.Context, s S) error
	// Greet reads the greeting and returns its text.
	Greet func(s S) (banner string, err error)
	// Learn asks for capabilities: after the greeting, and again after an upgrade, when
	// what was known before counts no more; may be nil.
	Learn func(s S) error
	// Offers reports whether the server offers the upgrade to TLS.
	Offers func(s S) bool
	// StartTLS sends the command of the upgrade, whose name is TLSVerb. refusal is the
	// server's no.
	TLSVerb  string
	StartTLS func(s S) (refusal *protocols.Error, err error)
	// Prepare does what comes before a login; may be nil.
	Prepare func(ctx context.Context, s S) error
	// Anonymous reports whether a credential is not a secret; nil: one without password,
	// token and account is none.
	Anonymous func(c protocols.Credential) bool
	// LogIn logs in as Core.Cred says, if somebody is to.
	LogIn func(ctx context.Context, s S) error
	// Settle does what comes after the login; may be nil.
	Settle func(ctx context.Context, s S) error
	// Capabilities returns what the server says it can do, for a probe.
	Capabilities func(ctx context.Context, s S) ([]protocols.Capability, error)

	// Lives asks the server, with NOOP or the like, whether the session goes on.
	Lives func(s S) bool
	// Over reports whether the session is of no use though its connection has not
	// failed; may be nil.
	Over func(s S) bool
	// Goodbye ends the session politely. Its wait is bounded by the caller.
	Goodbye func(s S)
}

// Numeric returns a [Dialect.Read] for replies with codes.
func Numeric(style wire.Style) func(*wire.LineReader, protocols.Limits) (*protocols.Reply, error) {
	return func(lr *wire.LineReader, l protocols.Limits) (*protocols.Reply, error) {
		r, err := wire.ReadReply(lr, style, wire.Limits{Lines: l.ReplyLines, Bytes: int(l.Reply)})
		if err != nil {
			return nil, err
		}
		return &protocols.Reply{Code: r.Code, Lines: r.Lines}, nil
	}
}

func (c *Client[S]) address() (network, host, port string, err error) {
	if c.p.Address != nil {
		return c.p.Address()
	}
	host, port = protocols.HostPort(c.URL, c.Scheme)
	return "tcp", host, port, nil
}

// Server returns the host and port that a login is for.
func (c *Client[S]) Server() (host, port string) {
	_, host, port, _ = c.address() // without an error, or there would be no connection
	return host, port
}

// SetURL changes the server, before the first verb.
func (c *Client[S]) SetURL(u *url.URL) {
	c.URL, c.Dialer = u, transport.NewDialer(c.p.Name, u, c.Opts)
}
