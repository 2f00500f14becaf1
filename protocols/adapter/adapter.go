// Package adapter is for adapters outside of this module: what the laws of package
// protocols ask of every operation of a client, for protocols that use one connection
// for each (finger, whois, gopher) or a few commands on it (dict, RFC 2229).
//
// An adapter embeds a [Base] in its client and begins each operation with
// [Base.Begin]: it checks the arguments, lets one operation in at a time, connects with
// the options (proxy, TLS, time limits, trace), and ties the connection to the context.
// [Operation.Lines] reads bounded lines, replies and dot-stuffed text;
// [Operation.Send] writes checked commands; [Operation.End] closes the connection and
// wraps the error. The client has Probe and Close from its Base.
//
// The folders examples/finger and examples/dict are adapters in modules of their own.
// The package itself implements no RFC.
package adapter

import (
	"context"
	"net/url"
	"sync"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Base is what all clients of such adapters have.
type Base struct {
	Spec    *protocols.Spec
	URL     *url.URL
	Scheme  protocols.Scheme
	Options *protocols.Options // never nil
	Limits  protocols.Limits

	// Greet, if set, reads what a server says first, before any command. Each operation
	// begins with it, and Probe, whose report has the banner that it returns. An error
	// ends the operation. The adapter sets it in its constructor.
	Greet func(l *Lines) (banner string, err error)

	dialer *transport.Dialer
	gate   protocols.Gate
}

// New makes the base of a client for the server of u. It does no I/O, and accepts nil
// options. A scheme that the adapter does not have is an error of kind Usage.
func New(s *protocols.Spec, u *url.URL, o *protocols.Options) (*Base, error) {
	scheme, o, err := s.Accept(u, o)
	if err != nil {
		return nil, err
	}
	return &Base{Spec: s, URL: u, Scheme: scheme, Options: o, Limits: o.Limits.WithDefaults(), dialer: transport.NewDialer(s.Name, u, o)}, nil
}

// Close ends the operation that is going on with [protocols.ErrClosed]; none is let in
// after it. It may be called more than once.
func (b *Base) Close() error {
	b.gate.Close()
	return nil
}

// Probe connects, with TLS where the scheme begins with it, reads the greeting, and
// reports how long that took.
func (b *Base) Probe(ctx context.Context) (*protocols.Report, error) {
	r, err := transport.ProbeGate(ctx, b.URL, &b.gate, func(ctx context.Context, r *protocols.Report) error {
		conn, err := b.connect(ctx)
		if err != nil {
			return err
		}
		defer conn.Close() // what matters is the greeting
		defer conn.Use(ctx)()
		r.Address = conn.RemoteAddr().String()
		conn.Measure(r)
		if b.Greet == nil {
			return nil
		}
		r.Phase = "greeting"
		r.Banner, err = b.Greet(b.lines(conn))
		return err
	})
	return r, b.Wrap(err, "probe", "")
}

// URLOf returns the URL of a name, which is its path.
func (b *Base) URLOf(name string) string {
	u := *b.URL
	u.Path, u.RawPath = "/"+name, ""
	return protocols.Redact(&u)
}

// Wrap adds protocol, verb and URL to an error, once, where an exported method returns.
func (b *Base) Wrap(err error, op, name string) error {
	return protocols.Wrap(err, b.Spec.Name, op, b.URLOf(name))
}

// Check refuses arguments with CR, LF or NUL, which would end or cut a command.
func Check(args ...string) error {
	if err := wire.Check(args...); err != nil {
		return &protocols.Error{Kind: protocols.KindUsage, Err: err}
	}
	return nil
}

func (b *Base) connect(ctx context.Context) (*transport.Conn, error) {
	host, port := protocols.HostPort(b.URL, b.Scheme)
	conn, err := b.dialer.Dial(ctx, "control", "tcp", host, port)
	if err != nil {
		return nil, err
	}
	if b.Scheme.TLS != protocols.TLSImplicit {
		return conn, nil
	}
	if err := conn.StartTLS(ctx); err != nil {
		_ = conn.Close() // the handshake's error matters
		return nil, err
	}
	return conn, nil
}

// Operation is one operation of a client, with its connection. One goroutine uses it.
type Operation struct {
	*Lines
	conn *transport.Conn
	ctx  context.Context
	b    *Base
	verb string
	name string
	end  func()
	done func(error) // has Options.Observe see the end, once
}

// Begin begins the operation verb on name. args are what else will go on the wire. The
// error is wrapped. The caller calls End, once.
func (b *Base) Begin(ctx context.Context, verb, name string, args ...string) (*Operation, error) {
	ctx, done, _ := b.Options.Streamed(ctx, protocols.Op{Protocol: b.Spec.Name, Verb: verb, Host: b.URL.Host, Name: name})
	o, err := b.begin(ctx, verb, name, args, done)
	if err != nil {
		done(err)
	}
	return o, err
}

func (b *Base) begin(ctx context.Context, verb, name string, args []string, done func(error)) (*Operation, error) {
	err := Check(append([]string{name}, args...)...)
	var leave func()
	if err == nil {
		ctx, leave, err = b.gate.Begin(ctx)
	}
	if err != nil {
		return nil, b.Wrap(err, verb, name)
	}
	conn, err := b.connect(ctx)
	if err != nil {
		leave()
		return nil, b.Wrap(err, verb, name)
	}
	free := conn.Use(ctx)
	o := &Operation{conn: conn, done: done, ctx: ctx, b: b, verb: verb, name: name, Lines: b.lines(conn)}
	o.end = sync.OnceFunc(func() {
		free()
		_ = conn.Close() // what was read is complete or has its own error
		leave()
	})
	if b.Greet != nil {
		if _, err := b.Greet(o.Lines); err != nil {
			return nil, o.End(err)
		}
	}
	return o, nil
}

func (b *Base) lines(conn *transport.Conn) *Lines {
	return newLines(conn, b.Limits, b.Options.Trace != nil)
}

// Context returns the operation's context, which ends when the client is closed.
func (o *Operation) Context() context.Context { return o.ctx }

// StartTLS begins TLS after the server has agreed to it, as STARTTLS asks. What lies
// unread before it is an error of kind Protocol: nobody vouches for it.
func (o *Operation) StartTLS() error {
	if err := o.nothingUnread(); err != nil {
		return err
	}
	return o.conn.StartTLS(o.ctx)
}

// End closes the connection, frees the client and returns err, wrapped. Further calls
// only wrap.
func (o *Operation) End(err error) error {
	o.end()
	err = o.Wrap(err)
	o.done(err)
	return err
}

// Wrap returns an error of the operation before its end, such as one of a stream.
func (o *Operation) Wrap(err error) error { return o.b.Wrap(err, o.verb, o.name) }
