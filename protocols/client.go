package protocols

import (
	"context"
	"crypto/tls"
	"fmt"
	"regexp"
	"sync"
	"sync/atomic"
	"time"
)

// Client speaks one protocol to one server. Adapters give a concrete type with
// more methods; the capabilities of this package are asserted on it.
type Client interface {
	// Probe connects, greets, logs in when Options.ProbeLogin says so, and asks
	// the server for its capabilities. The report is never nil, also with an error.
	Probe(ctx context.Context) (*Report, error)
	// Close says goodbye with a bounded wait and frees the connection. It may be
	// called twice, and before any other verb.
	Close() error
}

// Report is what Probe found.
type Report struct {
	URL          string
	Up           bool
	Phase        string // where it failed: resolve, connect, tls, greeting, login, caps, answer; empty when Up
	Status       int    `json:",omitempty"` // of the answer, where the protocol has one (HTTP); 0: none
	Resolve      time.Duration
	Connect      time.Duration
	TLS          time.Duration
	Greeting     time.Duration
	Login        time.Duration
	Total        time.Duration
	TLSVersion   string
	CertNotAfter time.Time
	Session      *tls.ConnectionState `json:"-"` // nil without TLS; not written as JSON
	Address      string               // of the peer
	Banner       string               // the server's greeting text
	Capabilities []Capability
}

// Expectation says which answer to a probe means that a server is up.
type Expectation struct {
	Status []StatusRange             // nil: 200 to 399
	Body   *regexp.Regexp            // has to match in the first 1 MiB; nil: any body will do
	Header map[string]*regexp.Regexp // each has to match a value of its header
}

// StatusRange is a range of status codes, both ends included.
type StatusRange struct{ First, Last int }

// Expecter is a client whose Probe gets an answer with a status, headers and a body.
type Expecter interface {
	Client
	// Expect sets what Probe wants from now on.
	Expect(e Expectation)
}

// CapabilityLister is a client whose capabilities Probe does not ask for, because
// that takes a request of its own.
type CapabilityLister interface {
	Client
	// ListCapabilities asks the server what it can do.
	ListCapabilities(ctx context.Context) ([]Capability, error)
}

// Capability is one thing a server says it can do.
type Capability struct {
	Name   string   `json:"name"`
	Params []string `json:"params,omitempty"`
}

// Unwrapper is implemented by a client that wraps another one.
type Unwrapper interface{ Unwrap() Client }

// As finds the first client in the chain of wrappers that is a T: a capability
// or an adapter's concrete type.
func As[T any](c Client) (T, bool) {
	for c != nil {
		if t, ok := c.(T); ok {
			return t, true
		}
		u, ok := c.(Unwrapper)
		if !ok {
			break
		}
		c = u.Unwrap()
	}
	var zero T
	return zero, false
}

// LocalFiles is implemented by clients of files on this machine. Times of their entries
// are exact, and a file may grow while it is read.
type LocalFiles interface{ LocalFiles() bool }

// IsLocal reports whether a client is one for [LocalFiles].
func IsLocal(c Client) bool {
	l, ok := As[LocalFiles](c)
	return ok && l.LocalFiles()
}

// need is As, with an error when the client lacks the capability.
func need[T any](c Client, op string) (T, error) {
	t, ok := As[T](c)
	if !ok {
		return t, Unsupported("", op, fmt.Sprintf("this protocol does not support %s", op))
	}
	return t, nil
}

// Gate lets one operation at a time into a client, and ends it when the client is
// closed. The zero value is open.
type Gate struct {
	busy atomic.Bool

	mu     sync.Mutex
	end    context.CancelCauseFunc // of the operation that Begin let in
	closed bool
}

// Enter takes the gate, or fails at once with an error of class [ErrBusy].
func (g *Gate) Enter() error {
	if !g.busy.CompareAndSwap(false, true) {
		return &Error{Kind: KindUsage, Sentinel: ErrBusy}
	}
	return nil
}

// Leave frees the gate. Only the operation that entered calls it, once.
func (g *Gate) Leave() { g.busy.Store(false) }

// Begin takes the gate as Enter does. The context it returns ends with
// ctx, or with an error of class [ErrClosed] as soon as Close is called. The caller
// calls leave when the operation is over; it may be called more than once.
func (g *Gate) Begin(ctx context.Context) (_ context.Context, leave func(), err error) {
	if err := context.Cause(ctx); err != nil {
		return nil, nil, err
	}
	if err := g.Enter(); err != nil {
		return nil, nil, err
	}
	ctx, end := context.WithCancelCause(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		end(nil)
		g.Leave()
		return nil, nil, closedGate()
	}
	g.end = end
	return ctx, sync.OnceFunc(func() {
		g.mu.Lock()
		g.end = nil
		g.mu.Unlock()
		end(nil)
		g.Leave()
	}), nil
}

// Close ends the operation that is in progress, and lets none in from now on. It may
// be called more than once.
func (g *Gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	if g.end != nil {
		g.end(closedGate())
	}
}

// Closed reports whether Close was called.
func (g *Gate) Closed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

func closedGate() error { return &Error{Kind: KindUsage, Sentinel: ErrClosed} }
