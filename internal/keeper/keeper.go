// Package keeper holds the one session that a client of a line protocol has with
// its server: made by the first verb, used by one operation at a time, replaced
// when it is lost, ended politely. FTP, SMTP, POP3, IMAP and NNTP share it.
package keeper

import (
	"context"
	"sync"
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// Session is a login on a connection.
type Session interface {
	comparable
	// Conn is the connection. The keeper closes it.
	Conn() *transport.Conn
	// Used is when the last answer came.
	Used() time.Time
	// Lives asks the server, with NOOP or the like, whether the session goes on.
	Lives() bool
	// Lost reports whether the session is over or out of step.
	Lost() bool
	// Goodbye ends the session politely. Its wait is bounded by the caller.
	Goodbye()
}

// restsFor is how long a session may be idle before it is asked whether it lives,
// so that no command that changes something is lost to a server that had hung up.
const restsFor = 15 * time.Second

// goodbyeWithin bounds the goodbye.
const goodbyeWithin = 2 * time.Second

// Keeper holds a client's session. Connect must be set before the first use.
type Keeper[S Session] struct {
	// Connect dials and logs in. The keeper owns what it returns.
	Connect func(ctx context.Context) (S, error)

	gate protocols.Gate

	mu      sync.Mutex // guards what Close shares with an operation
	current S
	have    bool
	closed  bool
}

// Enter begins an operation: it checks the arguments that will go on the wire and
// lets one operation in at a time. Nothing is sent before. The caller calls
// release once.
func (k *Keeper[S]) Enter(ctx context.Context, args ...string) (release func(), err error) {
	if err := wire.Check(args...); err != nil {
		return nil, &protocols.Error{Kind: protocols.KindUsage, Err: err}
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if err := k.gate.Enter(); err != nil {
		return nil, err
	}
	return k.gate.Leave, nil
}

// Do runs a whole operation: Enter, Run, release.
func (k *Keeper[S]) Do(ctx context.Context, args []string, f func(s S) error) error {
	release, err := k.Enter(ctx, args...)
	if err != nil {
		return err
	}
	defer release()
	return k.Run(ctx, f)
}

// Run runs f on the session: connected, cut off when the context ends, forgotten
// when it is lost. The operation must have entered.
func (k *Keeper[S]) Run(ctx context.Context, f func(s S) error) error {
	s, err := k.Get(ctx)
	if err != nil {
		return err
	}
	done := s.Conn().Use(ctx)
	err = f(s)
	done()
	k.Settle(s)
	return err
}

// Get returns the live session, or makes one. The operation must have entered.
func (k *Keeper[S]) Get(ctx context.Context) (s S, err error) {
	k.mu.Lock()
	s, have, closed := k.current, k.have, k.closed
	k.mu.Unlock()
	if closed {
		return s, errClosed()
	}
	if have && k.alive(ctx, s) {
		return s, nil
	}
	if s, err = k.Connect(ctx); err != nil {
		return s, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed { // meanwhile
		s.Conn().Close()
		return s, errClosed()
	}
	k.current, k.have = s, true
	return s, nil
}

// Open fails with [protocols.ErrClosed] once Close was called. Get does too: Open
// is for operations that have more to check before they connect.
func (k *Keeper[S]) Open() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return errClosed()
	}
	return nil
}

func errClosed() error {
	return &protocols.Error{Kind: protocols.KindUsage, Sentinel: protocols.ErrClosed}
}

func (k *Keeper[S]) alive(ctx context.Context, s S) bool {
	if time.Since(s.Used()) < restsFor {
		return true
	}
	done := s.Conn().Use(ctx)
	lives := s.Lives()
	done()
	if !lives {
		k.Drop(s)
	}
	return lives
}

// Settle forgets a session that is lost. It is called when an operation ends.
func (k *Keeper[S]) Settle(s S) {
	if s.Lost() || s.Conn().Broken() {
		k.Drop(s)
	}
}

// Drop forgets a session and closes its connection.
func (k *Keeper[S]) Drop(s S) {
	k.mu.Lock()
	if k.have && k.current == s {
		k.have = false
	}
	k.mu.Unlock()
	s.Conn().Close()
}

// Held reports whether there is a session.
func (k *Keeper[S]) Held() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.have
}

// Close ends the session, politely when no operation is going on, else by cutting
// that off. It may be called twice.
func (k *Keeper[S]) Close() error {
	k.mu.Lock()
	s, have := k.current, k.have
	k.have, k.closed = false, true
	k.mu.Unlock()
	if !have {
		return nil
	}
	if k.gate.Enter() == nil {
		Goodbye(context.Background(), s)
		k.gate.Leave()
	}
	return s.Conn().Close()
}

// Goodbye ends a session politely, within a bounded time.
func Goodbye[S Session](ctx context.Context, s S) {
	ctx, cancel := context.WithTimeout(ctx, goodbyeWithin)
	defer cancel()
	defer s.Conn().Use(ctx)()
	s.Goodbye()
}
