package protocols

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Options is what a client is made with. Nil and the zero value are safe
// defaults: TLS verified and used when offered, all timeouts on, no secrets sent
// unencrypted, the system's resolver, no proxy. A client reads it, never writes it;
// many clients may share one.
type Options struct {
	// Security
	TLS                TLS
	AllowPlaintextAuth bool // a secret may go to a remote host without TLS
	Credentials        func(ctx context.Context, r CredentialRequest) (Credential, error)
	// Named returns the credentials that the user named for the server of the URL, in the
	// URL or beside it. HTTP sends them with the first request where nobody can read them;
	// others wait until the server asks. It asks nobody and looks nothing up. Nil: those
	// in the URL where Credentials is nil too, else none.
	Named      func(ctx context.Context, r CredentialRequest) (Credential, error)
	Mechanism  string // authentication mechanism to use, and no other; empty: strongest offered
	ProbeLogin bool   // Probe logs in too

	// Time. Zero means the default; negative means none. A deadline for the
	// whole operation is the context's.
	ConnectTimeout time.Duration // name, connect, proxy and TLS; default 15 s
	IdleTimeout    time.Duration // without a byte moving; default 60 s
	RestTime       time.Duration // a kept session that rested longer is asked whether it lives; default 15 s
	Limits         Limits

	// Network
	Proxy func(target *url.URL) (*url.URL, error) // nil or a nil URL: direct
	// PreProxy is a SOCKS proxy through which Proxy itself is reached; nil: directly.
	PreProxy *url.URL
	// ProxyHeader is sent to HTTP proxies: with CONNECT, and with requests that they take
	// whole. It never reaches the server through a tunnel. A field replaces one of ours.
	ProxyHeader map[string][]string

	Bind      string            // local address: IP, IP:port or interface name
	Family    int               // 4, 6, or 0 for both
	Resolve   map[string]string // "host:port" to "address", or several with commas between: as --resolve
	ConnectTo map[string]string // "host:port" to "host:port": as --connect-to
	Resolver  Resolver          // nil: the system's
	Limiter   Limiter           // paces what is read and written; nil: no limit
	// Dial makes connections in the place of the system: errors.ErrUnsupported
	// leaves one to the system after all. Names are not resolved before.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Guard, when set, decides over the connections of the client. Nil: all are allowed.
	Guard Guard

	// Observation
	Trace func(Event)       // called from many goroutines; must not block
	Warn  func(text string) // as Trace, for what the user should know, such as a server that is not verified
	Stats *Stats            // nil: not counted
	// Observe is called once when an operation begins: by a function of this package, such
	// as [Get], by transfers and pools, and by a method of an adapter's own client, such as
	// Get or Connect. Of local files and mailboxes only clients of [Target.Open] or a
	// catalog are seen, and so are probes. The operation runs with the context that it returns, nil for the same one,
	// and calls what else it returns, once and with its error, when it is over: when a
	// body was closed, when a loop has ended. It is called from many goroutines. For
	// other clients there is the function [Observe].
	Observe func(ctx context.Context, op Op) (context.Context, func(error))

	// Wait: an operation waits, under its context, for the one that is going on with the
	// same client, instead of failing with ErrBusy. See [Serial].
	Wait bool

	// Memory is what clients have learned about servers; clients that share it need
	// not learn it again. Nil: each client remembers for itself.
	Memory *Memory
}

// Guard decides over connections for somebody who may lose the right to use them, such
// as the holder of a lease. Its methods are called from many goroutines.
type Guard interface {
	// Admit waits until a connection to a server may be opened, at most until ctx ends.
	// FTP's data connections belong to their control connection and are not asked for.
	// release is called once, when the connection is closed or could not be made.
	Admit(ctx context.Context, host, port string) (release func(), err error)
	// Alive is called before each write to a connection and after each read from one. Its
	// error ends the connection, and is that of the read or write.
	Alive() error
}

// Resolver finds the addresses of a host; *net.Resolver is one. network is "ip", "ip4" or
// "ip6". It is not asked for hosts that Resolve has, that are addresses already, or that a
// proxy or Dial resolves.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Limiter paces bytes. Clients that share one share its rate.
type Limiter interface {
	// Wait blocks until n more bytes may move, or the context ends.
	Wait(ctx context.Context, n int) error
	// Burst is the most bytes to ask for at once.
	Burst() int
}

// TLSMode says when TLS is used on a scheme that does not start with it.
type TLSMode int

// The TLS modes of --tls.
const (
	TLSAuto    TLSMode = iota // upgrade when the server offers it
	TLSRequire                // upgrade or fail
	TLSOff                    // never upgrade
)

