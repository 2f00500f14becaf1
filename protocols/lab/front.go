package lab

import (
	"crypto/tls"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// front is what servers have beside core: a scheme, TLS, a user, a record of what
// they are told and a count of clients.
type front struct {
	*core
	scheme      string
	authority   *Authority
	certificate *tls.Certificate
	user        Credentials
	maxClients  int
	onCommand   func(line string)
	clients     atomic.Int64
	logins      atomic.Int64

	logMu    sync.Mutex
	commands []string
}

// frontOptions are those of the servers' options that are the same for all.
type frontOptions struct {
	Addr           string
	Scheme         string // with TLS from the first byte, as "ftps"
	TLS            bool   // an authority is needed
	Authority      *Authority
	Certificate    *tls.Certificate
	User, Password string
	MaxClients     int
	OnCommand      func(line string)
	Faults         Faults
}

// newFront listens; the server serves when the rest of it is ready.
func newFront(o frontOptions) (*front, error) {
	f := &front{scheme: o.Scheme, authority: o.Authority, certificate: o.Certificate, maxClients: o.MaxClients, onCommand: o.OnCommand,
		user: Credentials{o.User, o.Password}.or(DefaultCredentials())}
	var err error
	if f.authority == nil && o.TLS {
		if f.authority, err = NewAuthority(); err != nil {
			return nil, err
		}
	}
	f.core, err = newCore(o.Addr, o.Faults)
	return f, err
}

// schemeOf returns the scheme of a server's URL.
func schemeOf(name string, implicit bool) string {
	if implicit {
		return name + "s"
	}
	return name
}

// URL names the server with its scheme and address, ending in "/"; one on a UNIX
// socket with the path of that.
func (f *front) URL() string {
	if f.ln.Addr().Network() == "unix" {
		return f.scheme + "://" + f.Addr()
	}
	return f.scheme + "://" + f.Addr() + "/"
}

// Credentials is the user the server lets in.
func (f *front) Credentials() Credentials { return f.user }

// Authority signs the server's certificate; nil without TLS.
func (f *front) Authority() *Authority { return f.authority }

// Logins counts the successful logins.
func (f *front) Logins() int { return int(f.logins.Load()) }

// maxCommands bounds the record of received commands.
const maxCommands = 100_000

// Commands lists the lines received so far on all connections in order of their
// arrival, passwords included (the first 100,000).
func (f *front) Commands() []string {
	f.logMu.Lock()
	defer f.logMu.Unlock()
	return slices.Clone(f.commands)
}

// record takes note of a received line.
func (f *front) record(line string) {
	f.logMu.Lock()
	if len(f.commands) < maxCommands {
		f.commands = append(f.commands, line)
	}
	f.logMu.Unlock()
	if f.onCommand != nil {
		f.onCommand(line)
	}
}

// tlsConfig makes the configuration of a server's side.
func (f *front) tlsConfig() *tls.Config {
	c := f.authority.ServerConfig()
	if f.certificate != nil {
		c.Certificates = []tls.Certificate{*f.certificate}
	}
	return c
}

// admit runs a session, unless there are too many clients: then refusal is all
// that this one gets.
func (f *front) admit(conn net.Conn, refusal string, run func()) {
	defer f.clients.Add(-1)
	n := f.clients.Add(1)
	for _, limit := range []int64{int64(f.maxClients), f.faults.clients()} {
		if limit > 0 && n > limit {
			io.WriteString(conn, refusal)
			drain(conn)
			return
		}
	}
	run()
}

// drain ends the outgoing direction and waits a moment for the other side's
// end, so that unread bytes do not turn the end into a reset that would take
// the last reply with it.
func drain(conn net.Conn) {
	if h, ok := conn.(interface{ CloseWrite() error }); ok {
		h.CloseWrite()
	}
	conn.SetReadDeadline(time.Now().Add(time.Second))
	io.Copy(io.Discard, io.LimitReader(conn, 1<<20))
}

// without returns a table of commands without those that are off, in any case.
func without[V any](verbs map[string]V, off []string) map[string]V {
	for _, v := range off {
		delete(verbs, strings.ToUpper(v))
	}
	return verbs
}
