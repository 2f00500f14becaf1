package ftp

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
)

// transfer is what one data connection shall carry.
type transfer struct {
	verb, arg string
	rest      int64  // REST offset; 0: none
	ascii     bool   // TYPE A
	stores    bool   // from here to the server
	ahead     []step // sent before everything else, in the same flight
}

// opening is a transfer that is being started.
type opening struct {
	s        *session
	ctx      context.Context
	mode     *dataMode
	transfer transfer
	listener *transport.Listener // active modes
	conn     *transport.Conn
	begun    *protocols.Reply // the 1xx reply
}

// open agrees on a data connection and starts a transfer on it. Modes that the
// server refuses or that do not connect are left for the next one, until one has
// carried a transfer.
func (s *session) open(ctx context.Context, t transfer) (*stream, error) {
	if s.mode == 0 && s.c.Settings.Active {
		s.mode = firstActive
	}
	var failed error
	for range modes {
		m := &modes[s.mode]
		if m.usable(s) {
			st, err := opener{s}.attempt(ctx, m, t)
			if (opener{s}).tooEarly(err) {
				t.ahead = nil
				st, err = opener{s}.attempt(ctx, m, t)
			}
			if err == nil {
				s.proven = true
				s.c.memory().Note(s.c.server(), factMode+m.verb)
				return st, nil
			}
			noWay, ok := errors.AsType[*modeError](err)
			if !ok || s.proven || s.Failed() != nil || ctx.Err() != nil {
				return nil, err
			}
			failed = telling(failed, noWay.err)
			s.Conn.Event(protocols.EventNote, m.verb+" did not work, trying the next mode: "+noWay.Error(), 0)
		}
		s.mode = (s.mode + 1) % len(modes)
		t.ahead = nil // has been answered
	}
	if failed == nil {
		failed = &protocols.Error{Kind: protocols.KindConnect, Text: "no usable mode for a data connection"}
	}
	return nil, failed
}

// telling returns the more specific error: a refused mode says the least.
func telling(a, b error) error {
	if a == nil || protocols.KindOf(a) == protocols.KindRefused && protocols.KindOf(b) != protocols.KindRefused {
		return b
	}
	return a
}

// modeError marks a failure of the way to connect, not of the transfer itself.
type modeError struct{ err error }

func (e *modeError) Error() string { return e.err.Error() }
func (e *modeError) Unwrap() error { return e.err }

// opener is a session that opens a data connection.
type opener struct{ *session }

// dataFirst reports whether a transfer command may only be sent when its data
// connection stands. Where it may go ahead it saves a round trip.
func (s opener) dataFirst() bool {
	proven := s.proven || s.c.shares(factMode+modes[s.mode].verb)
	return !s.together || !proven || !s.known || s.c.memory().Knows(s.c.server(), factDataFirst)
}

// tooEarly reports whether a server refused a transfer command because its data
// connection was not there yet, and notes that it does not wait.
func (s opener) tooEarly(err error) bool {
	e, ok := errors.AsType[*protocols.Error](err)
	if !ok || s.Failed() != nil || !early(e.Code) || s.dataFirst() {
		return false
	}
	s.c.memory().Note(s.c.server(), factDataFirst)
	return true
}

// attempt opens a data connection in one mode, and starts the transfer.
func (s opener) attempt(ctx context.Context, m *dataMode, t transfer) (*stream, error) {
	o := &opening{s: s.session, ctx: ctx, mode: m, transfer: t}
	if !m.passive {
		var err error
		ports := s.c.Settings.ActivePorts
		if o.listener, err = s.c.line.Dialer.Listen(s.Conn, transport.ListenOptions{PortMin: ports[0], PortMax: ports[1]}); err != nil {
			return nil, &modeError{err}
		}
		defer o.listener.Close()
	}
	steps := o.prepare()
	if s.dataFirst() {
		if err := s.fly(ctx, steps, o.abandon); err != nil {
			o.abandon()
			return nil, err
		}
		steps = nil
	}
	if err := s.fly(ctx, append(steps, o.start()...), o.abandon); err != nil {
		o.abandon()
		return nil, err
	}
	return o.finish()
}

func (o *opening) abandon() {
	if o.conn != nil {
		o.conn.Close()
	}
}

