package lab

import (
	"crypto/tls"
	"net"
	"sync"

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
	queue  handed
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
	s := &IMAPServer{front: f, opt: o, mail: o.Mail, queue: newHanded(f.core), subs: map[string]bool{}}
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
	s.wg.Go(func() { s.server.Serve(s.queue) })
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
	s.admit(conn, "* BYE too many clients\r\n", func() { s.queue.hand(c, c.tap) })
}
