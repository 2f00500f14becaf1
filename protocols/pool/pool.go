// Package pool lends the clients of one server to many goroutines. A client does one
// operation at a time; a pool has several, opens them when they are needed, and lets
// goroutines wait instead of failing with [protocols.ErrBusy]:
//
//	p := pool.New(func(context.Context) (protocols.Client, error) {
//		c, _, err := all.Open("ftp://ftp.example.org/", nil)
//		return c, err
//	}, pool.Config{Max: 4})
//	defer p.Close()
//	err := p.Do(ctx, func(c protocols.Client) error {
//		_, err := protocols.Put(ctx, c, "a.txt", strings.NewReader("text"), nil)
//		return err
//	})
//
// A server that says it allows no more connections (a 421, a temporary no to a fresh
// client) makes the pool smaller, and the work waits for one of the clients that it
// allows. A client whose operation failed in a way that says something about its
// connection is closed and not used again.
//
// The loops of [protocols.List], [protocols.Search] and [protocols.Watch] keep their
// client busy until they end. What is to be done with an entry inside such a loop is
// done with a second client of the pool, by a nested Do: a pool for that has a Max of
// at least twice the number of goroutines that do so, or they could all wait for each
// other.
//
// Clients of HTTP/2 and 3 share connections in spite of the rule of one operation for each
// client: see Settings.Share of package http.
//
// The package implements no RFC.
package pool

import (
	"context"
	"sync"
	"time"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
)

// The defaults of a [Config].
const (
	DefaultMax     = 4
	DefaultIdleFor = time.Minute
	DefaultRegrow  = 10 * time.Minute
)

// Config says how large a pool may become and for how long it keeps clients. The zero
// value is all defaults.
type Config struct {
	Max     int           // clients at the same time, idle ones included; 0: DefaultMax
	MaxIdle int           // clients that are kept while nobody uses them; 0: Max; negative: none
	IdleFor time.Duration // an idle client is closed after this; 0: DefaultIdleFor; negative: never

	// Regrow is how long a limit that the server has lowered stays as it is; then the
	// pool tries one client more. 0: DefaultRegrow; negative: for ever.
	Regrow time.Duration

	Retries   int           // attempts of Do after the first, for errors that may pass; 0: none
	RetryWait time.Duration // before the second attempt; 0: 1 s; doubled each time up to 30 s, with jitter

	// Note is called with what is worth knowing: a limit that the server has lowered, a
	// retry. Calls come from many goroutines; nil: nobody is told.
	Note func(text string)
}

func (c Config) withDefaults() Config {
	if c.Max <= 0 {
		c.Max = DefaultMax
	}
	switch {
	case c.MaxIdle < 0:
		c.MaxIdle = 0
	case c.MaxIdle == 0:
		c.MaxIdle = c.Max
	}
	if c.IdleFor == 0 {
		c.IdleFor = DefaultIdleFor
	}
	if c.Regrow == 0 {
		c.Regrow = DefaultRegrow
	}
	return c
}

// Stats says how a pool stands and what it has done.
type Stats struct {
	InUse    int           // clients that are lent
	Idle     int           // clients that nobody uses
	Waiting  int           // goroutines that wait for a client
	Limit    int           // clients that the pool may have: Max, or what the server allows
	Opened   int64         // clients that were made
	Reused   int64         // times that a client was lent again
	Waited   int64         // times that a goroutine had to wait
	WaitTime time.Duration // how long all waited
	Crowded  int64         // times that the server allowed no more connections
}

// Pool lends clients. Its methods may be called by many goroutines.
type Pool struct {
	open func(ctx context.Context) (protocols.Client, error)
	c    Config

	mu      sync.Mutex
	stats   Stats                     // InUse counts places, of which some have no client yet
	lent    map[protocols.Client]bool // false: being closed, the server may count it still
	used    map[protocols.Client]bool // something has succeeded on it
	opening int                       // clients that are being opened
	idle    []resting                 // the longest idle first
	waiters []chan struct{}           // closed when a place was taken for the goroutine
	lowered time.Time                 // when the server lowered the limit
	refuses bool                      // nobody new gets a client
	closed  bool                      // nobody at all
	timer   *time.Timer
	done    chan struct{}  // closed by Close
	empty   chan struct{}  // of a Shutdown: closed when nothing is lent; nil else
	closers sync.WaitGroup // of clients that a timer closes
}

