package maillab

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"

	gosmtp "github.com/emersion/go-smtp"
)

// SMTPOptions configure StartSMTP. The zero value is a plain SMTP server on a free
// loopback port that delivers to the default user.
type SMTPOptions struct {
	base.ServerOptions
	Mail       *Mailboxes      // where mail goes; nil is Sample()
	LMTP       bool            // LMTP: one reply for each recipient
	Submission bool            // mail is taken only after a login
	ClientCAs  *base.Authority // client certificates of it may log in with EXTERNAL

	MaxBytes   int64    // of one message; 0 is 64 MiB
	MaxRcpt    int      // recipients of one message; 0 is 1000
	Mechanisms []string // of SASL; nil is SCRAM-SHA-256-PLUS (under TLS 1.3), SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5, PLAIN, LOGIN, XOAUTH2, OAUTHBEARER; empty is none
	Disable    []string // EHLO keywords that are left out
	Discard    bool     // mail to anybody is taken and thrown away
}

// SMTPServer is a running SMTP, submission or LMTP server: that of go-smtp behind a
// [smtpTap], with faults, STARTTLS, VRFY, EXPN, HELP and ETRN, and delivery into
// [Mailboxes].
type SMTPServer struct {
	frame.Face
	front    *frame.Frame
	opt      SMTPOptions
	mail     *Mailboxes
	server   *gosmtp.Server
	queue    frame.Handed
	received atomic.Int64
}

// StartSMTP starts a server; the caller closes it.
func StartSMTP(o SMTPOptions) (*SMTPServer, error) {
	o.Mail = mailOf(o.Mail, o.ServerOptions)
	if o.Mechanisms == nil {
		o.Mechanisms = mechanisms(o.Mail, "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER")
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 64 << 20
	}
	if o.IdleTimeout == 0 {
		o.IdleTimeout = 5 * time.Minute
	}
	if o.MaxRcpt == 0 {
		o.MaxRcpt = 1000
	}
	f, err := frame.New(o.scheme(), o.ServerOptions)
	if err != nil {
		return nil, err
	}
	s := &SMTPServer{Face: f.Face(), front: f, opt: o, mail: o.Mail, queue: frame.NewHanded(f.Listener)}
	s.server = s.newServer()
	s.front.Serve(s.handle)
	s.front.Go(func() { s.server.Serve(s.queue) })
	return s, nil
}

// scheme is that of the server's URL, without TLS.
func (o *SMTPOptions) scheme() string {
	switch {
	case o.LMTP:
		return "lmtp"
	case o.Submission && o.TLS != base.TLSImplicit:
		return "submission"
	}
	return "smtp"
}

// newServer sets go-smtp up with all it can do.
func (s *SMTPServer) newServer() *gosmtp.Server {
	g := gosmtp.NewServer(gosmtp.BackendFunc(s.session))
	g.Domain, g.LMTP = "lab.localhost", s.opt.LMTP
	g.MaxMessageBytes, g.MaxRecipients, g.MaxLineLength = s.opt.MaxBytes, s.opt.MaxRcpt, 16<<10
	g.ReadTimeout, g.WriteTimeout = s.opt.IdleTimeout, time.Minute
	g.AllowInsecureAuth = true
	g.EnableSMTPUTF8, g.EnableBINARYMIME, g.EnableDSN = s.on("SMTPUTF8"), s.on("BINARYMIME"), s.on("DSN")
	g.ErrorLog = frame.Quiet{}
	return g
}

func (s *SMTPServer) on(keyword string) bool {
	for _, d := range s.opt.Disable {
		if strings.EqualFold(d, keyword) {
			return false
		}
	}
	return true
}

func (s *SMTPServer) tlsConfig() *tls.Config {
	c := s.front.TLSConfig()
	if s.opt.ClientCAs != nil {
		c.ClientAuth, c.ClientCAs = tls.VerifyClientCertIfGiven, s.opt.ClientCAs.Pool()
	}
	return c
}

// Mail returns the store that the server delivers to.
func (s *SMTPServer) Mail() *Mailboxes { return s.mail }

// Received counts the messages taken so far.
func (s *SMTPServer) Received() int { return int(s.received.Load()) }

// Close stops listening, cuts every connection and returns when all goroutines of
// the server have ended. It is safe to call twice.
func (s *SMTPServer) Close() error {
	err := s.front.Cut() // first of all: the library says goodbye under its lock
	s.server.Close()
	s.front.Wait()
	return err
}

// handle brings a connection to go-smtp and waits for its end.
func (s *SMTPServer) handle(conn net.Conn) {
	t := newSMTPTap(s, conn)
	if s.opt.TLS == base.TLSImplicit {
		if f, ok := s.front.Faults.Verb(base.PointTLS); ok && !t.play(f) {
			return
		}
		t.secure(conn)
	}
	s.front.Admit(t.Conn, "421 4.7.0 Too many connections.\r\n", func() {
		if f, ok := s.front.Faults.Verb(base.PointGreeting); ok {
			t.play(f)
			return
		}
		s.queue.Hand(t, t.Tap)
	})
}

