package smtp

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// session is one connection, greeted and logged in.
type session struct {
	*link
	c        *Client
	greeting *protocols.Reply
	hello    *protocols.Reply    // answer to EHLO, LHLO or HELO
	caps     map[string][]string // EHLO keywords in upper case, and their parameters
	order    []string            // the keywords as they came
	answered int                 // messages that got their final answer
	dirty    bool                // a transaction may be open: RSET first
	peek     []byte              // room for the beginning of a message
	greeted  time.Duration       // how long the greeting took
	cred     protocols.Credential
	login    time.Duration // how long the login took
}

// do runs one operation on the session, and wraps its error.
func (c *Client) do(ctx context.Context, op string, names []string, f func(s *session) error) error {
	return c.wrap(c.keeper.Do(ctx, names, f), op)
}

// What package keeper asks of a session.

func (s *session) Conn() *transport.Conn { return s.conn }
func (s *session) Used() time.Time       { return s.used }
func (s *session) Goodbye()              { s.cmd("QUIT") }
func (s *session) Lost() bool            { return s.failed != nil || s.last == 421 || s.last == 221 }

func (s *session) Lives() bool {
	r, err := s.cmd("NOOP")
	return err == nil && r.Code != 421
}

// connect dials, greets, secures and logs in.
func (c *Client) connect(ctx context.Context) (*session, error) {
	s, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	done := s.conn.Use(ctx)
	defer done()
	if err = s.begin(ctx, true); err == nil {
		err = s.logIn()
	}
	if err != nil {
		s.conn.Close()
		return nil, err
	}
	return s, nil
}

// dial opens the connection; with TLS from the start the handshake is done.
func (c *Client) dial(ctx context.Context) (*session, error) {
	network, host, port := c.address()
	conn, err := c.dialer.Dial(ctx, "control", network, host, port)
	if err != nil {
		return nil, err
	}
	done := conn.Use(ctx)
	defer done()
	if err := c.opening(ctx, conn); err != nil {
		conn.Close()
		return nil, err
	}
	s := &session{link: newLink(conn, c.limits), c: c}
	s.patience(replyWithin)
	return s, nil
}

// The longest silences of a server (RFC 5321 4.5.3.2). Behind the end of a message
// it may still be delivering: who gives up early makes duplicates.
const (
	replyWithin = 5 * time.Minute
	finalWithin = 10 * time.Minute
)

// patience sets the longest silence, unless the caller has set one.
func (s *session) patience(d time.Duration) {
	if s.c.opts.IdleTimeout == 0 {
		s.conn.SetIdle(d)
	}
}

// opening sends the PROXY line, which a server reads before all else, and brings
// up TLS that is there from the start.
func (c *Client) opening(ctx context.Context, conn *transport.Conn) error {
	if line := c.Settings.ProxyHeader; line != "" {
		header, err := proxyHeader(line, c.Settings.ProxyBinary)
		if err != nil {
			return err
		}
		conn.Event(protocols.EventSend, line, 0)
		if _, err := io.WriteString(conn, header); err != nil {
			return err
		}
	}
	if c.scheme.TLS == protocols.TLSImplicit {
		return conn.StartTLS(ctx)
	}
	return nil
}

// begin reads the greeting, says hello and brings TLS up. It sends no secret, but
// asks for one, for who is going to log in.
func (s *session) begin(ctx context.Context, login bool) error {
	if err := s.welcome(); err != nil {
		return err
	}
	if login {
		if err := s.identify(ctx); err != nil {
			return err
		}
	}
	if err := s.sayHello(); err != nil {
		return err
	}
	if err := s.secure(ctx); err != nil {
		return err
	}
	return s.pose()
}

// welcome reads the greeting.
func (s *session) welcome() error {
	start := time.Now()
	r, err := s.reply()
	if errors.Is(err, io.EOF) {
		return &protocols.Error{Kind: protocols.KindProtocol, Retryable: true, Text: "the server closed the connection without a greeting"}
	}
	if err != nil {
		return err
	}
	s.greeting, s.greeted = r, time.Since(start)
	return want(r, 2)
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
	r, err := s.cmd(verb, name)
	if err != nil {
		return err
	}
	s.caps, s.order = map[string][]string{}, nil
	if r.Code >= 500 && r.Code != 521 && !s.c.lmtp() {
		s.hello, err = s.need("HELO", name)
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
			if !slices.Contains(s.caps[key], w) {
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
			return "", protocols.UsageError(proto, "", "the name to greet with holds a blank or a line break")
		}
		return name, nil
	}
	addr, ok := s.conn.LocalAddr().(*net.TCPAddr)
	switch {
	case !ok:
		return "localhost", nil
	case addr.IP.To4() != nil:
		return "[" + addr.IP.String() + "]", nil
	}
	return "[IPv6:" + addr.IP.String() + "]", nil
}

// secure upgrades with STARTTLS as scheme and options say (RFC 3207). Nothing may
// have come behind the 220: it would be taken for the server's word under TLS
// (CVE-2021-22947). What the server said of itself before is forgotten.
func (s *session) secure(ctx context.Context) error {
	mode := s.c.opts.TLS.Mode
	required := mode == protocols.TLSRequire
	if s.c.scheme.TLS == protocols.TLSImplicit || mode == protocols.TLSOff || !required && !s.has("STARTTLS") {
		return nil
	}
	r, err := s.cmd("STARTTLS")
	if err != nil {
		return err
	}
	if r.Code != 220 {
		if !required && r.Code >= 400 {
			return nil
		}
		return &protocols.Error{Kind: protocols.KindTLS, Code: r.Code, Enhanced: r.Enhanced, Text: textOf(r) + ": TLS was asked for, the server does not give it"}
	}
	if s.in.Buffered() > 0 {
		return s.fail(&protocols.Error{Kind: protocols.KindTLS, Text: "bytes in clear behind the reply to STARTTLS: somebody may be in the way"})
	}
	if err := s.fail(s.conn.StartTLS(ctx)); err != nil {
		return err
	}
	return s.sayHello()
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
	if _, err := s.need("XCLIENT", args...); err != nil {
		return err
	}
	return s.sayHello()
}

// Close ends the session with QUIT and closes the connection. A running
// operation is cut off.
func (c *Client) Close() error { return c.keeper.Close() }
