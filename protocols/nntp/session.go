package nntp

import (
	"bytes"
	"context"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// session is a connection after the greeting. The types that embed it hold its larger
// tasks: logging in, compression, overviews, articles, feeds.
type session struct {
	*line.Core
	c        *Client
	base     string                 // prefix of the URLs of all entries
	caps     []protocols.Capability // of the last CAPABILITIES
	modern   bool                   // the server knows CAPABILITIES
	loggedIn bool
	served   bool    // a command has worked since the login
	reader   bool    // MODE READER was sent
	deflated bool    // COMPRESS DEFLATE is on
	warned   bool    // of lines that cannot be read
	bareLF   bool    // the server ends its lines with LF alone
	gzip     bool    // multi-line replies may be compressed (XFEATURE)
	group    string  // the selected group; empty: none
	format   []field // of overviews; nil: not yet known
	overVerb string  // OVER or XOVER; empty: not yet known
	hdrVerb  string  // HDR or XHDR; empty: not yet known
}

// hooks are the parts of a session that package line calls.
type hooks struct{ c *Client }

// protocol describes NNTP to package line.
func (h hooks) protocol() line.Protocol[*session] {
	return line.Protocol[*session]{
		Name: proto,
		Dialect: line.Dialect{
			Read: line.Numeric(wire.NNTP), Refusal: refusal,
			Want:      replyError,
			Challenge: func(r *protocols.Reply) bool { return r.Code == 383 },
			Farewell:  func(r *protocols.Reply) bool { return r.Code == 400 || r.Code == 205 },
		},
		URLOf:        h.c.urlOf,
		Address:      h.c.address,
		Open:         h.open,
		Greet:        (*session).welcome,
		Learn:        (*session).capabilities,
		Offers:       func(s *session) bool { return s.offers("STARTTLS") },
		TLSVerb:      "STARTTLS",
		StartTLS:     (*session).startTLS,
		Prepare:      func(ctx context.Context, s *session) error { return s.becomeReader(ctx) },
		LogIn:        func(_ context.Context, s *session) error { return authenticator{s}.early() },
		Settle:       func(_ context.Context, s *session) error { return compressor{s}.negotiate() },
		Capabilities: h.capabilities,
		Lives:        (*session).lives,
		Over:         func(s *session) bool { return s.Last.Code == 400 },
		Goodbye:      func(s *session) { _, _ = s.Cmd("QUIT") },
	}
}

// open makes a session. Servers answer in two small writes, the reply and its lines,
// and the second one waits for our acknowledgement: it is sent without delay.
func (h hooks) open(t *line.Core) (*session, error) {
	s := &session{Core: t, c: h.c, base: h.c.urlOf("")}
	t.Attach(&prompt{Conn: t.Conn, bareLF: &s.bareLF}, t.Conn)
	return s, nil
}

// prompt acknowledges received data at once while it waits for more, and notes how the
// server ends the first line, the greeting.
type prompt struct {
	*transport.Conn
	bareLF *bool
	last   byte
	known  bool
}

func (p *prompt) Read(b []byte) (int, error) {
	p.QuickAck()
	n, err := p.Conn.Read(b)
	if n > 0 && !p.known {
		if i := bytes.IndexByte(b[:n], '\n'); i >= 0 {
			p.known = true
			*p.bareLF = i > 0 && b[i-1] != '\r' || i == 0 && p.last != '\r'
		}
		p.last = b[n-1]
	}
	return n, err
}

// do runs one operation on the session and wraps its error. args are the strings
// that are sent to the server.
func (c *Client) do(ctx context.Context, op, name string, args []string, f func(ctx context.Context, s *session) error) error {
	return c.line.Do(ctx, op, name, args, f)
}

// lives checks the connection with DATE: every server knows it and it has no effect.
func (s *session) lives() bool {
	r, err := s.Cmd("DATE")
	return err == nil && r.Code != 400 && r.Code != 205
}

// welcome reads the greeting.
func (s *session) welcome() (string, error) {
	r, err := s.Reply()
	if err != nil {
		return "", err
	}
	return r.Text(), want(r, 200, 201)
}

// startTLS asks for the upgrade (RFC 4642 2.2).
func (s *session) startTLS() (no *protocols.Error, err error) {
	r, err := s.Cmd("STARTTLS")
	if err != nil || r.Code == 382 {
		return nil, err
	}
	return refusal(r), nil
}

// becomeReader sends MODE READER where needed: to a server that advertises it and
// to one without CAPABILITIES (RFC 3977 5.3).
func (s *session) becomeReader(ctx context.Context) error {
	needed := !s.modern || s.offers("MODE-READER") && !s.offers("READER")
	if w := s.c.Settings.Reader; w == ReaderNever || w == ReaderAuto && !needed {
		return nil
	}
	return s.modeReader(ctx)
}

func (s *session) modeReader(ctx context.Context) error {
	s.reader = true
	r, err := s.Cmd("MODE", "READER")
	switch {
	case err != nil:
		return err
	case unknown(r.Code) || r.Code == 480: // needs a login first, or has no modes
		return nil
	}
	if err := want(r, 200, 201); err != nil {
		return err
	}
	s.Banner = r.Text()
	if !s.modern {
		return nil
	}
	if err := s.capabilities(); err != nil || s.loggedIn {
		return err // no STARTTLS after a login (RFC 4642 2.2.1)
	}
	return s.c.line.Secure(ctx, s)
}

// capabilities sends CAPABILITIES. A server that does not know the command has none.
func (s *session) capabilities() error {
	r, err := s.Cmd("CAPABILITIES")
	if err != nil {
		return err
	}
	s.caps, s.modern = nil, r.Code == 101
	s.overVerb, s.hdrVerb = "", ""
	if !s.modern {
		if r.Code < 400 {
			return s.Fail(refusal(r))
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

// wrap adds the operation and the URL to an error.
func (c *Client) wrap(err error, op, name string) error { return c.line.Wrap(err, op, name) }

// Close ends the session with QUIT and closes the connection. A running
// operation is aborted.
func (c *Client) Close() error {
	err := c.line.Close()
	if f := c.finder.Load(); f != nil {
		f.Close()
	}
	return err
}
