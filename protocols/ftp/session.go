package ftp

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	ftplib "github.com/jlaffaye/ftp"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// session is one login on one control connection.
type session struct {
	*control
	c        *Client
	lib      *ftplib.ServerConn
	greeting *protocols.Reply
	feats    map[string]string // FEAT lines: name in upper case, and the rest
	typ      byte              // 'I' or 'A': the TYPE in force; 0 when not known
	private  bool              // data connections use TLS
	mode     int               // index in modes: the data connection that is tried first
	proven   bool              // mode has carried a transfer: commands may be sent ahead
	home     string            // working folder after login; empty: not asked yet
	away     bool              // the working folder may not be home
	noTimes  bool              // the server has no way to set times
	zone     *time.Location    // of LIST; nil: not known, UTC is taken
	login    time.Duration     // how long the login took
	greeted  time.Duration     // how long the greeting took
}

// do runs one operation on the session, and wraps its error.
func (c *Client) do(ctx context.Context, op, name string, names []string, f func(s *session) error) error {
	return c.wrap(c.keeper.Do(ctx, names, f), op, name)
}

// What package keeper asks of a session.

func (s *session) Conn() *transport.Conn { return s.conn }
func (s *session) Used() time.Time       { return s.used }
func (s *session) Goodbye()              { s.cmd("QUIT") }
func (s *session) Lost() bool            { return s.failed != nil || s.last.Code == 421 }

func (s *session) Lives() bool {
	r, err := s.cmd("NOOP")
	return err == nil && r.Code != 421
}

