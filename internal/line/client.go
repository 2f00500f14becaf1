package line

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/netclients/netclients/internal/mask"
	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// goodbyeWithin bounds the goodbye.
const goodbyeWithin = 2 * time.Second

// ErrStop ends a listing whose reader has had enough: [Client.Do] returns it as it is.
var ErrStop = errors.New("stopped")

// Client holds the one session that an adapter's client has with its server.
type Client[S Session] struct {
	URL    *url.URL
	Scheme protocols.Scheme
	Opts   *protocols.Options // with a trace that shows no secret
	Limits protocols.Limits
	Dialer *transport.Dialer
	Mask   *mask.Mask

	p     Protocol[S]
	gate  protocols.Gate
	plain atomic.Bool // the upgrade to TLS was accepted and failed: it is not tried again

	mu      sync.Mutex // guards what Close shares with an operation
	current S
	have    bool
}

// New makes a client of the protocol for the server of u. It does no I/O.
func New[S Session](p Protocol[S], u *url.URL, s protocols.Scheme, o *protocols.Options) *Client[S] {
	c := &Client[S]{URL: u, Scheme: s, Limits: o.Limits.WithDefaults(), Mask: &mask.Mask{}, p: p}
	own := *o
	own.Trace = c.Mask.Trace(o.Trace)
	if o.Warn != nil {
		own.Warn = func(text string) { o.Warn(c.Mask.Text(text)) }
	}
	c.Opts, c.Dialer = &own, transport.NewDialer(p.Name, u, &own)
	return c
}

// Enter begins an operation: it checks the arguments that will go on the wire and
// lets one operation in at a time. Nothing is sent before. The operation uses the
// context that it returns, and calls leave once.
func (c *Client[S]) Enter(ctx context.Context, args ...string) (of context.Context, leave func(), err error) {
	if err := c.Closed(); err != nil {
		return nil, nil, err
	}
	if err := wire.Check(args...); err != nil {
		return nil, nil, &protocols.Error{Kind: protocols.KindUsage, Err: err}
	}
	return c.gate.Begin(ctx)
}

// Do runs a whole operation of the verb op on name, and wraps its error. args are
// what goes on the wire beside the name.
func (c *Client[S]) Do(ctx context.Context, op, name string, args []string, f func(ctx context.Context, s S) error) (err error) {
	ctx, done := c.Observed(ctx, op, name)
	defer func() { done(err) }()
	ctx, leave, err := c.Enter(ctx, append([]string{name}, args...)...)
	if err == nil {
		defer leave()
		err = c.check(name)
	}
	if err == nil {
		err = c.Run(ctx, func(s S) error { return f(ctx, s) })
	}
	return c.Wrap(err, op, name)
}

// Observed has the options' hook see an operation: see [protocols.Options.Begin].
func (c *Client[S]) Observed(ctx context.Context, op, name string) (of context.Context, done func(error)) {
	return c.Opts.Begin(ctx, operation(c, op, name))
}

// Opened is Observed for an object: see [protocols.Options.Opened].
func Opened[S Session](ctx context.Context, c *Client[S], op, name string, get func(ctx context.Context) (*protocols.Object, error)) (*protocols.Object, error) {
	return c.Opts.Opened(ctx, operation(c, op, name), get)
}

func operation[S Session](c *Client[S], verb, name string) protocols.Op {
	return protocols.Op{Protocol: c.p.Name, Verb: verb, Host: c.URL.Host, Name: name}
}

// Begin is Do for an operation that goes on after the call, as long as an object is
// open. check refuses a name before anything is connected. The caller calls end once,
// unless there is an error.
func (c *Client[S]) Begin(ctx context.Context, name string, check func() error) (of context.Context, s S, end func(), err error) {
	ctx, leave, err := c.Enter(ctx, name)
	if err != nil {
		return nil, s, nil, err
	}
	var done func()
	if err = check(); err == nil {
		s, done, err = c.Get(ctx)
	}
	if err != nil {
		leave()
		return nil, s, nil, err
	}
	return ctx, s, func() {
		done()
		leave()
	}, nil
}

func (c *Client[S]) check(name string) error {
	if c.p.CheckName == nil {
		return nil
	}
	return c.p.CheckName(name)
}

