package ftp

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	ftplib "github.com/jlaffaye/ftp"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// session is one login on one control connection.
type session struct {
	*line.Core
	c        *Client
	lib      *ftplib.ServerConn // nil: not started yet
	greeting *protocols.Reply
	known    bool              // the server is one of known
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
	noMLSD   bool              // the server announces MLST and refuses it
	noSize   bool              // SIZE is not implemented
	zone     *time.Location    // of LIST; nil: not known, UTC is taken
	ahead    *launched         // the transfer whose commands are under way already
}

// protocol is FTP on a session of package line.
func (c *Client) protocol() line.Protocol[*session] {
	return line.Protocol[*session]{
		Name: proto,
		Dialect: line.Dialect{
			Read: c.read, Refusal: refusal,
			Want:        func(r *protocols.Reply) error { return want(r, 2) },
			Farewell:    func(r *protocols.Reply) bool { return r.Code == 421 },
			Preliminary: func(r *protocols.Reply) bool { return r.Code < 200 },
		},
		URLOf:     func(name string) string { return c.urlOf(name, false) },
		Open:      c.open,
		Greet:     (*session).welcome,
		Offers:    func(*session) bool { return true }, // AUTH is tried: FEAT may not be answered before a login
		TLSVerb:   "AUTH TLS",
		StartTLS:  (*session).startTLS,
		Prepare:   func(_ context.Context, s *session) error { return s.chooseHost() },
		Anonymous: noSecret,
		Complete:  c.complete,
		Repeat:    c.repeat,
		LogIn:     func(_ context.Context, s *session) error { return entrance{s}.logIn() },
		Settle:    func(ctx context.Context, s *session) error { return entrance{s}.settle(ctx) },
		Capabilities: func(_ context.Context, s *session) ([]protocols.Capability, error) {
			err := s.askFeatures()
			return s.capabilities(), err
		},
		Lives: func(s *session) bool {
			r, err := s.Cmd("NOOP")
			return err == nil && r.Code != 421
		},
		Over:    func(s *session) bool { return s.Last.Code == 421 },
		Goodbye: func(s *session) { _, _ = s.Cmd("QUIT") },
	}
}

// open makes a session on its connection.
func (c *Client) open(t *line.Core) (*session, error) {
	s := &session{Core: t, c: c, feats: map[string]string{}}
	t.Encode, t.Explain = s.encode, cutShort
	var err error
	c.charset, err = c.Settings.charset()
	return s, err
}

// read reads a reply, in the charset of the server.
func (c *Client) read(lr *wire.LineReader, l protocols.Limits) (*protocols.Reply, error) {
	r, err := line.Numeric(wire.FTP)(lr, l)
	if err != nil {
		return nil, err
	}
	for i, text := range r.Lines {
		r.Lines[i] = decode(c.charset, text)
	}
	return r, nil
}

// encode returns the bytes of an argument on the wire.
func (s *session) encode(name string) (string, error) {
	coded, err := s.inCharset(name)
	return s.escape(coded), err
}

// inCharset returns a name in the charset of the server.
func (s *session) inCharset(name string) (string, error) {
	if s.c.charset == nil {
		return name, nil
	}
	coded, err := s.c.charset.Encode(name)
	if err != nil {
		return "", protocols.UsageError(proto, "", fmt.Sprintf("name %q cannot be written in the charset of the server", name))
	}
	return coded, nil
}

// decode returns a text in UTF-8; charset is nil where it is that already.
func decode(charset Charset, text string) string {
	if charset == nil {
		return text
	}
	plain, err := charset.Decode(text)
	if err != nil {
		return text
	}
	return plain
}

// welcome reads the greeting; 120 announces one (RFC 959 5.4).
func (s *session) welcome() (string, error) {
	for range 3 {
		r, err := s.Reply()
		if err != nil {
			return "", err
		}
		if r.Code != 120 {
			text := r.Text()
			s.greeting, s.known = r, slices.ContainsFunc(known, func(name string) bool { return strings.Contains(text, name) })
			s.Prompt = s.known
			return text, want(r, 2)
		}
	}
	return "", protocols.ProtocolError(proto, "", "no greeting after several 120 replies")
}

// startTLS asks for the upgrade (RFC 4217 4).
func (s *session) startTLS() (no *protocols.Error, err error) {
	r, err := s.Cmd("AUTH", "TLS")
	if err != nil || r.Code == 234 {
		return nil, err
	}
	return refusal(r), nil
}

// chooseHost asks for a virtual host, before USER (RFC 7151 3).
func (s *session) chooseHost() error {
	if s.c.Settings.Host == "" {
		return nil
	}
	_, err := s.Need("HOST", s.c.Settings.Host)
	return err
}

// need sends one command whose reply must be of the class.
func (s *session) need(class int, verb string, args ...string) (*protocols.Reply, error) {
	r, err := s.Cmd(verb, args...)
	if err != nil {
		return nil, err
	}
	return r, want(r, class)
}

// Close ends the session with QUIT and closes the connection. A running operation
// is cut off.
func (c *Client) Close() error { return c.line.Close() }
