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
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/transport"
)

// session is one login on one connection.
type session struct {
	c        *Client
	conn     *transport.Conn
	in       *imapwire.Input
	out      *wire.Writer
	greeting *imapwire.Status
	user     string          // who has logged in
	caps     map[string]bool // in upper case, "AUTH=PLAIN" too; nil: not known
	enabled  map[string]bool
	utf8     bool // mailbox names are UTF-8 on the wire
	box      *mailbox
	prefix   string // of tags
	tags     int
	sent     map[string]bool             // commands without their tagged response
	done     map[string]*imapwire.Status // tagged responses that came before they were waited for
	bye      *imapwire.Status
	used     time.Time // when the newest response came
	failing  sync.Mutex
	failed   error // first failure of the connection; sticky
	greeted  time.Duration
	login    time.Duration
	traced   bool
	news     func(r *imapwire.Response) error // sees what is untagged, whatever command is under way; nil: nobody
	held     bool                             // an archive leaves commands under way between its steps
}

// do runs one operation: one at a time, connected and logged in, cut off when
// the context ends. args are what goes on the wire.
func (c *Client) do(ctx context.Context, op, name string, f func(s *session) error, args ...string) error {
	release, err := c.enter(ctx, append(args, name)...)
	if err == nil {
		defer release()
		err = c.keeper.Run(ctx, f)
	}
	return c.wrap(err, op, name)
}

// parse reads a name, unless the client is closed.
func (c *Client) parse(text string) (*imapwire.Name, error) {
	if err := c.keeper.Open(); err != nil {
		return nil, err
	}
	if err := checkArgs(text); err != nil {
		return nil, err
	}
	return imapwire.ParseName(text)
}

// enter checks the arguments and lets one operation in; nothing is sent before.
func (c *Client) enter(ctx context.Context, names ...string) (release func(), err error) {
	if err := c.keeper.Open(); err != nil {
		return nil, err
	}
	return c.keeper.Enter(ctx, names...)
}

// What package keeper asks of a session.

func (s *session) Conn() *transport.Conn { return s.conn }
func (s *session) Used() time.Time       { return s.used }
func (s *session) Lives() bool           { return s.simple("NOOP") == nil }

// Lost: what has no answer yet is lost, unless an archive left it under way.
func (s *session) Lost() bool {
	return s.broken() != nil || s.bye != nil || len(s.sent) > 0 && !s.held
}

// Goodbye sends LOGOUT. All else has been answered: nobody waits for the answer.
func (s *session) Goodbye() {
	if _, _, err := s.send("LOGOUT"); err == nil {
		s.flush()
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
		c: c, conn: conn, in: imapwire.NewInput(conn, c.limits), prefix: cmp.Or(c.tag, tagPrefix()), enabled: map[string]bool{},
		sent: map[string]bool{}, done: map[string]*imapwire.Status{}, traced: c.opts.Trace != nil,
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
		return &protocols.Error{Kind: protocols.KindProtocol, Retryable: true, Text: "the server closed the connection without a greeting"}
	}
	if err != nil {
		return err
	}
	if r.Tag != "*" || !r.IsStatus() {
		return s.fail(protocols.ProtocolError(proto, "", "this is no IMAP greeting: "+imapwire.Clip(r.Tag+" "+r.Name+" "+r.Args)))
	}
	s.greeting = r.Status()
	switch r.Name {
	case "OK", "PREAUTH":
		s.noteCaps(s.greeting)
		return nil
	case "BYE":
		return s.greeting.Err()
	}
	return s.fail(protocols.ProtocolError(proto, "", "this is no IMAP greeting: "+imapwire.Clip(r.Name+" "+r.Args)))
}

// secure upgrades with STARTTLS as scheme and options say (RFC 3501 6.2.1).
// After PREAUTH that is impossible: whoever sent it may want just that.
func (s *session) secure(ctx context.Context) error {
	mode := s.c.opts.TLS.Mode
	if s.c.scheme.TLS == protocols.TLSImplicit || mode == protocols.TLSOff {
		return nil
	}
	required := mode == protocols.TLSRequire
	if s.greeting.Word == "PREAUTH" {
		if required {
			return &protocols.Error{Kind: protocols.KindTLS, Text: "the server greets with PREAUTH, which leaves no way to start TLS"}
		}
		return nil
	}
	if err := s.learnCaps(); err != nil {
		return err
	}
	if !s.caps["STARTTLS"] {
		if required {
			return &protocols.Error{Kind: protocols.KindTLS, Text: "TLS was asked for, the server does not offer STARTTLS"}
		}
		return nil
	}
	st, err := s.command(nil, "STARTTLS")
	if err != nil {
		return err
	}
	if st.Word != "OK" {
		return &protocols.Error{Kind: protocols.KindTLS, Enhanced: st.Code, Text: st.Text + ": TLS was offered, the server does not give it"}
	}
	if s.in.Buffered() > 0 {
		return s.fail(&protocols.Error{Kind: protocols.KindTLS, Text: "bytes in clear behind the answer to STARTTLS: somebody may be in the way"})
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
	return st.Err()
}

// noteCaps takes the capabilities out of a status.
func (s *session) noteCaps(st *imapwire.Status) {
	if st.Code == "CAPABILITY" {
		s.setCaps(st.Args)
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

// wrap adds the verb and the URL to an error.
func (c *Client) wrap(err error, op, name string) error {
	if err == nil {
		return nil
	}
	return protocols.Wrap(err, proto, op, c.urlOf(name))
}

// Close ends the session with LOGOUT and closes the connection. A running
// operation is cut off.
func (c *Client) Close() error { return c.keeper.Close() }

// encodeName returns a mailbox name as it stands on the wire.
func (s *session) encodeName(mailbox string) string {
	if raw, ok := s.c.wireNames[mailbox]; ok {
		return raw
	}
	if s.c.Settings.RawNames || s.utf8 {
		return mailbox
	}
	return imapwire.EncodeUTF7(mailbox)
}

// mostOddNames bounds the names that are kept because they cannot be decoded.
const mostOddNames = 10_000

// decodeName returns the name of a mailbox for people. One that is not the proper
// form of any name stays as it is, and is remembered, so that it can be sent back.
func (s *session) decodeName(raw string) string {
	if s.c.Settings.RawNames || s.utf8 {
		return raw
	}
	if decoded, ok := imapwire.DecodeUTF7(raw); ok {
		return decoded
	}
	if len(s.c.wireNames) < mostOddNames {
		s.c.wireNames[raw] = raw
	}
	return raw
}
