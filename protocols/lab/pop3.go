package lab

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// POP3Options configure StartPOP3. The zero value is a plain server on a free
// loopback port with the sample mail of the default user.
type POP3Options struct {
	Addr        string     // where to listen; empty is a free loopback port
	Mail        *Mailboxes // nil is SampleMail()
	TLS         TLSMode
	Authority   *Authority       // nil with TLS makes a new one, see POP3Server.Authority
	Certificate *tls.Certificate // shown instead of the authority's

	Faults     Faults
	MaxClients int // more at a time are refused; 0 is no limit

	Mechanisms []string // of SASL; nil is SCRAM-SHA-256, CRAM-MD5, PLAIN; empty is none
	Disable    []string // commands answered with -ERR, and capabilities left out
	NoStamp    bool     // a greeting without the time stamp for APOP
	Shared     bool     // several sessions may have one maildrop open
	ExtraLines []string // raw lines at the end of every listing
	DoubleIDs  bool     // every message has the unique id "same"
	OddSizes   bool     // LIST tells one byte too few, as servers do that count line ends in their own way

	IdleTimeout time.Duration // for the next command; 0 is 5 minutes
	Greeting    string        // text of the greeting before the stamp; empty is a default

	// OnCommand, when set, sees every command line as it is received, before it is
	// carried out. It is called from the sessions' goroutines.
	OnCommand func(line string)
}

// POP3Server is a running POP3 server (RFC 1939, 2449, 2595, 3206, 5034, 6856).
type POP3Server struct {
	*core
	opt       POP3Options
	mail      *Mailboxes
	authority *Authority
	verbs     map[string]pop3Verb
	clients   atomic.Int64
	logins    atomic.Int64

	mu       sync.Mutex
	commands []string
	locked   map[string]bool // users whose maildrop is open
}

// StartPOP3 starts a server; the caller closes it.
func StartPOP3(o POP3Options) (*POP3Server, error) {
	s := &POP3Server{mail: o.Mail, authority: o.Authority, locked: map[string]bool{}}
	if o.IdleTimeout == 0 {
		o.IdleTimeout = 5 * time.Minute
	}
	if o.Greeting == "" {
		o.Greeting = "netclients lab POP3 server ready."
	}
	if o.Mechanisms == nil {
		o.Mechanisms = []string{"SCRAM-SHA-256", "CRAM-MD5", "PLAIN"}
	}
	s.opt = o
	if s.mail == nil {
		s.mail = SampleMail()
	}
	var err error
	if s.authority == nil && o.TLS != TLSNone {
		if s.authority, err = NewAuthority(); err != nil {
			return nil, err
		}
	}
	s.verbs = pop3Verbs()
	for _, v := range o.Disable {
		delete(s.verbs, strings.ToUpper(v))
	}
	if s.core, err = newCore(o.Addr, o.Faults); err != nil {
		return nil, err
	}
	s.serve(s.handle)
	return s, nil
}

// URL is "pop3://" (with implicit TLS "pop3s://") and the address.
func (s *POP3Server) URL() string {
	if s.opt.TLS == TLSImplicit {
		return "pop3s://" + s.Addr() + "/"
	}
	return "pop3://" + s.Addr() + "/"
}

// Mail is the store that the server shows the INBOXes of.
func (s *POP3Server) Mail() *Mailboxes { return s.mail }

// Authority signs the server's certificate; nil without TLS.
func (s *POP3Server) Authority() *Authority { return s.authority }

// Logins counts the successful logins.
func (s *POP3Server) Logins() int { return int(s.logins.Load()) }

// Commands lists the lines received so far on all connections in order of their
// arrival, passwords included (the first 100,000).
func (s *POP3Server) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.commands)
}

func (s *POP3Server) record(line string) {
	s.mu.Lock()
	if len(s.commands) < maxCommands {
		s.commands = append(s.commands, line)
	}
	s.mu.Unlock()
	if s.opt.OnCommand != nil {
		s.opt.OnCommand(line)
	}
}

// lockTries and lockPause: how long a login waits for a session whose client has
// hung up without a goodbye, which the server may not have noticed yet.
const lockTries, lockPause = 20, 20 * time.Millisecond

// lock takes a maildrop for a session; false means that another keeps it.
func (s *POP3Server) lock(user string) bool {
	if s.opt.Shared {
		return true
	}
	for range lockTries {
		if s.tryLock(user) {
			return true
		}
		time.Sleep(lockPause)
	}
	return false
}

func (s *POP3Server) tryLock(user string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.ToLower(user)
	if s.locked[key] {
		return false
	}
	s.locked[key] = true
	return true
}

func (s *POP3Server) unlock(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.locked, strings.ToLower(user))
}

// handle serves one connection.
func (s *POP3Server) handle(conn net.Conn) {
	defer s.clients.Add(-1)
	n := s.clients.Add(1)
	for _, limit := range []int64{int64(s.opt.MaxClients), s.faults.clients()} {
		if limit > 0 && n > limit {
			io.WriteString(conn, "-ERR [SYS/TEMP] Too many connections, please try later.\r\n")
			drain(conn)
			return
		}
	}
	newPOP3Session(s, conn).run()
}

func (s *POP3Server) tlsConfig() *tls.Config {
	c := s.authority.ServerConfig()
	if s.opt.Certificate != nil {
		c.Certificates = []tls.Certificate{*s.opt.Certificate}
	}
	return c
}

// stamp makes the time stamp of a greeting (RFC 1939 7).
func stamp() string {
	var b [8]byte
	rand.Read(b[:])
	return "<" + hex.EncodeToString(b[:]) + "@lab.localhost>"
}
