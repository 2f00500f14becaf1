package ftp

import (
	"context"
	"errors"
	"io"
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
	together bool              // commands go out several in a packet
	shown    bool              // the server has answered several commands in a packet
	pace     time.Duration     // how long the reply to FEAT took
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
	release, err := c.keeper.Enter(ctx, names...)
	if err != nil {
		return c.wrap(err, op, name)
	}
	defer release()
	return c.wrap(c.run(ctx, f), op, name)
}

// run runs f on the session, once more on a new one when the server turns out to
// take one command at a time. Nothing is transferred before that is found out.
func (c *Client) run(ctx context.Context, f func(s *session) error) error {
	err := c.keeper.Run(ctx, f)
	if errors.Is(err, errStalled) {
		err = c.keeper.Run(ctx, f)
	}
	return err
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

// connect dials, greets, secures and logs in, once more when the server turns out
// to take one command at a time.
func (c *Client) connect(ctx context.Context) (*session, error) {
	s, err := c.connectOnce(ctx)
	if errors.Is(err, errStalled) {
		s, err = c.connectOnce(ctx)
	}
	return s, err
}

func (c *Client) connectOnce(ctx context.Context) (*session, error) {
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
