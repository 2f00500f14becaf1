package imap

import (
	"cmp"
	"context"
	"crypto/rand"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// session is one login on one connection.
type session struct {
	c        *Client
	conn     *transport.Conn
	in       *input
	out      *wire.Writer
	greeting *status
	user     string          // who has logged in
	caps     map[string]bool // in upper case, "AUTH=PLAIN" too; nil: not known
	enabled  map[string]bool
	utf8     bool // mailbox names are UTF-8 on the wire
	box      *mailbox
	lib      *library // nil: not used yet
	prefix   string   // of tags
	tags     int
	sent     map[string]bool    // commands without their tagged response
	done     map[string]*status // tagged responses that came before they were waited for
	bye      *status
	used     time.Time // when the newest response came
	failing  sync.Mutex
	failed   error // first failure of the connection; sticky
	greeted  time.Duration
	login    time.Duration
	traced   bool
	news     func(r *response) error // sees what is untagged, whatever command is under way; nil: nobody
	held     bool                    // an archive leaves commands under way between its steps
}

// do runs one operation: one at a time, connected and logged in, cut off when
// the context ends. args are what goes on the wire.
func (c *Client) do(ctx context.Context, op, name string, f func(s *session) error, args ...string) error {
	release, err := c.enter(ctx, append(args, name)...)
	if err == nil {
		defer release()
		err = c.withSession(ctx, f)
	}
	return c.wrap(err, op, name)
}

// open fails when the client has been closed.
func (c *Client) open() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return &protocols.Error{Kind: protocols.Usage, Class: protocols.ErrClosed}
	}
	return nil
}

// parse reads a name, unless the client is closed.
func (c *Client) parse(text string) (*name, error) {
	if err := c.open(); err != nil {
		return nil, err
	}
	if err := checkArgs(text); err != nil {
		return nil, err
	}
	return parseName(text)
}

// enter checks the arguments and takes the gate; nothing is sent before.
func (c *Client) enter(ctx context.Context, names ...string) (release func(), err error) {
	if err := c.open(); err != nil {
		return nil, err
	}
	if err := wire.Check(names...); err != nil {
		return nil, &protocols.Error{Kind: protocols.Usage, Err: err}
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if err := c.gate.Enter(); err != nil {
		return nil, err
	}
	return c.gate.Leave, nil
}

func (c *Client) withSession(ctx context.Context, f func(s *session) error) error {
	s, err := c.session(ctx)
	if err != nil {
		return err
	}
	done := s.conn.Use(ctx)
	err = f(s)
	done()
	c.dropBroken(s)
	return err
}

// session gives the live session, or makes one.
func (c *Client) session(ctx context.Context) (*session, error) {
	c.mu.Lock()
	s, closed := c.sess, c.closed
	c.mu.Unlock()
	if closed {
		return nil, &protocols.Error{Kind: protocols.Usage, Class: protocols.ErrClosed}
	}
	if s != nil && s.alive(ctx) {
		return s, nil
	}
	s, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	closed = c.closed
	if !closed {
		c.sess = s
	}
	c.mu.Unlock()
	if closed {
		s.close()
		return nil, &protocols.Error{Kind: protocols.Usage, Class: protocols.ErrClosed}
	}
	return s, nil
}

// restsFor is how long a session may be idle before it is asked whether it lives.
const restsFor = 15 * time.Second

// alive asks a session that has rested with NOOP, so that no command that
// changes something is lost to a server that had hung up meanwhile.
func (s *session) alive(ctx context.Context) bool {
	if time.Since(s.used) < restsFor {
		return true
	}
	done := s.conn.Use(ctx)
	err := s.simple("NOOP")
	done()
	if err != nil {
		s.c.drop(s)
	}
	return err == nil
}

// live gives the session, nil when there is none.
func (c *Client) live() *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sess
}

// dropBroken forgets a session that is lost or out of step.
func (c *Client) dropBroken(s *session) {
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	if closed || s.broken() != nil || s.bye != nil || s.conn.Broken() || len(s.sent) > 0 && !s.held {
		c.drop(s)
	}
}

// drop forgets a session and closes its connection.
func (c *Client) drop(s *session) {
	c.mu.Lock()
	if c.sess == s {
		c.sess = nil
	}
	c.mu.Unlock()
	s.close()
}

// close frees the connection and ends the library's goroutine.
func (s *session) close() {
	s.conn.Close()
	if s.lib != nil {
		s.lib.close()
	}
}

// dial opens the connection.
func (c *Client) dial(ctx context.Context) (*transport.Conn, error) {
	host, port := protocols.HostPort(c.url, c.scheme)
	return c.dialer.Dial(ctx, "control", "tcp", host, port)
}

// connect dials, greets, secures and logs in.
func (c *Client) connect(ctx context.Context) (*session, error) {
	conn, err := c.dial(ctx)
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
	s := &session{
		c: c, conn: conn, in: newInput(conn, c.limits), prefix: cmp.Or(c.tag, tagPrefix()), enabled: map[string]bool{},
		sent: map[string]bool{}, done: map[string]*status{}, traced: c.opts.Trace != nil,
	}
	s.wireOut(conn)
	start := time.Now()
	if err := s.welcome(); err != nil {
		return s, err
	}
	s.greeted = time.Since(start)
	return s, s.secure(ctx)
}

