package nntp

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// errStop says that the reader of a listing has had enough.
var errStop = errors.New("stopped")

// session is one conversation with a server, past the greeting.
type session struct {
	*control
	c        *Client
	base     string // what the URLs of all entries begin with
	greeting protocols.Reply
	caps     []protocols.Capability // as asked for last
	modern   bool                   // the server knows CAPABILITIES
	cred     protocols.Credential
	loggedIn bool
	reader   bool    // MODE READER was sent
	gzip     bool    // long answers may come compressed (XFEATURE)
	group    string  // the group selected; empty: none
	format   []field // of overviews; nil: not asked for yet
	overVerb string  // OVER or XOVER; empty: not known
	hdrVerb  string  // HDR or XHDR; empty: not known
	login    time.Duration
	greeted  time.Duration
}

// do runs one operation on the session, and wraps its error. args are what goes on
// the wire.
func (c *Client) do(ctx context.Context, op, name string, args []string, f func(s *session) error) error {
	release, err := c.enter(ctx, args...)
	if err == nil {
		defer release()
		err = c.keeper.Run(ctx, f)
	}
	return c.wrap(err, op, name)
}

// enter begins an operation. A client that is closed says so first.
func (c *Client) enter(ctx context.Context, args ...string) (release func(), err error) {
	if err := c.keeper.Open(); err != nil {
		return nil, err
	}
	return c.keeper.Enter(ctx, args...)
}

// What package keeper asks of a session.

func (s *session) Conn() *transport.Conn { return s.conn }
func (s *session) Used() time.Time       { return s.used }
func (s *session) Goodbye()              { s.cmd("QUIT") }
func (s *session) Lost() bool            { return s.failed != nil || s.last == 400 }

// Lives asks with DATE, which every reader knows and which changes nothing.
func (s *session) Lives() bool {
	r, err := s.cmd("DATE")
	return err == nil && r.Code != 400 && r.Code != 205
}

// connect dials, greets, secures, logs in and agrees on compression.
func (c *Client) connect(ctx context.Context) (*session, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	done := conn.Use(ctx)
	defer done()
	s, err := c.begin(ctx, conn)
	if err == nil {
		err = s.settle(ctx)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

func (c *Client) dial(ctx context.Context) (*transport.Conn, error) {
	host, port, err := c.hostPort()
	if err != nil {
		return nil, err
	}
	return c.dialer.Dial(ctx, "control", "tcp", host, port)
}

// begin reads the greeting, asks for the capabilities and brings TLS up. It
// sends no secret. The session is never nil once the greeting was read.
func (c *Client) begin(ctx context.Context, conn *transport.Conn) (*session, error) {
	if c.scheme.TLS == protocols.TLSImplicit {
		if err := conn.StartTLS(ctx); err != nil {
			return nil, err
		}
	}
	s := &session{control: newControl(conn, c.limits), c: c, base: c.urlOf("")}
	start := time.Now()
	greeting, err := s.reply()
	if errors.Is(err, io.EOF) {
		err = &protocols.Error{Kind: protocols.KindProtocol, Retryable: true, Text: "the server closed the connection without a greeting"}
	}
	if err != nil {
		return nil, err
	}
	s.greeting, s.greeted = *greeting, time.Since(start)
	if err := want(greeting, 200, 201); err != nil {
		return s, err
	}
	if s.cred, err = s.credential(ctx); err != nil {
		return s, err
	}
	if err := s.capabilities(); err != nil {
		return s, err
	}
	return s, s.secure(ctx)
}

// settle brings a session that has TLS where it can have it to where commands of
// readers work.
func (s *session) settle(ctx context.Context) error {
	if err := s.becomeReader(ctx); err != nil {
		return err
	}
	if err := s.logInEarly(); err != nil {
		return err
	}
	return s.compress()
}

// secure upgrades with STARTTLS as scheme and options say (RFC 4642 2.2). Nothing
// may have come behind the 382: it would be taken for the server's word under TLS.
func (s *session) secure(ctx context.Context) error {
	mode := s.c.opts.TLS.Mode
	if s.conn.TLS() != nil || mode == protocols.TLSOff || mode != protocols.TLSRequire && !s.offers("STARTTLS") {
		return nil
	}
	r, err := s.cmd("STARTTLS")
	if err != nil {
		return err
	}
	if r.Code != 382 {
		if mode != protocols.TLSRequire && r.Code >= 400 {
			return nil
		}
		return &protocols.Error{Kind: protocols.KindTLS, Code: r.Code, Text: r.Text() + ": TLS was asked for, the server does not give it"}
	}
	if s.in.Buffered() > 0 {
		return s.fail(&protocols.Error{Kind: protocols.KindTLS, Text: "bytes in clear behind the reply to STARTTLS: somebody may be in the way"})
	}
	if err := s.conn.StartTLS(ctx); err != nil {
		return s.fail(err)
	}
	return s.capabilities() // what was said in clear counts no more (RFC 4642 2.2.2)
}

// becomeReader sends MODE READER where it is needed: to a server that says so,
// and to one that predates CAPABILITIES (RFC 3977 5.3).
func (s *session) becomeReader(ctx context.Context) error {
	needed := !s.modern || s.offers("MODE-READER") && !s.offers("READER")
	if w := s.c.Settings.Reader; w == ReaderNever || w == ReaderAuto && !needed {
		return nil
	}
	return s.modeReader(ctx)
}

func (s *session) modeReader(ctx context.Context) error {
	s.reader = true
	r, err := s.cmd("MODE", "READER")
	switch {
	case err != nil:
		return err
	case unknown(r.Code) || r.Code == 480: // logs in first, or has no modes
		return nil
	}
	if err := want(r, 200, 201); err != nil {
		return err
	}
	s.greeting = *r
	if !s.modern {
		return nil
	}
	if err := s.capabilities(); err != nil {
		return err
	}
	return s.secure(ctx)
}

// capabilities asks for them; a server that does not know the command has none.
func (s *session) capabilities() error {
	r, err := s.cmd("CAPABILITIES")
	if err != nil {
		return err
	}
	s.caps, s.modern = nil, r.Code == 101
	s.overVerb, s.hdrVerb = "", ""
	if !s.modern {
		if r.Code < 400 {
			return s.fail(refusal(r))
		}
		return nil
	}
	lines, err := s.bounded(s.block())
	for _, line := range lines {
		if c, ok := parseCapability(line); ok {
			s.caps = append(s.caps, c)
		}
	}
	return err
}

// wrap adds the verb and the URL to an error.
func (c *Client) wrap(err error, op, name string) error {
	if err == nil || errors.Is(err, errStop) {
		return err
	}
	return protocols.Wrap(err, proto, op, c.urlOf(name))
}

// Close ends the session with QUIT and closes the connection. A running
// operation is cut off.
func (c *Client) Close() error {
	err := c.keeper.Close()
	if f := c.finder.Load(); f != nil {
		f.Close()
	}
	return err
}
