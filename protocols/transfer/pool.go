package transfer

import (
	"context"
	"errors"
	"sync"

	"github.com/netclients/netclients/protocols"
)

// pool lends the clients of one endpoint, and opens them when needed. Its limit
// falls when the server allows no more connections.
type pool struct {
	end Endpoint

	mu    sync.Mutex
	idle  []*lent
	out   int
	limit int
	freed chan struct{} // closed and made anew when a client may be had
}

// lent is a client of a pool.
type lent struct {
	protocols.Client
	used bool // something has succeeded on it
}

// Unwrap lets capabilities be found.
func (l *lent) Unwrap() protocols.Client { return l.Client }

func newPool(end Endpoint, limit int) *pool {
	return &pool{end: end, limit: limit, freed: make(chan struct{})}
}

// get waits for a client until the context ends.
func (p *pool) get(ctx context.Context) (*lent, error) {
	for {
		if ctx.Err() != nil {
			return nil, stopped(ctx)
		}
		p.mu.Lock()
		if n := len(p.idle); n > 0 && p.out < p.limit {
			l := p.idle[n-1]
			p.idle, p.out = p.idle[:n-1], p.out+1
			p.mu.Unlock()
			return l, nil
		}
		if p.out < p.limit {
			p.out++
			p.mu.Unlock()
			return p.open()
		}
		freed := p.freed
		p.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
		}
	}
}

func (p *pool) open() (*lent, error) {
	c, err := p.end.Open()
	if err != nil {
		p.lose()
		return nil, err
	}
	return &lent{Client: c}, nil
}

// put returns a client back for others.
func (p *pool) put(l *lent) {
	p.mu.Lock()
	keep := len(p.idle)+p.out <= p.limit
	if keep {
		p.idle = append(p.idle, l)
	}
	p.mu.Unlock()
	if !keep {
		l.Close()
	}
	p.lose()
}

// drop closes a client that failed.
func (p *pool) drop(l *lent) {
	l.Close()
	p.lose()
}

func (p *pool) lose() {
	p.mu.Lock()
	p.out--
	close(p.freed)
	p.freed = make(chan struct{})
	p.mu.Unlock()
}

// settle returns a client after an operation that ended with err. It reports
// whether the server took it for one connection too many, and others go on: then
// the pool has become smaller and the work waits for one of those.
func (p *pool) settle(l *lent, err error) (crowded bool) {
	if tooMany(err, l) {
		crowded = p.shrink()
		p.drop(l)
		return crowded
	}
	switch protocols.KindOf(err) {
	case protocols.KindOK, protocols.KindRefused, protocols.KindLocal:
		l.used = true
		p.put(l) // a plain no leaves the connection as it was
	default:
		p.drop(l)
	}
	return false
}

// lend returns do a client. As long as the server says that it is one connection too
// many, do is called again with one of those that are allowed.
func (p *pool) lend(ctx context.Context, o *Options, do func(c protocols.Client) error) error {
	for {
		l, err := p.get(ctx)
		if err != nil {
			return err
		}
		err = do(l)
		if !p.settle(l, err) {
			return err
		}
		o.note("the server allows no more connections: %v", err)
	}
}

func tooMany(err error, l *lent) bool {
	return errors.Is(err, protocols.ErrTooMany) || !l.used && protocols.KindOf(err) == protocols.KindTemporary
}

// shrink lowers the limit to what works beside the client that does not.
func (p *pool) shrink() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	others := p.out + len(p.idle) - 1
	if others < 1 {
		return false
	}
	p.limit = min(p.limit, others)
	return true
}

// close closes all idle clients; none may be out.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, l := range idle {
		l.Close()
	}
}
