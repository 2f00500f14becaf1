package frame

import (
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
)

// Frame is what servers have beside core: a scheme, TLS, a user, a record of commands and a count of clients.
type Frame struct {
	*Listener
	scheme      string
	authority   *base.Authority
	certificate *tls.Certificate
	User        base.Credentials
	maxClients  int
	onCommand   func(line string)
	noRecord    bool
	watch       *watch
	clients     atomic.Int64
	logins      atomic.Int64

	logMu    sync.Mutex
	commands []string
}

// New listens on o.Addr. scheme is the scheme of the server's URL without
// TLS; implicit TLS adds an "s". The server calls serve when it is ready.
func New(scheme string, o base.ServerOptions) (*Frame, error) {
	network := "tcp"
	if strings.Contains(o.Addr, "/") {
		network = "unix"
	}
	return NewOn(network, scheme, o)
}

// NewOn is New for a given network: tcp or unix.
func NewOn(network, scheme string, o base.ServerOptions) (*Frame, error) {
	f := &Frame{scheme: scheme, authority: o.Authority, certificate: o.Certificate, maxClients: o.MaxClients, onCommand: o.OnCommand, noRecord: o.NoRecord,
		User: base.Credentials{User: o.User, Password: o.Password}.Or(base.DefaultCredentials())}
	if o.TLS == base.TLSImplicit {
		f.scheme += "s"
	}
	var err error
	if f.authority == nil && o.TLS != base.TLSNone {
		if f.authority, err = base.NewAuthority(); err != nil {
			return nil, err
		}
	}
	if f.Listener, err = Listen(network, o.Addr, o.Faults); err != nil {
		return nil, err
	}
	if o.OnStep != nil {
		f.watch = newWatch(o.OnStep)
		f.Listener.watch = f.watch
	}
	return f, nil
}

// URL names the server with its scheme and address, ending in "/"; one on a UNIX
// socket with the path of that.
func (f *Frame) URL() string {
	if f.ln.Addr().Network() == "unix" {
		return f.scheme + "://" + f.Addr()
	}
	return f.scheme + "://" + f.Addr() + "/"
}

// CountLogin counts a successful login.
func (f *Frame) CountLogin() { f.logins.Add(1) }

// Face is what a server shows to its users.
type Face struct{ f *Frame }

// Face returns the server's public part.
func (f *Frame) Face() Face { return Face{f} }

// URL returns the server's scheme and address, ending in "/"; for a UNIX socket the
// scheme and the path.
func (a Face) URL() string { return a.f.URL() }

// Addr returns the "host:port" the server listens on, or the path of its socket.
func (a Face) Addr() string { return a.f.Addr() }

// Close stops listening, cuts every connection and returns when all goroutines of
// the server have ended. It is safe to call twice.
func (a Face) Close() error { return a.f.Close() }

// Connections counts the connections accepted so far, refused ones included.
func (a Face) Connections() int { return a.f.Connections() }

// Credentials returns the user the server lets in.
func (a Face) Credentials() base.Credentials { return a.f.User }

// Authority returns the signer of the server's certificate; nil without TLS.
func (a Face) Authority() *base.Authority { return a.f.authority }

// Logins counts the successful logins.
func (a Face) Logins() int { return int(a.f.logins.Load()) }

// Commands returns the lines received so far on all connections in order of their
// arrival, passwords included (the first 100,000).
func (a Face) Commands() []string {
	a.f.logMu.Lock()
	defer a.f.logMu.Unlock()
	return slices.Clone(a.f.commands)
}

// SetFaults replaces the faults of the server while it runs. Those of commands are for
// open connections too, those of byte streams for new ones.
func (a Face) SetFaults(f base.Faults) { a.f.Faults.Set(f) }

// MaxCommands bounds the record of received commands.
const MaxCommands = 100_000

// Record takes note of a received line.
func (f *Frame) Record(line string) {
	f.logMu.Lock()
	if len(f.commands) < MaxCommands && !f.noRecord {
		f.commands = append(f.commands, line)
	}
	f.logMu.Unlock()
	if f.onCommand != nil {
		f.onCommand(line)
	}
}

// TLSConfig makes the configuration of a server's side.
func (f *Frame) TLSConfig() *tls.Config {
	c := f.authority.ServerConfig()
	if f.certificate != nil {
		c.Certificates = []tls.Certificate{*f.certificate}
	}
	return c
}

// TLSState returns the state of a TLS connection; nil for another one.
func TLSState(conn net.Conn) *tls.ConnectionState {
	t, ok := AsTLS(conn)
	if !ok {
		return nil
	}
	state := t.ConnectionState()
	return &state
}

// AsTLS returns the TLS connection that conn is, watched or not.
func AsTLS(conn net.Conn) (*tls.Conn, bool) {
	if w, ok := conn.(*watched); ok {
		conn = w.Conn
	}
	t, ok := conn.(*tls.Conn)
	return t, ok
}

// Admit runs a session, unless there are too many clients: then refusal is all
// that this one gets.
func (f *Frame) Admit(conn net.Conn, refusal string, run func()) {
	defer f.clients.Add(-1)
	n := f.clients.Add(1)
	for _, limit := range []int64{int64(f.maxClients), f.Faults.clients()} {
		if limit > 0 && n > limit {
			io.WriteString(conn, refusal)
			Drain(conn)
			return
		}
	}
	run()
}

// Drain ends the outgoing direction and waits a moment for the other side's
// end, so that unread bytes do not turn the end into a reset that would take
// the last reply with it.
func Drain(conn net.Conn) {
	if h, ok := conn.(interface{ CloseWrite() error }); ok {
		h.CloseWrite()
	}
	conn.SetReadDeadline(time.Now().Add(time.Second))
	io.Copy(io.Discard, io.LimitReader(conn, 1<<20))
}

// MaxLine bounds a command line.
const MaxLine = 8 << 10

// SplitCommand is the verb in upper case and the rest.
func SplitCommand(line string) (verb, arg string) {
	verb, arg, _ = strings.Cut(line, " ")
	return strings.ToUpper(verb), arg
}

// IsHTTP reports whether the first line of a session is that of an HTTP request:
// a browser sends the form of a page, and the commands in its body are not to be
// carried out. Such a session ends at once.
func IsHTTP(line string) bool {
	words := strings.Split(line, " ")
	return len(words) == 3 && strings.HasPrefix(words[2], "HTTP/")
}

// Without returns a table of commands without those that are off, in any case.
func Without[V any](verbs map[string]V, off []string) map[string]V {
	for _, v := range off {
		delete(verbs, strings.ToUpper(v))
	}
	return verbs
}