// smtpSession is a session in go-smtp's terms.
type smtpSession struct {
	s    *SMTPServer
	c    *gosmtp.Conn
	user string
	from string
	to   []string // addresses, or empty when mail is thrown away
}

func (s *SMTPServer) session(c *gosmtp.Conn) (gosmtp.Session, error) {
	return &smtpSession{s: s, c: c}, nil
}

// tap is the connection below.
func (x *smtpSession) tap() *smtpTap { return x.c.Conn().(*smtpTap) }

// Reset forgets the recipients.
func (x *smtpSession) Reset() { x.to = nil }

// Logout has nothing to free.
func (x *smtpSession) Logout() error { return nil }

// smtpReply makes an error of go-smtp from the text of a reply.
func smtpReply(text string) error {
	e := &gosmtp.SMTPError{Code: 451, EnhancedCode: gosmtp.NoEnhancedCode, Message: text}
	if len(text) >= 3 && strings.Trim(text[:3], "0123456789") == "" {
		e.Code = int(text[0]-'0')*100 + int(text[1]-'0')*10 + int(text[2]-'0')
		e.Message = strings.TrimSpace(text[3:])
	}
	return e
}

// Mail begins a transaction.
func (x *smtpSession) Mail(from string, _ *gosmtp.MailOptions) error {
	if x.s.opt.Submission && x.user == "" {
		return &gosmtp.SMTPError{Code: 530, EnhancedCode: gosmtp.EnhancedCode{5, 7, 0}, Message: "Authentication required"}
	}
	x.from, x.to = from, nil
	return nil
}

// Rcpt takes a recipient: a user of the store, in any domain; in an open store anybody.
func (x *smtpSession) Rcpt(to string, _ *gosmtp.RcptOptions) error {
	if x.s.opt.Discard {
		return nil
	}
	if _, ok := x.s.userOf(to); !ok {
		return &gosmtp.SMTPError{Code: 550, EnhancedCode: gosmtp.EnhancedCode{5, 1, 1}, Message: "No such user here"}
	}
	x.to = append(x.to, to)
	return nil
}

// userOf finds the user of an address; postmaster is the first one (RFC 5321 4.5.1).
func (s *SMTPServer) userOf(address string) (string, bool) {
	name := strings.Trim(address, "<>")
	if i := strings.LastIndexByte(name, '@'); i >= 0 {
		name = name[:i]
	}
	name, _, _ = strings.Cut(name, "+")
	if s.mail.Open() && name != "" {
		return name, true
	}
	if strings.EqualFold(name, "postmaster") {
		if users := s.mail.Users(); len(users) > 0 {
			return users[0], true
		}
	}
	_, ok := s.mail.Password(name)
	return name, ok
}

// Data takes a message for all recipients.
func (x *smtpSession) Data(r io.Reader) error { return x.take(r) }

// LMTPData takes a message; what is returned is the answer for each recipient.
func (x *smtpSession) LMTPData(r io.Reader, _ gosmtp.StatusCollector) error { return x.take(r) }

// take delivers a message. A reply that is scripted for its end stands in place of
// the delivery; any other fault there comes when it is done.
func (x *smtpSession) take(r io.Reader) error {
	end := &endFault{r: r, x: x}
	var err error
	if x.s.opt.Discard {
		_, err = io.Copy(io.Discard, end)
	} else {
		e := Envelope{From: x.from, To: x.to, User: x.user, Remote: x.tap().RemoteAddr().String()}
		_, err = x.s.mail.Receive(e, end) // go-smtp ends r at MaxBytes
	}
	if err != nil {
		return deliveryError(err)
	}
	x.s.received.Add(1)
	if end.faulty {
		x.tap().play(end.fault)
		x.tap().Close()
		return io.EOF
	}
	return nil
}

// endFault is a message whose end plays its part in a fault: one with a reply fails there.
type endFault struct {
	r      io.Reader
	x      *smtpSession
	ended  bool
	faulty bool
	fault  base.Fault
}

// Read passes the message on.
func (e *endFault) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if err != io.EOF || e.ended {
		return n, err
	}
	e.ended = true
	e.fault, e.faulty = e.x.s.front.Faults.Verb(base.PointEnd)
	if e.faulty && e.fault.Kind == base.FaultCode {
		return n, smtpReply(e.fault.Text)
	}
	return n, err
}

// deliveryError is the reply to a message that was not kept.
func deliveryError(err error) error {
	if reply, ok := errors.AsType[*gosmtp.SMTPError](err); ok {
		return reply
	}
	code, enhanced := 451, gosmtp.EnhancedCode{4, 3, 0}
	if errors.Is(err, ErrStoreFull) {
		code, enhanced = 452, gosmtp.EnhancedCode{4, 2, 2}
	}
	return &gosmtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: err.Error()}
}
