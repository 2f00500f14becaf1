package smtp

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// session is one connection, greeted and logged in.
type session struct {
	*line.Core
	c        *Client
	greeting *protocols.Reply
	hello    *protocols.Reply    // answer to EHLO, LHLO or HELO
	caps     map[string][]string // EHLO keywords in upper case, and their parameters
	order    []string            // the keywords as they came
	answered int                 // messages that got their final answer
	dirty    bool                // a transaction may be open: RSET first
	peek     []byte              // room for the beginning of a message
	loggedIn bool
}

// protocol is SMTP on a session of package line.
func (c *Client) protocol() line.Protocol[*session] {
	return line.Protocol[*session]{
		Name: proto,
		Dialect: line.Dialect{
			Read: read, Refusal: refusal,
			Want:      func(r *protocols.Reply) error { return want(r, 2) },
			Farewell:  func(r *protocols.Reply) bool { return r.Code == 421 },
			Challenge: func(r *protocols.Reply) bool { return r.Code == 334 },
		},
		URLOf:        func(string) string { return protocols.Redact(c.line.URL) },
		Address:      c.address,
		Open:         c.open,
		Preface:      func(_ context.Context, s *session) error { return s.proxied() },
		Greet:        (*session).welcome,
		Learn:        func(s *session) error { return at(atHelo, s.sayHello()) },
		Offers:       func(s *session) bool { return s.has("STARTTLS") },
		TLSVerb:      "STARTTLS",
		StartTLS:     (*session).startTLS,
		Prepare:      func(_ context.Context, s *session) error { return s.pose() },
		LogIn:        func(_ context.Context, s *session) error { return at(atAuth, s.logIn()) },
		Capabilities: func(_ context.Context, s *session) ([]protocols.Capability, error) { return s.capabilities(), nil },
		Lives: func(s *session) bool {
			r, err := s.Cmd("NOOP")
			return err == nil && r.Code != 421
		},
		Over:    func(s *session) bool { return s.Last.Code == 421 || s.Last.Code == 221 },
		Goodbye: func(s *session) { _, _ = s.Cmd("QUIT") },
	}
}

// read reads one reply, with its enhanced code (RFC 2034 4).
func read(lr *wire.LineReader, l protocols.Limits) (*protocols.Reply, error) {
	r, err := line.Numeric(wire.SMTP)(lr, l)
	if err != nil {
		return nil, err
	}
	for _, text := range r.Lines {
		if code, _ := wire.Enhanced(text); code != "" {
			r.Enhanced = code
			break
		}
	}
	return r, nil
}

func (c *Client) open(t *line.Core) (*session, error) {
	s := &session{Core: t, c: c}
	s.patience(replyWithin)
	return s, nil
}

// do runs one operation on the session, and wraps its error.
func (c *Client) do(ctx context.Context, op string, args []string, f func(s *session) error) error {
	return c.line.Do(ctx, op, "", args, func(_ context.Context, s *session) error { return f(s) })
}

// The longest silences of a server (RFC 5321 4.5.3.2). After the end of a message
// it may still be delivering: giving up early makes duplicates.
const (
	replyWithin = 5 * time.Minute
	finalWithin = 10 * time.Minute
)

// patience sets the longest silence, unless the caller has set one.
func (s *session) patience(d time.Duration) {
	if s.c.line.Opts.IdleTimeout == 0 {
		s.Conn.SetIdle(d)
	}
}

// proxied sends the PROXY line, which a server reads before all else.
func (s *session) proxied() error {
	text := s.c.Settings.ProxyHeader
	if text == "" {
		return nil
	}
	header, err := proxyHeader(text, s.c.Settings.ProxyBinary)
	if err != nil {
		return err
	}
	s.Conn.Event(protocols.EventSend, text, 0)
	_, err = io.WriteString(s.Conn, header)
	return err
}

// welcome reads the greeting.
func (s *session) welcome() (string, error) {
	r, err := s.Reply()
	if err != nil {
		return "", err
	}
	s.greeting = r
	return textOf(r), at(atGreeting, want(r, 2))
}