// prepare returns the steps up to the data connection. The passive modes dial as
// soon as the port is known.
func (o *opening) prepare() []step {
	s, t := o.s, o.transfer
	steps := append([]step{}, t.ahead...)
	if kind := typeOf(t.ascii); s.typ != kind {
		steps = append(steps, step{verb: "TYPE", args: []string{string(kind)}, then: func(r *protocols.Reply) error {
			s.typ = kind
			return want(r, 2)
		}})
	}
	if o.mode.passive && s.has("PRET") { // some servers want to know first what will be asked
		steps = append(steps, step{verb: "PRET", args: arguments(t.verb, t.arg)})
	}
	return append(steps, step{verb: o.mode.verb, args: arguments(o.mode.arg(s, o.listener)), then: o.agreed})
}

func typeOf(ascii bool) byte {
	if ascii {
		return 'A'
	}
	return 'I'
}

// arguments drops the empty ones.
func arguments(args ...string) []string {
	var out []string
	for _, a := range args {
		if a != "" {
			out = append(out, a)
		}
	}
	return out
}

// agreed takes the reply to EPSV, PASV, EPRT or PORT.
func (o *opening) agreed(r *protocols.Reply) error {
	if err := want(r, 2); err != nil {
		return &modeError{err}
	}
	if !o.mode.passive {
		return nil
	}
	port, err := o.mode.port(r)
	if err != nil {
		return &modeError{err}
	}
	if o.s.c.Settings.TrustPASV {
		o.conn, err = o.dialTold(r, port)
	} else {
		o.conn, err = o.s.c.line.Dialer.DialPeer(o.ctx, o.s.Conn, port)
	}
	if err != nil {
		return &modeError{err}
	}
	return nil
}

// dialTold connects to the address in a 227 reply, for servers whose data
// connections are at another host, where the user knows that.
func (o *opening) dialTold(r *protocols.Reply, port int) (*transport.Conn, error) {
	n, err := numbers227(r)
	if err != nil {
		return nil, err
	}
	host := fmt.Sprintf("%d.%d.%d.%d", n[0], n[1], n[2], n[3])
	conn, err := o.s.c.line.Dialer.Dial(o.ctx, "data", "tcp", host, strconv.Itoa(port))
	if err == nil && o.s.Conn.Unverified() != nil {
		conn.Lenient()
	}
	return conn, err
}

// start returns the steps of REST and the transfer command.
func (o *opening) start() []step {
	var steps []step
	t := o.transfer
	if t.rest > 0 {
		steps = append(steps, step{verb: "REST", args: []string{strconv.FormatInt(t.rest, 10)}, then: func(r *protocols.Reply) error {
			if r.Code/100 == 3 {
				return nil
			}
			return &protocols.Error{Kind: protocols.KindRefused, Sentinel: errors.ErrUnsupported, Code: r.Code, Text: r.Text(), Hint: "the server cannot resume from an offset; transfer the whole file"}
		}})
	}
	return append(steps, step{verb: t.verb, args: arguments(t.arg), moves: true, then: func(r *protocols.Reply) error {
		if r.Code == 200 { // some servers say that all is well first
			o.s.Expect(1)
			var err error
			if r, err = o.s.Reply(); err != nil {
				return err
			}
		}
		switch {
		case r.Code == 425: // the data connection did not come about
			return &modeError{refusal(r)}
		case r.Code/100 != 1 && t.stores:
			return making(refusal(r))
		case r.Code/100 != 1:
			return refusal(r)
		}
		o.begun = r
		return nil
	}})
}

// finish accepts the server's connection in the active modes, and brings TLS up
// on the data connection (RFC 4217 7: the client is the TLS client in any case).
func (o *opening) finish() (*stream, error) {
	s := o.s
	if o.listener != nil {
		var err error
		if o.conn, err = o.listener.Accept(o.ctx); err != nil {
			return nil, s.Fail(err)
		}
	}
	if s.private {
		done := o.conn.Use(o.ctx)
		err := o.conn.StartTLS(o.ctx)
		done()
		if err != nil {
			o.abandon()
			return nil, opener{s}.dataTLS(err)
		}
	}
	return &stream{s: s, conn: o.conn, begun: o.begun}, nil
}

// dataTLS prefers the server's words about a failed handshake: "522 session
// reuse required" says more than a connection that was reset.
func (s opener) dataTLS(err error) error {
	if kind := protocols.KindOf(err); kind == protocols.KindTimeout || kind == protocols.KindInterrupted {
		return s.Fail(err)
	}
	r, rerr := s.Reply()
	if rerr != nil || r.Code < 400 {
		return s.Fail(err)
	}
	e := refusal(r)
	e.Kind, e.Text = protocols.KindTLS, e.Text+" ("+err.Error()+")"
	return e
}