func (s *session) wireOut(w io.Writer) {
	s.out = wire.NewWriter(w, int(s.c.limits.Line))
	s.out.OnCmd = func(line string) { s.conn.Event(protocols.EventSend, line, 0) }
}

// tagPrefix makes tags that nobody can foretell (CVE-2026-42246).
func tagPrefix() string { return "N" + rand.Text()[:5] }

// welcome reads the greeting (RFC 3501 7.1).
func (s *session) welcome() error {
	r, err := s.read(false)
	if err == io.EOF {
		return &protocols.Error{Kind: protocols.Protocol, Retryable: true, Text: "the server closed the connection without a greeting"}
	}
	if err != nil {
		return err
	}
	if r.tag != "*" || !r.isStatus() {
		return s.fail(protocols.ProtocolError(proto, "", "this is no IMAP greeting: "+clip(r.tag+" "+r.name+" "+r.args)))
	}
	s.greeting = r.status()
	switch r.name {
	case "OK", "PREAUTH":
		s.noteCaps(s.greeting)
		return nil
	case "BYE":
		return s.greeting.err()
	}
	return s.fail(protocols.ProtocolError(proto, "", "this is no IMAP greeting: "+clip(r.name+" "+r.args)))
}

// secure upgrades with STARTTLS as scheme and options say (RFC 3501 6.2.1).
// After PREAUTH that is impossible: whoever sent it may want just that.
func (s *session) secure(ctx context.Context) error {
	mode := s.c.opts.TLS.Mode
	if s.c.scheme.TLS == protocols.TLSImplicit || mode == protocols.TLSOff {
		return nil
	}
	required := mode == protocols.TLSRequire
	if s.greeting.word == "PREAUTH" {
		if required {
			return &protocols.Error{Kind: protocols.TLSFailure, Text: "the server greets with PREAUTH, which leaves no way to start TLS"}
		}
		return nil
	}
	if err := s.learnCaps(); err != nil {
		return err
	}
	if !s.caps["STARTTLS"] {
		if required {
			return &protocols.Error{Kind: protocols.TLSFailure, Text: "TLS was asked for, the server does not offer STARTTLS"}
		}
		return nil
	}
	st, err := s.command(nil, "STARTTLS")
	if err != nil {
		return err
	}
	if st.word != "OK" {
		return &protocols.Error{Kind: protocols.TLSFailure, Enhanced: st.code, Text: st.text + ": TLS was offered, the server does not give it"}
	}
	if s.in.buffered() > 0 {
		return s.fail(&protocols.Error{Kind: protocols.TLSFailure, Text: "bytes in clear behind the answer to STARTTLS: somebody may be in the way"})
	}
	s.caps = nil // what was said in clear counts no more
	return s.fail(s.conn.StartTLS(ctx))
}

// learnCaps asks for the capabilities unless they are known.
func (s *session) learnCaps() error {
	if s.caps != nil {
		return nil
	}
	s.caps = map[string]bool{}
	st, err := s.command(nil, "CAPABILITY")
	if err != nil {
		return err
	}
	return st.err()
}

// noteCaps takes the capabilities out of a status.
func (s *session) noteCaps(st *status) {
	if st.code == "CAPABILITY" {
		s.setCaps(st.args)
	}
}

// mostCaps bounds the capabilities that are remembered.
const mostCaps = 1000

func (s *session) setCaps(list string) {
	s.caps = map[string]bool{}
	for _, name := range strings.Fields(list) {
		if len(s.caps) < mostCaps {
			s.caps[strings.ToUpper(name)] = true
		}
	}
}

// has reports whether the server has one of the capabilities.
func (s *session) has(names ...string) bool {
	for _, n := range names {
		if s.caps[n] {
			return true
		}
	}
	return false
}

// rev2 are the extensions that IMAP4rev2 has in it (RFC 9051 appendix E), for
// servers that do not name them again.
func (s *session) hasOr2(name string) bool { return s.caps[name] || s.caps["IMAP4REV2"] }

// wrap gives an error its verb and URL.
func (c *Client) wrap(err error, op, name string) error {
	if err == nil {
		return nil
	}
	return protocols.Wrap(err, proto, op, c.urlOf(name))
}

// quitWithin bounds the goodbye.
const quitWithin = 2 * time.Second

// Close ends the session with LOGOUT and closes the connection. A running
// operation is cut off.
func (c *Client) Close() error {
	c.mu.Lock()
	s := c.sess
	c.sess, c.closed = nil, true
	c.mu.Unlock()
	if s == nil {
		return nil
	}
	if c.gate.Enter() == nil { // nothing is going on: be polite
		ctx, cancel := context.WithTimeout(context.Background(), quitWithin)
		defer cancel()
		done := s.conn.Use(ctx)
		if _, _, err := s.send("LOGOUT"); err == nil {
			s.flush() // all else has been answered: nobody waits for the goodbye
		}
		done()
		s.close()
		c.gate.Leave()
		return nil
	}
	return s.conn.Close() // the operation that is cut off frees the rest
}