// TLS configures TLS. Verification is on unless Config says otherwise.
type TLS struct {
	Mode       TLSMode
	Config     *tls.Config // base; cloned, never written. Nil: the system's roots, TLS 1.2 or later
	ServerName string      // name to verify in place of the host
	Pins       [][]byte    // SHA-256 of an accepted certificate or public key; any match will do
}

// Default timeouts.
const (
	DefaultConnectTimeout = 15 * time.Second
	DefaultIdleTimeout    = 60 * time.Second
	DefaultRestTime       = 15 * time.Second
)

// ConnectWithin returns the time to connect, or 0 for no limit. A nil o is all defaults.
func (o *Options) ConnectWithin() time.Duration {
	if o == nil {
		return DefaultConnectTimeout
	}
	return timeout(o.ConnectTimeout, DefaultConnectTimeout)
}

// IdleWithin returns the longest silence, or 0 for no limit. A nil o is all defaults.
func (o *Options) IdleWithin() time.Duration {
	if o == nil {
		return DefaultIdleTimeout
	}
	return timeout(o.IdleTimeout, DefaultIdleTimeout)
}

// RestWithin returns how long a session may rest before it is asked whether it
// lives, or 0 when it never is. A nil o is all defaults.
func (o *Options) RestWithin() time.Duration {
	if o == nil {
		return DefaultRestTime
	}
	return timeout(o.RestTime, DefaultRestTime)
}

func timeout(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return max(d, 0)
}

// CredentialRequest says for whom a secret is wanted.
type CredentialRequest struct {
	Protocol string
	Scheme   string
	Host     string
	Port     string
	User     string // as the URL names it; may be empty
	Proxy    bool   // for a proxy, not for the server
}

// Credential is a user and secret. Token is for bearer mechanisms. An empty User
// means that nothing is known: anonymous where the protocol has that.
type Credential struct {
	User     string
	Password string
	Account  string // FTP ACCT
	Token    string
	Expires  time.Time // when the token ends; zero: not known, or never
	AuthzID  string
	Empty    bool // the password is known to be empty; without this an empty Password is none
}

// HasPassword reports whether the password is known. Where it is not, no empty one
// is sent in its place.
func (c *Credential) HasPassword() bool { return c.Password != "" || c.Empty }

// URLCredential returns the user and password that a URL holds.
func URLCredential(u *url.URL) Credential {
	password, has := u.User.Password()
	return Credential{User: u.User.Username(), Password: password, Empty: has && password == ""}
}

// NoPasswordError is the error of a login for which only the user is known, of kind
// [KindAuth].
func NoPasswordError(user string) *Error {
	return &Error{
		Op: "login", Kind: KindAuth, Text: "no password is known for " + user,
		Hint: "--password-command or --password-file, the keyring or ~/.netrc; user:@ in the URL stands for an empty one",
	}
}

// Memory holds facts that clients have learned about servers, such as that one
// answers only one command at a time. Clients that share a Memory learn from each
// other. Its zero value is ready for use, by many goroutines.
type Memory struct{ facts sync.Map }

type memoryKey struct{ server, fact string }

// Note records a fact about a server.
func (m *Memory) Note(server, fact string) { m.facts.Store(memoryKey{server, fact}, true) }

// Knows reports whether the fact was recorded about the server.
func (m *Memory) Knows(server, fact string) bool {
	_, ok := m.facts.Load(memoryKey{server, fact})
	return ok
}

// Stats counts, for progress and for numbering connections. Readers poll it.
type Stats struct {
	Read, Written atomic.Int64 // bytes of all connections
	Conns         atomic.Int64 // connections opened
}

// Limits bounds what a server may make a client hold. A zero field is its
// default; passing a limit is an error of kind Protocol.
type Limits struct {
	Line         int64 // bytes of one line of a reply or listing; default 64 KiB
	Reply        int64 // bytes of one reply; default 1 MiB
	ReplyLines   int   // lines of one reply; default 10,000
	Header       int64 // bytes of a header; default 1 MiB
	Literal      int64 // bytes of a literal outside of content; default 64 KiB
	Depth        int   // nesting of parsed structures and of folders; default 100
	Decompressed int64 // bytes that encoded content may decode to; default 16 GiB
}

// WithDefaults returns the limits with each zero field at its default.
func (l Limits) WithDefaults() Limits {
	l.Line = orDefault(l.Line, 64<<10)
	l.Reply = orDefault(l.Reply, 1<<20)
	l.ReplyLines = orDefault(l.ReplyLines, 10_000)
	l.Header = orDefault(l.Header, 1<<20)
	l.Literal = orDefault(l.Literal, 64<<10)
	l.Depth = orDefault(l.Depth, 100)
	l.Decompressed = orDefault(l.Decompressed, 16<<30)
	return l
}

func orDefault[N int | int64](n, def N) N {
	if n > 0 {
		return n
	}
	return def
}
