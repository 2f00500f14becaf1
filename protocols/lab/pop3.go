package lab

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"net"
	"strings"
	"sync"
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
	*front
	opt   POP3Options
	mail  *Mailboxes
	verbs map[string]pop3Verb

	mu     sync.Mutex
	locked map[string]bool // users whose maildrop is open
}

// StartPOP3 starts a server; the caller closes it.
func StartPOP3(o POP3Options) (*POP3Server, error) {
	if o.IdleTimeout == 0 {
		o.IdleTimeout = 5 * time.Minute
	}
	if o.Greeting == "" {
		o.Greeting = "netclients lab POP3 server ready."
	}
	if o.Mechanisms == nil {
		o.Mechanisms = []string{"SCRAM-SHA-256", "CRAM-MD5", "PLAIN"}
	}
	if o.Mail == nil {
		o.Mail = SampleMail()
	}
	f, err := newFront(frontOptions{
		Addr: o.Addr, Scheme: schemeOf("pop3", o.TLS == TLSImplicit), TLS: o.TLS != TLSNone, Authority: o.Authority, Certificate: o.Certificate,
		MaxClients: o.MaxClients, OnCommand: o.OnCommand, Faults: o.Faults,
	})
	if err != nil {
		return nil, err
	}
	s := &POP3Server{front: f, opt: o, mail: o.Mail, verbs: without(pop3Verbs(), o.Disable), locked: map[string]bool{}}
	s.serve(s.handle)
	return s, nil
}

// Mail is the store that the server shows the INBOXes of.
func (s *POP3Server) Mail() *Mailboxes { return s.mail }

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
	s.admit(conn, "-ERR [SYS/TEMP] Too many connections, please try later.\r\n", newPOP3Session(s, conn).run)
}

// stamp makes the time stamp of a greeting (RFC 1939 7).
func stamp() string {
	var b [8]byte
	rand.Read(b[:])
	return "<" + hex.EncodeToString(b[:]) + "@lab.localhost>"
}
