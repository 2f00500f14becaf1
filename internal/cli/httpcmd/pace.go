package httpcmd

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/internal/retry"
)

// pace lets requests start at most so often, those of all clients of a command together.
type pace struct {
	text  string
	every time.Duration // between two requests; 0: no limit

	mu   sync.Mutex
	next time.Time
}

var paceUnits = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}

func (p *pace) String() string { return p.text }
func (p *pace) Type() string   { return "N/s" }

// Set reads N/UNIT, as curl has it, where the unit may have a number of its own: 3/10s.
func (p *pace) Set(text string) error {
	count, unit, has := strings.Cut(text, "/")
	if !has {
		unit = "h"
	}
	i := strings.IndexFunc(unit, func(r rune) bool { return r < '0' || r > '9' })
	n, err := strconv.ParseUint(count, 10, 31)
	units := uint64(1)
	if i > 0 && err == nil {
		units, err = strconv.ParseUint(unit[:i], 10, 31)
	}
	if err != nil || i < 0 || n == 0 || units == 0 || paceUnits[unit[i:]] == 0 {
		return fmt.Errorf("want a number of requests and a time, such as 2/s, 30/m, 500/h or 1/10s")
	}
	p.text, p.every = text, min(time.Duration(units)*paceUnits[unit[i:]], 366*24*time.Hour)/time.Duration(n)
	return nil
}

// wait returns when a request may start.
func (p *pace) wait(ctx context.Context) error {
	p.mu.Lock()
	now := time.Now()
	at := p.next
	if at.Before(now) {
		at = now
	}
	p.next = at.Add(p.every)
	p.mu.Unlock()
	if !at.After(now) {
		return nil
	}
	return retry.Sleep(ctx, at.Sub(now))
}
