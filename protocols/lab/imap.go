package lab

import (
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"

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

	Faults  Faults     // those of bytes and connections; the others need a server of lines
	Without []imap.Cap // extensions left out
	PreAuth string     // a user who is logged in without being asked
}

// IMAPServer is a running IMAP server (RFC 3501, with what RFC 9051 has taken in).
// Its sessions show the mail of a store that other servers may share.
type IMAPServer struct {
	*core
	opt       IMAPOptions
	mail      *Mailboxes
	authority *Authority
	server    *imapserver.Server
	conns     chan net.Conn
	logins    atomic.Int64
	mu        sync.Mutex
	subs      map[string]bool // user, NUL, mailbox
}

// imapCaps are what the server can do.
var imapCaps = []imap.Cap{
	imap.CapIMAP4rev1, imap.CapNamespace, imap.CapUIDPlus, imap.CapESearch, imap.CapListExtended, imap.CapListStatus,
	imap.CapMove, imap.CapStatusSize, imap.CapUnselect, imap.CapLiteralPlus, imap.CapSASLIR, imap.CapEnable, imap.CapIdle,
}

// StartIMAP starts a server; the caller closes it.
func StartIMAP(o IMAPOptions) (*IMAPServer, error) {
	s := &IMAPServer{opt: o, mail: o.Mail, authority: o.Authority, conns: make(chan net.Conn), subs: map[string]bool{}}
	if s.mail == nil {
		s.mail = SampleMail()
	}
	var err error
	if s.authority == nil && o.TLS != TLSNone {
		if s.authority, err = NewAuthority(); err != nil {
			return nil, err
		}
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
	if s.core, err = newCore(o.Addr, o.Faults); err != nil {
		return nil, err
	}
	s.wg.Go(func() { s.server.Serve(imapListener{s}) })
	s.serve(s.handle)
	return s, nil
}

// URL is "imap://" (with implicit TLS "imaps://") and the address.
func (s *IMAPServer) URL() string {
	if s.opt.TLS == TLSImplicit {
		return "imaps://" + s.Addr() + "/"
	}
	return "imap://" + s.Addr() + "/"
}

// Mail is the store that the server shows.
func (s *IMAPServer) Mail() *Mailboxes { return s.mail }

// Authority signs the server's certificate; nil without TLS.
func (s *IMAPServer) Authority() *Authority { return s.authority }

// Logins counts the successful logins.
func (s *IMAPServer) Logins() int { return int(s.logins.Load()) }

func (s *IMAPServer) tlsConfig() *tls.Config {
	c := s.authority.ServerConfig()
	if s.opt.Certificate != nil {
		c.Certificates = []tls.Certificate{*s.opt.Certificate}
	}
	return c
}

// handle hands a connection to the library and waits for its end.
func (s *IMAPServer) handle(conn net.Conn) {
	if s.opt.TLS == TLSImplicit {
		conn = tls.Server(conn, s.tlsConfig())
	}
	c := &closing{Conn: conn, closed: make(chan struct{})}
	select {
	case s.conns <- c:
		<-c.closed
	case <-s.done:
	}
}

// closing tells when a connection has been closed.
type closing struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

// Close closes the connection.
func (c *closing) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { close(c.closed) })
	return err
}

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
