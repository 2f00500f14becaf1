package pop3

import (
	"context"
	"io"
	"strings"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// session is one login on one connection. Numbers of messages hold as long as it
// lives.
type session struct {
	*line.Core
	c     *Client
	stamp string              // of the greeting, for APOP; empty: none
	caps  map[string][]string // nil: the server does not know CAPA
	user  string              // who has logged in
	ids   *ids                // nil: not asked yet
}

// protocol is POP3 on a session of package line. Dropping a session goes without
// QUIT, so that the server deletes nothing.
func (c *Client) protocol() line.Protocol[*session] {
	return line.Protocol[*session]{
		Name: proto,
		Dialect: line.Dialect{
			Read: read, Refusal: refusal, Want: want, Farewell: func(r *protocols.Reply) bool { return r.Word == "-ERR" },
			Challenge: more,
		},
		URLOf:     c.urlOf,
		CheckName: func(name string) error { _, err := parseName(name); return err },
		User:      cutAuth,
		Open:      func(t *line.Core) (*session, error) { return &session{Core: t, c: c}, nil },
		Greet:     (*session).welcome,
		Learn:     (*session).askCaps,
		Offers:    func(s *session) bool { return s.has("STLS") },
		TLSVerb:   "STLS",
		StartTLS:  (*session).startTLS,
		LogIn:     func(_ context.Context, s *session) error { return s.logIn() },
		Settle:    func(_ context.Context, s *session) error { return s.settle() },
		Capabilities: func(_ context.Context, s *session) ([]protocols.Capability, error) {
			err := s.refresh()
			return s.capabilities(), err
		},
		Lives:   func(s *session) bool { _, err := s.Need("NOOP"); return err == nil },
		Goodbye: func(s *session) { _, _ = s.Cmd("QUIT") },
	}
}

// do runs one operation on the session, and wraps its error. args are what goes on
// the wire.
func (c *Client) do(ctx context.Context, op, name string, args []string, f func(ctx context.Context, s *session) error) error {
	return c.line.Do(ctx, op, name, args, f)
}

// welcome reads the greeting (RFC 1939 4 and 7).
func (s *session) welcome() (string, error) {
	r, err := s.Reply()
	if err != nil {
		return "", err
	}
	text := r.Text()
	if !ok(r) {
		e := entryRefusal(r)
		e.Kind, e.Retryable = protocols.KindTemporary, true // it may take us later
		return text, e
	}
	s.stamp = timeStamp(text)
	return text, nil
}

// timeStamp returns the time stamp for APOP in a greeting with its angle brackets,
// or "". RFC 1939 7 wants it in the form of a message-id, with an "@"; some servers
// leave that out.
func timeStamp(greeting string) string {
	open := strings.IndexByte(greeting, '<')
	if open < 0 {
		return ""
	}
	if end := strings.IndexByte(greeting[open:], '>'); end > 1 {
		return greeting[open : open+end+1]
	}
	return ""
}

// startTLS asks for the upgrade (RFC 2595 4).
func (s *session) startTLS() (no *protocols.Error, err error) {
	r, err := s.Cmd("STLS")
	if err != nil || ok(r) {
		return nil, err
	}
	return refusal(r), nil
}

// askCaps asks with CAPA (RFC 2449 5). What was known before is forgotten. A
// server that does not know CAPA has no capabilities to tell.
func (s *session) askCaps() error {
	s.caps = nil
	r, err := s.Cmd("CAPA")
	if err != nil || !ok(r) {
		return err
	}
	s.caps = map[string][]string{}
	total, count := 0, 0
	err = s.lines(func(line []byte) bool {
		if total, count = total+len(line), count+1; total > int(s.Limits.Reply) || count > s.Limits.ReplyLines {
			s.Fail(&wire.LimitError{What: "list of capabilities", Limit: s.Limits.Reply})
			return false
		}
		if f := strings.Fields(string(line)); len(f) > 0 {
			s.caps[strings.ToUpper(f[0])] = f[1:]
		}
		return true
	})
	if err == nil {
		err = s.Failed()
	}
	return err
}

// refresh asks again after a login: some servers tell only then.
func (s *session) refresh() error {
	if s.user == "" {
		return nil
	}
	return s.askCaps()
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
		if _, err := s.Need("LANG", s.c.Settings.Lang); err != nil {
			return err
		}
	}
	if s.caps != nil && !s.pipelined() && !s.c.Settings.NoPipelining { // some servers tell only those who have logged in
		return s.askCaps()
	}
	return nil
}

// wrap adds the verb and the URL to an error.
func (c *Client) wrap(err error, op, name string) error { return c.line.Wrap(err, op, name) }

// Close ends the session with QUIT and closes the connection. A running operation
// is cut off, and then nothing is deleted.
func (c *Client) Close() error { return c.line.Close() }

// lines returns the lines of a multi-line answer whose status has been read. When
// each says no, the rest is read and dropped, or the connection given up.
func (s *session) lines(each func(line []byte) bool) error {
	d := wire.NewDotReader(s.In)
	d.LenientLF = true
	for {
		line, err := d.ReadLine()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return s.Fail(err)
		}
		if !each(line) {
			s.drain(d)
			return nil
		}
	}
}

// maxDrain is how much of an unwanted answer is read so that the connection can
// be used on.
const maxDrain = 256 << 10

// dots returns a reader of the lines after the status line that was read last. A server
// that ends that one with LF alone ends all so.
func (s *session) dots() *wire.DotReader {
	d := wire.NewDotReader(s.In)
	d.LenientLF = s.In.BareLF()
	return d
}

func (s *session) drain(d *wire.DotReader) { s.Fail(d.Drain(maxDrain)) }