// Run runs f on the session: connected, cut off when the context ends, forgotten
// when it is lost. The operation must have entered.
func (c *Client[S]) Run(ctx context.Context, f func(s S) error) error {
	once := func() error {
		s, done, err := c.Get(ctx)
		if err != nil {
			return err
		}
		defer done()
		return f(s)
	}
	if c.p.Repeat != nil {
		return c.p.Repeat(once)
	}
	return once()
}

// Get returns the live session, or makes one, and puts its connection into use. The
// operation must have entered, and calls done once, before it leaves.
func (c *Client[S]) Get(ctx context.Context) (s S, done func(), err error) {
	s, have := c.held()
	if have {
		if have, err = c.usable(ctx, s); err != nil {
			return s, nil, err
		}
	}
	if !have {
		if s, err = c.Walk(ctx, Settled, nil); err != nil {
			return s, nil, err
		}
		if err = c.keep(s); err != nil {
			return s, nil, err
		}
	}
	free := s.Line().Conn.Use(ctx)
	return s, func() {
		free()
		c.settle(s)
	}, nil
}

func (c *Client[S]) held() (s S, have bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current, c.have
}

// keep makes s the session, unless the client was closed meanwhile.
func (c *Client[S]) keep(s S) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.Closed(); err != nil {
		s.Line().Conn.Close()
		return err
	}
	c.current, c.have = s, true
	return nil
}

// usable reports whether a session that was kept can be used. One that cannot is
// forgotten.
func (c *Client[S]) usable(ctx context.Context, s S) (bool, error) {
	defer s.Line().Conn.Use(ctx)()
	err := c.Look(s)
	if err == nil {
		return true, nil
	}
	c.Drop(s)
	if errors.Is(err, ErrOver) {
		s.Line().Conn.Event(protocols.EventNote, "the server has ended the session: connecting anew", 0)
		err = context.Cause(ctx)
	}
	return false, err
}

// Look looks at a session that rested, whose connection is in use: without a round
// trip, and by a question when the rest was long. [ErrOver] means that the server has
// ended it.
func (c *Client[S]) Look(s S) error {
	t := s.Line()
	rested := time.Since(t.Used)
	if err := t.rested(); err != nil {
		return err
	}
	if within := c.Opts.RestWithin(); within > 0 && rested >= within && !c.p.Lives(s) {
		return ErrOver
	}
	return nil
}

// settle forgets a session that is lost, or out of step: an operation that ended with
// answers still to come leaves them to the next one.
func (c *Client[S]) settle(s S) {
	if t := s.Line(); t.Failed() != nil || t.Conn.Broken() || t.unanswered() || c.p.Over != nil && c.p.Over(s) {
		c.Drop(s)
	}
}

// Drop forgets a session and closes its connection.
func (c *Client[S]) Drop(s S) {
	c.mu.Lock()
	if c.have && c.current == s {
		c.have = false
	}
	c.mu.Unlock()
	s.Line().Conn.Close()
}

// Held reports whether there is a session.
func (c *Client[S]) Held() bool {
	_, have := c.held()
	return have
}

// Close ends the session, politely when no operation is going on; one that is ends at
// once with [protocols.ErrClosed]. It may be called twice.
func (c *Client[S]) Close() error {
	c.gate.Close()
	c.mu.Lock()
	s, have := c.current, c.have
	c.have = false
	c.mu.Unlock()
	if !have {
		return nil
	}
	if c.gate.Enter() == nil {
		c.Goodbye(context.Background(), s)
		c.gate.Leave()
	}
	return s.Line().Conn.Close()
}

// Closed returns an error of class [protocols.ErrClosed] once Close was called.
func (c *Client[S]) Closed() error {
	if c.gate.Closed() {
		return &protocols.Error{Kind: protocols.KindUsage, Sentinel: protocols.ErrClosed}
	}
	return nil
}

// Goodbye ends a session politely, within a bounded time.
func (c *Client[S]) Goodbye(ctx context.Context, s S) {
	ctx, cancel := context.WithTimeout(ctx, goodbyeWithin)
	defer cancel()
	defer s.Line().Conn.Use(ctx)()
	c.p.Goodbye(s)
}

// Wrap adds protocol, verb and URL to an error, and hides secrets in it.
func (c *Client[S]) Wrap(err error, op, name string) error {
	if err == nil || errors.Is(err, ErrStop) {
		return err
	}
	return c.Mask.Error(protocols.Wrap(err, c.p.Name, op, c.p.URLOf(name)))
}