// connect dials, greets, secures and logs in.
func (c *Client) connect(ctx context.Context) (*session, error) {
	host, port := protocols.HostPort(c.url, c.scheme)
	conn, err := c.dialer.Dial(ctx, "control", "tcp", host, port)
	if err != nil {
		return nil, err
	}
	done := conn.Use(ctx)
	defer done()
	s, err := c.begin(ctx, conn)
	if err == nil {
		err = s.logIn(ctx)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// begin reads the greeting and brings TLS up. It sends no secret.
func (c *Client) begin(ctx context.Context, conn *transport.Conn) (*session, error) {
	if c.scheme.TLS == protocols.TLSImplicit {
		if err := conn.StartTLS(ctx); err != nil {
			return nil, err
		}
	}
	t, err := newControl(conn, c.limits, c.Settings.Charset)
	if err != nil {
		return nil, err
	}
	s := &session{control: t, c: c, feats: map[string]string{}}
	start := time.Now()
	if s.greeting, err = s.welcome(); err != nil {
		return nil, err
	}
	s.greeted = time.Since(start)
	return s, s.secure(ctx)
}

// welcome reads the greeting; 120 announces one (RFC 959 5.4).
func (s *session) welcome() (*protocols.Reply, error) {
	for range 3 {
		r, err := s.reply()
		if err != nil {
			return nil, closedEarly(err)
		}
		if r.Code != 120 {
			return r, want(r, 2)
		}
	}
	return nil, protocols.ProtocolError(proto, "", "no greeting after several 120 replies")
}

// closedEarly says what an end of the connection before the greeting means.
func closedEarly(err error) error {
	if errors.Is(err, io.EOF) {
		return &protocols.Error{Kind: protocols.KindProtocol, Retryable: true, Text: "the server closed the connection without a greeting"}
	}
	return err
}

// secure upgrades with AUTH TLS as scheme and options say (RFC 4217 4). Nothing
// may have come behind the 234: it would be taken for the server's word under
// TLS (CVE-2021-22947).
func (s *session) secure(ctx context.Context) error {
	mode := s.c.opts.TLS.Mode
	required := mode == protocols.TLSRequire || s.c.scheme.TLS == protocols.TLSRequired
	if s.c.scheme.TLS == protocols.TLSImplicit || mode == protocols.TLSOff && !required {
		return nil
	}
	r, err := s.cmd("AUTH", "TLS")
	if err != nil {
		return err
	}
	if r.Code != 234 {
		if !required && r.Code >= 400 {
			return nil
		}
		return &protocols.Error{Kind: protocols.KindTLS, Code: r.Code, Text: r.Text() + ": TLS was asked for, the server does not give it"}
	}
	if s.in.Buffered() > 0 {
		return s.fail(&protocols.Error{Kind: protocols.KindTLS, Text: "bytes in clear behind the reply to AUTH TLS: somebody may be in the way"})
	}
	return s.fail(s.conn.StartTLS(ctx))
}

// logIn sends the credentials and settles the session.
func (s *session) logIn(ctx context.Context) error {
	start := time.Now()
	cred, err := s.credential(ctx)
	if err != nil {
		return err
	}
	if s.c.Settings.Host != "" { // RFC 7151 3: before USER
		if _, err := s.need(2, "HOST", s.c.Settings.Host); err != nil {
			return err
		}
	}
	var shim *libConn
	if s.lib, shim, err = newLibrary(s.control, s.greeting, &cred); err != nil {
		return protocols.ProtocolError(proto, "", err.Error())
	}
	user, password := cred.User, cred.Password
	if err := s.call([]string{user, password}, func(lib *ftplib.ServerConn) error { return lib.Login(user, password) }); err != nil {
		return err
	}
	s.features(shim.feats)
	s.typ = 'I'
	s.login = time.Since(start)
	return s.settle(ctx)
}

// credential asks for user and password. Nobody known means anonymous, which is
// no secret; anything else goes only where a secret may go.
func (s *session) credential(ctx context.Context) (protocols.Credential, error) {
	var cred protocols.Credential
	var err error
	u := s.c.url
	if ask := s.c.opts.Credentials; ask != nil {
		host, port := protocols.HostPort(u, s.c.scheme)
		cred, err = ask(ctx, protocols.CredentialRequest{Protocol: proto, Scheme: u.Scheme, Host: host, Port: port, User: u.User.Username()})
	} else if u.User != nil {
		cred = protocols.URLCredential(u)
	}
	if err != nil {
		return cred, protocols.Wrap(err, proto, "login", "")
	}
	if cred.Account == "" {
		cred.Account = s.c.Settings.Account
	}
	if cred.User == "" {
		cred.User = "anonymous"
	}
	if isAnonymous(cred.User) && cred.Password == "" {
		cred.Password = "anonymous@" // RFC 1635 1: some servers look for the @
	}
	if isAnonymous(cred.User) {
		return cred, nil
	}
	return cred, s.conn.AllowSecret()
}

func isAnonymous(user string) bool { return user == "anonymous" || user == "ftp" }

// features reads the lines of a FEAT reply (RFC 2389 3.2).
func (s *session) features(lines []string) {
	for _, l := range lines[min(1, len(lines)):max(len(lines)-1, min(1, len(lines)))] {
		name, params, _ := strings.Cut(strings.TrimSpace(l), " ")
		s.feats[strings.ToUpper(name)] = params
	}
}

func (s *session) has(feature string) bool {
	_, ok := s.feats[feature]
	return ok
}

// settle protects the data connections, asks for UTF-8 and goes back to clear
// where asked, the first two in one flight.
func (s *session) settle(ctx context.Context) error {
	secure := s.conn.TLS() != nil
	var steps []step
	if secure {
		steps = s.protect()
	}
	if s.has("UTF8") && s.enc == nil {
		// A refusal is no failure: UTF-8 is the default (RFC 2640 3.1).
		steps = append(steps, step{verb: "OPTS", args: []string{"UTF8", "ON"}})
	}
	if err := s.fly(steps, nil); err != nil {
		return err
	}
	if !s.c.Settings.CCC || !secure {
		return nil
	}
	if _, err := s.need(2, "CCC"); err != nil {
		return err
	}
	return s.fail(s.conn.EndTLS(ctx))
}

// protect sets the protection of the data connections (RFC 4217 9). The server
// refusing PROT P is an error: content must not go in clear behind the user's back.
func (s *session) protect() []step {
	level := "P"
	if s.c.Settings.ClearData {
		level = "C"
	}
	done := func(r *protocols.Reply) error { return tlsRefused(want(r, 2)) }
	return []step{
		{verb: "PBSZ", args: []string{"0"}, then: done},
		{verb: "PROT", args: []string{level}, then: func(r *protocols.Reply) error {
			s.private = level == "P"
			return done(r)
		}},
	}
}

func tlsRefused(err error) error {
	if e, ok := errors.AsType[*protocols.Error](err); ok && e.Code != 0 {
		e.Kind, e.Sentinel, e.Retryable = protocols.KindTLS, nil, false
		e.Hint = "the server will not protect data connections; --prot clear sends them in clear"
	}
	return err
}

// wrap adds the verb and the URL to an error.
func (c *Client) wrap(err error, op, name string) error {
	if err == nil {
		return nil
	}
	return protocols.Wrap(err, proto, op, c.urlOf(name, false))
}

// Close ends the session with QUIT and closes the connection. A running
// operation is cut off.
func (c *Client) Close() error { return c.keeper.Close() }
