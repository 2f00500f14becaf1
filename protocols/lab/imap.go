package lab

import (
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

// IMAPOptions configure StartIMAP. The zero value is a plain server on a free
// loopback port with the sample mail of the default user.
type IMAPOptions struct {
	Addr        string     // where to listen; empty is a free loopback port
	Mail        *Mailboxes // nil is SampleMail()
	TLS         TLSMode    // TLSRequired means: no login in clear
	Authority   *Authority // nil with TLS makes a new one, see IMAPServer.Authority
	Certificate *tls.Certificate

	Faults  Faults     // at commands and points too, but under STARTTLS those of bytes only
	Without []imap.Cap // extensions left out
	PreAuth string     // a user who is logged in without being asked
}

// IMAPServer is a running IMAP server (RFC 3501, with what RFC 9051 has taken in).
// Its sessions show the mail of a store that other servers may share.
type IMAPServer struct {
	*front
	opt    IMAPOptions
	mail   *Mailboxes
	server *imapserver.Server
	conns  chan net.Conn
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
	f, err := newFront(frontOptions{
		Addr: o.Addr, Scheme: schemeOf("imap", o.TLS == TLSImplicit), TLS: o.TLS != TLSNone, Authority: o.Authority,
		Certificate: o.Certificate, Faults: o.Faults,
	})
	if err != nil {
		return nil, err
	}
	s := &IMAPServer{front: f, opt: o, mail: o.Mail, conns: make(chan net.Conn), subs: map[string]bool{}}
	if s.mail == nil {
		s.mail = SampleMail()
	}
	caps := imap.CapSet{}
	for _, c := range imapCaps {
		caps[c] = struct{}{}
	}
	for _, c := range o.Without {
		delete(caps, c)
	}
	options := &imapserver.Options{
		NewSession: s.newSession, Caps: caps, Logger: quiet{}, InsecureAuth: o.TLS != TLSRequired,
	}
	if o.TLS == TLSExplicit || o.TLS == TLSRequired {
		options.TLSConfig = s.tlsConfig()
	}
	s.server = imapserver.New(options)
	s.wg.Go(func() { s.server.Serve(imapListener{s}) })
	s.serve(s.handle)
	return s, nil
}

// Mail is the store that the server shows.
func (s *IMAPServer) Mail() *Mailboxes { return s.mail }

// handle serves one connection.
func (s *IMAPServer) handle(conn net.Conn) {
	if s.opt.TLS == TLSImplicit {
		conn = tls.Server(conn, s.tlsConfig())
	}
	c := newIMAPTap(s, conn)
	if !c.greet() {
		return
	}
	s.admit(conn, "* BYE too many clients\r\n", func() { s.hand(c) })
}

// hand gives a connection to the library and waits for its end.
func (s *IMAPServer) hand(c *imapTap) {
	select {
	case s.conns <- c:
	case <-s.done:
		return
	}
	select {
	case <-c.closed:
		return
	case <-s.done: // core has closed the connection: the library's next read or write says so
	}
	select {
	case <-c.closed:
	case <-time.After(imapGrace):
	}
}

// imapGrace bounds how long Close waits for the library to leave a connection that
// is closed: what it does meanwhile is its own.
const imapGrace = 5 * time.Second

// imapListener gives the library the connections that core has accepted.
type imapListener struct{ s *IMAPServer }

// Accept waits for the next connection.
func (l imapListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.s.conns:
		return c, nil
	case <-l.s.done:
		return nil, net.ErrClosed
	}
}

// Close does nothing: the listener is core's.
func (l imapListener) Close() error { return nil }

// Addr is the server's address.
func (l imapListener) Addr() net.Addr { return l.s.ln.Addr() }

// quiet logs nothing: what goes wrong is what the tests are about.
type quiet struct{}

// Printf does nothing.
func (quiet) Printf(string, ...any) {}
