package line

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
)

// Stage is how far the making of a session has come.
type Stage int

// The stages, in their order.
const (
	Connected Stage = iota // the connection stands, TLS from the start included
	Greeted                // the greeting was read
	Learned                // the capabilities are known
	Secured                // the upgrade to TLS is done, if it is to be
	LoggedIn               // the login is done, if somebody is to log in
	Settled                // all is ready
)

// Walk makes a session, up to a stage. at, if not nil, is called at each stage; its
// error ends the walk. The caller owns the session: it closes the connection.
//
// Who logs in is asked for only where the walk gets that far, and before anything is
// sent: what cannot be sent is refused first.
func (c *Client[S]) Walk(ctx context.Context, last Stage, at func(stage Stage, s S) error) (S, error) {
	s, err := c.walk(ctx, last, at)
	if failed, ok := errors.AsType[*errPlain](err); ok {
		s.Line().Conn.Event(protocols.EventNote, "TLS failed ("+failed.Error()+"): connecting anew without it", 0)
		c.plain.Store(true)
		s, err = c.walk(ctx, last, at)
	}
	return s, err
}

// walk goes once. The session is not the zero one once the connection stands; it is
// closed when there is an error.
func (c *Client[S]) walk(ctx context.Context, last Stage, at func(stage Stage, s S) error) (s S, err error) {
	network, host, port, err := c.address()
	if err != nil {
		return s, err
	}
	conn, err := c.Dialer.Dial(ctx, "control", network, host, port)
	if err != nil {
		return s, err
	}
	t := newCore(conn, &c.p.Dialect, c.Limits, c.Mask, c.Opts.Trace != nil)
	defer conn.Use(ctx)()
	if s, err = c.p.Open(t); err == nil {
		err = c.steps(ctx, s, last, at)
	}
	if err != nil {
		conn.Close()
	}
	t.wary = false
	return s, err
}

// steps are what is done to reach each stage.
func (c *Client[S]) steps(ctx context.Context, s S, last Stage, at func(stage Stage, s S) error) error {
	for stage, step := range []func(ctx context.Context, s S, last Stage) error{c.connected, c.greet, c.learned, c.secure, c.logIn, c.settled} {
		if Stage(stage) > last {
			break
		}
		if err := step(ctx, s, last); err != nil {
			return err
		}
		if at == nil {
			continue
		}
		if err := at(Stage(stage), s); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client[S]) connected(ctx context.Context, s S, _ Stage) error {
	if c.p.Preface != nil {
		if err := c.p.Preface(ctx, s); err != nil {
			return err
		}
	}
	if c.Scheme.TLS == protocols.TLSImplicit {
		return s.Line().Conn.StartTLS(ctx)
	}
	return nil
}

func (c *Client[S]) greet(_ context.Context, s S, _ Stage) (err error) {
	t := s.Line()
	start := time.Now()
	t.Banner, err = c.p.Greet(s)
	t.Greeting = time.Since(start)
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return &protocols.Error{Kind: protocols.KindProtocol, Retryable: true, Text: "the server closed the connection without a greeting"}
	}
	return err
}

func (c *Client[S]) learned(ctx context.Context, s S, last Stage) error {
	if last >= LoggedIn {
		if err := c.identify(ctx, s.Line()); err != nil {
			return err
		}
	}
	return c.learn(s)
}

func (c *Client[S]) secure(ctx context.Context, s S, _ Stage) error {
	if err := c.Secure(ctx, s); err != nil || c.p.Prepare == nil {
		return err
	}
	return c.p.Prepare(ctx, s)
}

func (c *Client[S]) logIn(ctx context.Context, s S, _ Stage) error {
	start := time.Now()
	err := c.p.LogIn(ctx, s)
	s.Line().Login = time.Since(start)
	return err
}

func (c *Client[S]) settled(ctx context.Context, s S, _ Stage) error {
	if c.p.Settle == nil {
		return nil
	}
	return c.p.Settle(ctx, s)
}

// phases are the names of what follows each stage in a report.
var phases = map[Stage]string{Connected: "greeting", Secured: "login", LoggedIn: "caps"}

// Probe connects, greets, brings TLS up, logs in when the options say so, and asks for
// the capabilities, on a connection of its own, so that each step is timed. ready, if
// not nil, is called when the connection stands.
func (c *Client[S]) Probe(ctx context.Context, ready func(s S)) (*protocols.Report, error) {
	r, err := transport.ProbeGate(ctx, c.URL, &c.gate, func(ctx context.Context, r *protocols.Report) error { return c.probe(ctx, r, ready) })
	r.Banner = c.Mask.Text(r.Banner)
	return r, c.Wrap(err, "probe", "")
}

func (c *Client[S]) probe(ctx context.Context, r *protocols.Report, ready func(s S)) error {
	last := Secured
	if c.Opts.ProbeLogin {
		last = LoggedIn
	}
	var t *Core
	s, err := c.Walk(ctx, last, func(stage Stage, s S) error {
		t = s.Line()
		if stage == Connected && ready != nil {
			ready(s)
		}
		if phase, ok := phases[stage]; ok {
			r.Phase = phase
		}
		return nil
	})
	if t == nil {
		return err
	}
	defer t.Conn.Close()
	r.Address, r.Banner, r.Greeting, r.Login = t.Conn.RemoteAddr().String(), t.Banner, t.Greeting, t.Login
	t.Conn.Measure(r)
	if err != nil {
		return err
	}
	defer t.Conn.Use(ctx)()
	r.Phase = phases[LoggedIn]
	list, err := c.p.Capabilities(ctx, s)
	r.Capabilities = c.Mask.Capabilities(list)
	if err == nil {
		c.Goodbye(ctx, s)
	}
	return err
}
