package pool

import (
	"errors"
	"time"

	"github.com/netclients/netclients/protocols"
)

// tooMany reports whether an error means that the client is one connection too many:
// the server says so, or it has a temporary no for a client on which nothing has
// succeeded yet. The codes from 450 on are about what was asked for: a file that is
// busy, a recipient who is to come again.
func (p *Pool) tooMany(c protocols.Client, err error) bool {
	if err == nil {
		return false
	}
	if errors.Is(err, protocols.ErrTooMany) {
		return true
	}
	e, ok := errors.AsType[*protocols.Error](err)
	if !ok || e.Kind != protocols.KindTemporary || e.Code >= 450 && e.Code < 460 {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.used[c]
}

// reusable reports whether a client can go on after an error: a plain no leaves its
// connection as it was, and an error that is not from a client at all is the caller's
// own. After every other error nothing is known of the connection.
func reusable(err error) bool {
	if errors.Is(err, protocols.ErrClosed) || errors.Is(err, protocols.ErrBusy) {
		return false
	}
	switch protocols.KindOf(err) {
	case protocols.KindOK, protocols.KindRefused, protocols.KindLocal, protocols.KindUsage, protocols.KindPartial:
		return true
	case protocols.KindInternal:
		_, ours := errors.AsType[*protocols.Error](err)
		return !ours
	}
	return false
}

// shrink lowers the limit to the number of clients that work beside the one that does
// not. It reports whether there are any.
func (p *Pool) shrink(err error) bool {
	p.mu.Lock()
	p.stats.Crowded++
	others := p.clients() - 1
	lower := others >= 1 && others < p.stats.Limit
	if lower {
		p.stats.Limit, p.lowered = others, time.Now()
	}
	p.mu.Unlock()
	if lower {
		p.note("the server allows no more than %d connections: %v", others, err)
	}
	return others >= 1
}

// regrow raises a limit that the server has lowered long ago by one. The caller holds
// the lock.
func (p *Pool) regrow() {
	if p.c.Regrow < 0 || p.stats.Limit >= p.c.Max || time.Since(p.lowered) < p.c.Regrow {
		return
	}
	p.stats.Limit, p.lowered = p.stats.Limit+1, time.Now()
	p.admit()
}
