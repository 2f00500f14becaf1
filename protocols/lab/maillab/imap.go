package maillab

import (
	"crypto/tls"
	"net"
	"strings"
	"sync"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// IMAPOptions configure StartIMAP. The zero value is a plain server on a free
// loopback port with the sample mail of the default user.
type IMAPOptions struct {
	base.ServerOptions            // Faults at commands and points too
	Mail               *Mailboxes // nil is Sample()
	Mechanisms         []string   // of SASL; nil is PLAIN
	Disable            []string   // capabilities left out
	PreAuth            string     // a user who is logged in without being asked
}

// IMAPServer is a running IMAP server (RFC 3501, with what RFC 9051 has taken in).
// Its sessions show the mail of a store that other servers may share.
type IMAPServer struct {
	frame.Face
	front  *frame.Frame
	opt    IMAPOptions
	mail   *Mailboxes
	queue  frame.Handed
	secure *frame.Handed // for connections on which STARTTLS is done; nil: there is no STARTTLS
	mu     sync.Mutex
	subs   map[string]bool // user, NUL, mailbox
}

// imapCaps are what the server can do.
var imapCaps = []imap.Cap{
	imap.CapIMAP4rev1, imap.CapNamespace, imap.CapUIDPlus, imap.CapESearch, imap.CapListExtended, imap.CapListStatus,
	imap.CapMove, imap.CapStatusSize, imap.CapUnselect, imap.CapLiteralPlus, imap.CapSASLIR, imap.CapEnable, imap.CapIdle,
}

// StartIMAP starts a server; the caller closes it.
func StartIMAP(o IMAPOptions) (*IMAPServer, error) {
	f, err := frame.New("imap", o.ServerOptions)
	if err != nil {
		return nil, err
	}
	s := &IMAPServer{Face: f.Face(), front: f, opt: o, mail: mailOf(o.Mail, o.ServerOptions), queue: frame.NewHanded(f.Listener), subs: map[string]bool{}}
	if o.Mechanisms == nil {
		s.opt.Mechanisms = []string{"PLAIN"}
	}
	caps := imap.CapSet{}
	for _, c := range imapCaps {
		caps[c] = struct{}{}
	}
	for _, c := range o.Disable {
		delete(caps, imap.Cap(strings.ToUpper(c)))
	}
	options := imapserver.Options{NewSession: s.newSession, Caps: caps, Logger: frame.Quiet{}, InsecureAuth: o.TLS != base.TLSRequired}
	if o.TLS == base.TLSExplicit || o.TLS == base.TLSRequired {
		s.serveSecure(options)
		options.TLSConfig = s.front.TLSConfig()
	}
	server := imapserver.New(&options)
	s.front.Go(func() { server.Serve(s.queue) })
	s.front.Serve(s.handle)
	return s, nil
}

// serveSecure starts the library's server for connections on which STARTTLS is done. TLS
// is the tap's, so that faults and those who watch see what passes within; the library
// offers logins without TLS or not, and that once for all of its connections.
func (s *IMAPServer) serveSecure(options imapserver.Options) {
	queue := frame.NewHanded(s.front.Listener)
	s.secure = &queue
	options.InsecureAuth = true
	server := imapserver.New(&options)
	s.front.Go(func() { server.Serve(queue) })
}

// Mail returns the store that the server shows.
func (s *IMAPServer) Mail() *Mailboxes { return s.mail }

// handle serves one connection.
func (s *IMAPServer) handle(conn net.Conn) {
	if s.opt.TLS == base.TLSImplicit {
		conn = s.front.Over(tls.Server(conn, s.front.TLSConfig()))
	}
	c := newIMAPTap(s, conn)
	if !c.greet() {
		return
	}
	s.front.Admit(conn, "* BYE too many clients\r\n", func() { s.converse(c) })
}

// converse hands a connection to the library, and another time when STARTTLS is done.
func (s *IMAPServer) converse(c *imapTap) {
	s.queue.Hand(c, c.Tap)
	if !c.upgrade {
		return
	}
	if inner := c.startTLS(); inner != nil {
		s.secure.Hand(inner, inner.Tap)
	}
}
