// Package base holds what the embedded servers for tests and demonstrations
// share. Each server runs inside the process, listens on a loopback address,
// serves content in memory and misbehaves on request:
//
//   - [Server], [ServerOptions], [Credentials]: what every server can do and takes
//   - [Faults], [ParseFaults]: the ways it goes wrong, with the grammar
//   - [Authority]: the certificates it presents
//   - [Tree]: the files that several of them serve
//
// The servers themselves are in packages of their own, by family:
//
//   - lab/ftplab: FTP
//   - lab/maillab: SMTP, submission, LMTP, POP3 and IMAP, on one store of messages
//   - lab/newslab: NNTP
//   - lab/weblab: HTTP/1.1, 2 and 3 with WebDAV, and XML-RPC
//   - lab/textlab: Telnet and Gopher
//   - lab/socklab: echo, discard, daytime and chargen over TCP, UDP and UNIX sockets; proxies (plain, SOCKS5, CONNECT)
//
// Package lab/labtest starts them in tests.
//
// The servers are not made for an open network: there are no rate limits, the
// default password is public, and TLS keys live only as long as the process.
package base

import (
	"crypto/tls"
	"time"
)

// Server is what every server and proxy of this package can do.
type Server interface {
	// URL names the server with its scheme, address and port, ending in "/".
	URL() string
	// Addr is the "host:port" it listens on.
	Addr() string
	// Close stops listening, cuts every connection and returns when all
	// goroutines of the server have ended. It is safe to call twice.
	Close() error
}

// Credentials are one user a server lets in.
type Credentials struct {
	User     string
	Password string
}

// DefaultCredentials is the user of every server whose options name no other.
func DefaultCredentials() Credentials {
	return Credentials{User: "alice", Password: "secret"}
}

// Or returns c, or d if c has no user.
func (c Credentials) Or(d Credentials) Credentials {
	if c.User == "" {
		return d
	}
	return c
}

// TLSMode says how a server uses TLS.
type TLSMode int

// The modes of TLS.
const (
	TLSNone     TLSMode = iota // no TLS
	TLSExplicit                // after AUTH TLS, STARTTLS or STLS, if the client wants it
	TLSRequired                // the same, and no login or data without it
	TLSImplicit                // from the first byte
)

// ServerOptions are the options that every server has; the options of each
// server embed them. The zero value is a plain server on a free loopback port
// for the default user.
type ServerOptions struct {
	// Addr is the address to listen on. Empty means a free loopback port; a
	// name with a slash is the path of a UNIX socket.
	Addr string

	TLS         TLSMode
	Authority   *Authority       // signs the server's certificate; nil with TLS means a new one
	Certificate *tls.Certificate // presented instead of the authority's

	User     string // who may log in; empty means DefaultCredentials
	Password string

	Faults      Faults
	MaxClients  int           // further connections are refused with the protocol's reply; 0 means no limit
	IdleTimeout time.Duration // time to wait for the next command; 0 means the server's default

	// OnCommand, if set, is called with each command line as it is received,
	// before it is carried out. Calls come from the sessions' goroutines.
	OnCommand func(line string)

	// NoRecord keeps no record of commands: a server that runs for days needs none.
	NoRecord bool

	// OnStep, if set, is called with what passes on the connections, in both
	// directions: for those who watch. Calls come from the sessions' goroutines.
	OnStep func(Step)
}

// Step is one step of a conversation with a server. Secrets are masked in it.
type Step struct {
	Time    time.Time
	Conn    int64    // number of the connection of this server, from 1
	Channel string   // "control" or "data"
	Kind    StepKind // what happened
	Text    string   // a line, at most 512 bytes of it; for others in words
	Bytes   int64    // of what is not shown as lines
}

// StepKind says what happened in a step.
type StepKind string

// The kinds of steps. The client sends, as in a transcript of its own.
const (
	StepConnect StepKind = "connect" // Text is the client's address
	StepSend    StepKind = "send"    // a line from the client
	StepRecv    StepKind = "recv"    // a line from the server
	StepUp      StepKind = "up"      // content from the client
	StepDown    StepKind = "down"    // content from the server
	StepTLS     StepKind = "tls"     // TLS begins; what can be seen within follows
	StepClose   StepKind = "close"
)
