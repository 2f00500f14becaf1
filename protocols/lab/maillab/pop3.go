package maillab

import (
	"net"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// POP3Options configure StartPOP3. The zero value is a plain server on a free
// loopback port with the sample mail of the default user.
type POP3Options struct {
	base.ServerOptions
	Mail *Mailboxes // nil is Sample()

	Mechanisms []string // of SASL; nil is SCRAM-SHA-256, CRAM-MD5, PLAIN; empty is none
	Disable    []string // commands answered with -ERR, and capabilities left out
	NoStamp    bool     // a greeting without the time stamp for APOP
	Shared     bool     // several sessions may have one maildrop open
	ExtraLines []string // raw lines at the end of every listing
	DoubleIDs  bool     // every message has the unique id "same"
	OddSizes   bool     // LIST reports one byte too few, like servers that count line ends differently
	Greeting   string   // text of the greeting before the stamp; empty is a default
}

// POP3Server is a running POP3 server (RFC 1939, 2449, 2595, 3206, 5034, 6856).
type POP3Server struct {
	frame.Face
	front *frame.Frame
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
	o.Mail = mailOf(o.Mail, o.ServerOptions)
	if o.Mechanisms == nil {
		o.Mechanisms = mechanisms(o.Mail, "SCRAM-SHA-256", "CRAM-MD5", "PLAIN")
	}
	o.NoStamp = o.NoStamp || o.Mail.open
	f, err := frame.New("pop3", o.ServerOptions)
	if err != nil {
		return nil, err
	}
	s := &POP3Server{Face: f.Face(), front: f, opt: o, mail: o.Mail, verbs: frame.Without(pop3Verbs(), o.Disable), locked: map[string]bool{}}
	s.front.Serve(s.handle)
	return s, nil
}

// Mail returns the store that the server shows the INBOXes of.
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
	s.front.Admit(conn, "-ERR [SYS/TEMP] Too many connections, please try later.\r\n", newPOP3Session(s, conn).run)
}