// startTLS asks for the upgrade (RFC 3207).
func (s *session) startTLS() (no *protocols.Error, err error) {
	r, err := s.Cmd("STARTTLS")
	if err != nil || r.Code == 220 {
		return nil, err
	}
	return refusalAt(atSTARTTLS, r), nil
}

// sayHello greets and reads what the server can do. A server that does not know
// EHLO is greeted the old way (RFC 5321 3.2).
func (s *session) sayHello() error {
	name, err := s.helloName()
	if err != nil {
		return err
	}
	verb := "EHLO"
	if s.c.lmtp() {
		verb = "LHLO"
	}
	r, err := s.Cmd(verb, name)
	if err != nil {
		return err
	}
	s.caps, s.order = map[string][]string{}, nil
	if r.Code >= 500 && r.Code != 521 && !s.c.lmtp() {
		s.hello, err = s.Need("HELO", name)
		if e, ok := errors.AsType[*protocols.Error](err); ok && errors.Is(e, errors.ErrUnsupported) {
			e.Hint = "a server that knows neither EHLO nor HELO may speak LMTP: lmtp://"
		}
		return err
	}
	s.hello = r
	if err := want(r, 2); err != nil {
		return err
	}
	s.learn(r.Lines)
	return nil
}

// maxParameters is how many parameters of one keyword are kept.
const maxParameters = 1000

// learn reads the keywords of an EHLO reply. "AUTH=PLAIN" is an old spelling of
// "AUTH PLAIN"; servers give both.
func (s *session) learn(lines []string) {
	for _, l := range lines[min(1, len(lines)):] {
		words := strings.Fields(l)
		if len(words) == 0 {
			continue
		}
		key := strings.ToUpper(words[0])
		if old, first, ok := strings.Cut(key, "="); ok && old == "AUTH" {
			key, words = old, append([]string{old, first}, words[1:]...)
		}
		if _, known := s.caps[key]; !known {
			s.order = append(s.order, key)
		}
		for _, w := range words[1:] {
			if len(s.caps[key]) < maxParameters && !slices.Contains(s.caps[key], w) {
				s.caps[key] = append(s.caps[key], w)
			}
		}
		if s.caps[key] == nil {
			s.caps[key] = []string{}
		}
	}
}

func (s *session) has(keyword string) bool {
	_, ok := s.caps[keyword]
	return ok
}

// helloName is the name that was set, or the address of this end as a literal (RFC
// 5321 4.1.3).
func (s *session) helloName() (string, error) {
	if name := s.c.Settings.Hello; name != "" {
		if strings.ContainsAny(name, " \t\r\n\x00") {
			return "", protocols.UsageError(proto, "", "the EHLO name contains a space or line break")
		}
		return name, nil
	}
	addr, ok := s.Conn.LocalAddr().(*net.TCPAddr)
	switch {
	case !ok:
		return "localhost", nil
	case addr.IP.To4() != nil:
		return "[" + addr.IP.String() + "]", nil
	}
	return "[IPv6:" + addr.IP.String() + "]", nil
}

// capabilities returns the keywords of EHLO.
func (s *session) capabilities() (list []protocols.Capability) {
	for _, name := range s.order {
		list = append(list, protocols.Capability{Name: name, Params: s.caps[name]})
	}
	return list
}

// pose sends the attributes of XCLIENT, which makes a server that trusts us take
// us for another client; it then begins anew.
func (s *session) pose() error {
	if len(s.c.Settings.XClient) == 0 {
		return nil
	}
	if !s.has("XCLIENT") {
		return lacks("XCLIENT", "take us for another client")
	}
	var args []string
	for name, value := range s.c.Settings.XClient {
		args = append(args, strings.ToUpper(name)+"="+xtext(value))
	}
	slices.Sort(args)
	if _, err := s.Need("XCLIENT", args...); err != nil {
		return err
	}
	return s.sayHello()
}

// Close ends the session with QUIT and closes the connection. A running
// operation is cut off.
func (c *Client) Close() error { return c.line.Close() }
