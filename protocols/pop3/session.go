package pop3

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// session is one login on one connection. Numbers of messages hold as long as it
// lives.
type session struct {
	*control
	c        *Client
	greeting string
	stamp    string              // of the greeting, for APOP; empty: none
	caps     map[string][]string // nil: the server does not know CAPA
	cred     protocols.Credential
	mech     string // asked for; empty: the strongest
	user     string // who has logged in
	ids      *ids   // nil: not asked yet
	greeted  time.Duration
	login    time.Duration
}

// do runs one operation on the session, and wraps its error. args are what goes on
// the wire.
func (c *Client) do(ctx context.Context, op, name string, args []string, f func(s *session) error) error {
	release, err := c.keeper.Enter(ctx, args...)
	if err == nil {
		defer release()
		err = c.named(name)
	}
	if err == nil {
		err = c.keeper.Run(ctx, f)
	}
	return c.wrap(err, op, name)
}

// named checks a name before anything is connected. A client that is closed says
// so first.
func (c *Client) named(name string) error {
	if err := c.keeper.Open(); err != nil {
		return err
	}
	_, err := parseName(name)
	return err
}

// What package keeper asks of a session. Dropping one goes without QUIT, so that
// the server deletes nothing.

func (s *session) Conn() *transport.Conn { return s.conn }
func (s *session) Used() time.Time       { return s.used }
func (s *session) Goodbye()              { s.cmd("QUIT") }
func (s *session) Lost() bool            { return s.failed != nil }

func (s *session) Lives() bool {
	_, err := s.need("NOOP")
	return err == nil
}

// connect dials, greets, secures and logs in.
func (c *Client) connect(ctx context.Context) (*session, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	done := conn.Use(ctx)
	defer done()
	s, err := c.greet(ctx, conn)
	if err == nil {
		err = s.askCredential(ctx) // what cannot be sent is refused before anything is sent
	}
	if err == nil {
		err = s.secure(ctx)
	}
	if err == nil {
		err = s.logIn()
	}
	if err == nil {
		err = s.settle()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

func (c *Client) dial(ctx context.Context) (*transport.Conn, error) {
	host, port := protocols.HostPort(c.url, c.scheme)
	return c.dialer.Dial(ctx, "control", "tcp", host, port)
}

// greet brings TLS up where it comes first, and reads the greeting.
func (c *Client) greet(ctx context.Context, conn *transport.Conn) (*session, error) {
	if c.scheme.TLS == protocols.TLSImplicit {
		if err := conn.StartTLS(ctx); err != nil {
			return nil, err
		}
	}
	s := &session{control: newControl(conn, c.limits), c: c}
	start := time.Now()
	err := s.welcome()
	s.greeted = time.Since(start)
	return s, err
}

// welcome reads the greeting (RFC 1939 4 and 7).
func (s *session) welcome() error {
	st, err := s.status()
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return &protocols.Error{Kind: protocols.KindProtocol, Retryable: true, Text: "the server closed the connection without a greeting"}
	}
	if err != nil {
		return err
	}
	if !st.OK() {
		e := refusal(st)
		e.Kind, e.Retryable = protocols.KindTemporary, true // it may take us later
		return e
	}
	s.greeting = st.Text
	if open := strings.IndexByte(st.Text, '<'); open >= 0 {
		if end := strings.IndexByte(st.Text[open:], '>'); end > 0 && strings.Contains(st.Text[open:open+end], "@") {
			s.stamp = st.Text[open : open+end+1]
		}
	}
	return nil
}

// secure upgrades with STLS as scheme and options say (RFC 2595 4), and learns
// the capabilities that hold afterwards. Nothing may have come behind the +OK: it
// would be taken for the server's word under TLS (CVE-2021-22947).
func (s *session) secure(ctx context.Context) error {
	if err := s.askCaps(); err != nil {
		return err
	}
	mode := s.c.opts.TLS.Mode
	required := mode == protocols.TLSRequire || s.c.scheme.TLS == protocols.TLSRequired
	if s.c.scheme.TLS == protocols.TLSImplicit || mode == protocols.TLSOff && !required || !required && !s.has("STLS") {
		return nil
	}
	st, err := s.cmd("STLS")
	if err != nil {
		return err
	}
	if !st.OK() {
		if !required {
			return nil
		}
		return &protocols.Error{Kind: protocols.KindTLS, Text: st.Text + ": TLS was asked for, the server does not give it"}
	}
	if s.in.Buffered() > 0 {
		return s.fail(&protocols.Error{Kind: protocols.KindTLS, Text: "bytes in clear behind the answer to STLS: somebody may be in the way"})
	}
	if err := s.fail(s.conn.StartTLS(ctx)); err != nil {
		return err
	}
	return s.askCaps()
}

// askCaps asks with CAPA (RFC 2449 5). What was known before is forgotten. A
// server that does not know CAPA has no capabilities to tell.
func (s *session) askCaps() error {
	s.caps = nil
	st, err := s.cmd("CAPA")
	if err != nil || !st.OK() {
		return err
	}
	s.caps = map[string][]string{}
	total, count := 0, 0
	err = s.lines(func(line []byte) bool {
		if total, count = total+len(line), count+1; total > int(s.limits.Reply) || count > s.limits.ReplyLines {
			s.fail(&wire.LimitError{What: "list of capabilities", Limit: s.limits.Reply})
			return false
		}
		if f := strings.Fields(string(line)); len(f) > 0 {
			s.caps[strings.ToUpper(f[0])] = f[1:]
		}
		return true
	})
	if err == nil {
		err = s.failed
	}
	return err
}

func (s *session) has(capability string) bool {
	_, ok := s.caps[capability]
	return ok
}

// pipelined reports whether commands may be sent ahead of answers (RFC 2449 6.6).
func (s *session) pipelined() bool { return s.has("PIPELINING") && !s.c.Settings.NoPipelining }

// settle asks for UTF-8 and a language where the caller wants them.
func (s *session) settle() error {
	if s.c.Settings.Lang != "" {
		if _, err := s.need("LANG", s.c.Settings.Lang); err != nil {
			return err
		}
	}
	if s.caps != nil && !s.pipelined() && !s.c.Settings.NoPipelining { // some servers tell only those who have logged in
		return s.askCaps()
	}
	return nil
}

// wrap adds the verb and the URL to an error.
func (c *Client) wrap(err error, op, name string) error {
	if err == nil {
		return nil
	}
	return protocols.Wrap(err, proto, op, c.urlOf(name))
}

// Close ends the session with QUIT and closes the connection. A running operation
// is cut off, and then nothing is deleted.
func (c *Client) Close() error { return c.keeper.Close() }