// resting is an idle client.
type resting struct {
	c     protocols.Client
	since time.Time
}

// New makes a pool whose clients come from open, which does no I/O of its own beside
// what its context bounds. The caller closes the pool.
func New(open func(ctx context.Context) (protocols.Client, error), c Config) *Pool {
	p := &Pool{open: open, c: c.withDefaults(), lent: map[protocols.Client]bool{}, used: map[protocols.Client]bool{}, done: make(chan struct{})}
	p.stats.Limit = p.c.Max
	return p
}

// Do lends a client to f and waits for one until ctx ends. While the server says that
// the client is one connection too many, f is called again with one of those that are
// allowed; with Config.Retries also after errors that may pass. So f does one
// operation, or what may be done twice. It closes what it opened, and keeps nothing of
// the client.
func (p *Pool) Do(ctx context.Context, f func(c protocols.Client) error) error {
	try := func() error {
		for {
			if crowded, err := p.once(ctx, f); !crowded {
				return err
			}
		}
	}
	if p.c.Retries <= 0 {
		return try()
	}
	return protocols.Wrap(p.policy().Do(ctx, try), "", "", "")
}

func (p *Pool) policy() retry.Policy {
	return retry.Policy{
		Retries: p.c.Retries, First: p.c.RetryWait, Jitter: true,
		Note: func(n int, pause time.Duration, err error) {
			p.note("attempt %d failed, next in %v: %v", n, pause.Round(time.Millisecond), err)
		},
	}
}

func (p *Pool) once(ctx context.Context, f func(c protocols.Client) error) (crowded bool, err error) {
	c, err := p.Get(ctx)
	if err != nil {
		return false, err
	}
	returned := false
	defer func() {
		if !returned { // f has panicked, or ended its goroutine
			p.Drop(c)
		}
	}()
	err = f(c)
	returned = true
	return p.Put(c, err), err
}

// Get lends a client, and waits for one until ctx ends. It does not connect. The caller
// returns it with Put, Return or Drop, once.
func (p *Pool) Get(ctx context.Context) (protocols.Client, error) {
	if err := p.place(ctx); err != nil {
		return nil, protocols.Wrap(err, "", "", "")
	}
	if c := p.takeIdle(); c != nil {
		return c, nil
	}
	c, err := p.open(ctx)
	if err == nil && c == nil {
		err = &protocols.Error{Kind: protocols.KindUsage, Text: "the function that opens the pool's clients returned none"}
	}
	if err = p.lend(c, err); err != nil {
		p.leave()
		return nil, err
	}
	return c, nil
}

// Put returns a client after an operation that ended with err. It reports whether the
// server took the client for one connection too many while others go on: the pool is
// smaller then, and the operation may be done again with the next client of Get.
//
// A client that the pool did not open is added to the idle ones.
func (p *Pool) Put(c protocols.Client, err error) (crowded bool) {
	if p.tooMany(c, err) {
		crowded = p.shrink(err)
		p.Drop(c)
		return crowded
	}
	if !reusable(err) {
		p.Drop(c)
		return false
	}
	p.giveBack(c, true)
	return false
}

// Return returns a client on which nothing was done.
func (p *Pool) Return(c protocols.Client) { p.giveBack(c, false) }

// Drop closes a client that is lent and not to be used again.
func (p *Pool) Drop(c protocols.Client) {
	p.mu.Lock()
	was := p.lent[c]
	p.closing(c)
	p.mu.Unlock()
	p.end(c, was)
}

// end closes a client that is marked as closing, and frees its place.
func (p *Pool) end(c protocols.Client, was bool) {
	_ = c.Close() // its operation has reported what there is to report
	p.mu.Lock()
	p.forget(c)
	p.mu.Unlock()
	if was {
		p.leave()
	}
}

// Stats returns how the pool stands.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Idle, s.Waiting = len(p.idle), len(p.waiters)
	return s
}
