package fleet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
)

// slots are this process's part of the connections that the whole fleet may have to a
// server. A slot is a key that only one process can make; it goes away by itself when it
// is not renewed.
type slots struct {
	f     *Fleet
	most  int // to one server
	owner string

	mu   sync.Mutex
	idle map[string][]*slot // by host
	held map[*slot]bool
	cap  map[string]shrunk
}

// slot is the right to one connection.
type slot struct {
	host, key string
	rev       uint64
	since     time.Time // that it is idle
}

// shrunk is a limit that a server has set by refusing a connection.
type shrunk struct {
	most int
	at   time.Time // that it was asked for
}

const (
	slotIdle   = 2 * time.Second // for which a slot waits for the next job of this process
	slotPause  = 50 * time.Millisecond
	slotWait   = 2 * time.Second // for which a job waits before another is taken
	admitWait  = time.Minute     // for which a connection within a job waits for other jobs
	selfWait   = time.Second     // for which it waits for the job itself, when nothing moves
	capRefresh = 3 * time.Second
)

func newSlots(f *Fleet, most int, owner string) *slots {
	return &slots{f: f, most: most, owner: owner, idle: map[string][]*slot{}, held: map[*slot]bool{}, cap: map[string]shrunk{}}
}

// take returns a slot for a host, or nil when all are taken.
func (s *slots) take(ctx context.Context, host string) (*slot, error) {
	s.mu.Lock()
	if idle := s.idle[host]; len(idle) > 0 {
		x := idle[len(idle)-1]
		s.idle[host] = idle[:len(idle)-1]
		s.mu.Unlock()
		return x, nil
	}
	s.mu.Unlock()
	most := s.limit(ctx, host)
	first := rand.IntN(most)
	for i := range most {
		x := &slot{host: host, key: hostKey(host) + "." + strconv.Itoa((first+i)%most)}
		rev, err := s.f.slots.Create(ctx, x.key, []byte(s.owner))
		switch {
		case err == nil:
			x.rev = rev
			s.mu.Lock()
			s.held[x] = true
			s.mu.Unlock()
			return x, nil
		case wrongRevision(err):
		case brokerAway(err):
			return nil, s.f.broken(err)
		default:
			return nil, err
		}
	}
	return nil, nil
}

// wait takes a slot, at most after a time; nil when there was none.
func (s *slots) wait(ctx context.Context, host string, most time.Duration) (*slot, error) {
	pause := slotPause
	for until := time.Now().Add(most); ; pause = min(2*pause, 8*slotPause) {
		x, err := s.take(ctx, host)
		if x != nil || err != nil || time.Now().After(until) {
			return x, err
		}
		if err := retry.Sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// give returns a slot, for the next job of this process or for others.
func (s *slots) give(x *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.since = time.Now()
	s.idle[x.host] = append(s.idle[x.host], x)
}

// keep renews the slots that are held and frees those that nobody needs, until ctx ends;
// then it frees all.
func (s *slots) keep(ctx context.Context) {
	tick := time.NewTicker(slotIdle / 2)
	defer tick.Stop()
	renewed := time.Now()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTime)
			defer cancel()
			s.free(last, 0)
			return
		case <-tick.C:
		}
		s.free(ctx, slotIdle)
		if time.Since(renewed) >= s.f.o.Lease/3 {
			renewed = time.Now()
			s.renew(ctx)
		}
	}
}

// free deletes the slots that have been idle for a time.
func (s *slots) free(ctx context.Context, after time.Duration) {
	var old []*slot
	s.mu.Lock()
	for host, idle := range s.idle {
		for len(idle) > 0 && time.Since(idle[0].since) >= after {
			old, idle = append(old, idle[0]), idle[1:]
		}
		if s.idle[host] = idle; len(idle) == 0 {
			delete(s.idle, host)
		}
	}
	for _, x := range old {
		delete(s.held, x)
	}
	s.mu.Unlock()
	for _, x := range old {
		_ = s.f.slots.Delete(ctx, x.key, jetstream.LastRevision(x.rev)) // else it ends by itself
	}
}

func (s *slots) renew(ctx context.Context) {
	s.mu.Lock()
	held := make([]*slot, 0, len(s.held))
	for x := range s.held {
		held = append(held, x)
	}
	s.mu.Unlock()
	for _, x := range held {
		s.mu.Lock()
		rev, there := x.rev, s.held[x]
		s.mu.Unlock()
		if !there {
			continue
		}
		if now, err := s.f.slots.Update(ctx, x.key, []byte(s.owner), rev); err == nil {
			s.mu.Lock()
			x.rev = now
			s.mu.Unlock()
		}
	}
}

// limit returns how many connections a server may have now.
func (s *slots) limit(ctx context.Context, host string) int {
	s.mu.Lock()
	known, ok := s.cap[host]
	s.mu.Unlock()
	if ok && time.Since(known.at) < capRefresh {
		return known.most
	}
	most := s.most
	if e, err := s.f.limits.Get(ctx, hostKey(host)); err == nil {
		if n, err := strconv.Atoi(string(e.Value())); err == nil && n > 0 {
			most = min(most, n)
		}
	}
	s.mu.Lock()
	s.cap[host] = shrunk{most, time.Now()}
	s.mu.Unlock()
	return most
}

// crowded notes that a server allows no more connections: it has half as many for a
// while, at least one.
func (s *slots) crowded(ctx context.Context, host string) int {
	n := max(1, s.limit(ctx, host)/2)
	_, _ = s.f.limits.Put(ctx, hostKey(host), []byte(strconv.Itoa(n)))
	s.mu.Lock()
	s.cap[host] = shrunk{n, time.Now()}
	s.mu.Unlock()
	return n
}

// reserved are the slots of one job. It has one for each of its servers before it
// begins, so that jobs never wait for each other in a ring; more connections come out of
// what is free.
type reserved struct {
	s *slots

	moved func() int64 // bytes of the job's connections so far; nil: not known

	mu    sync.Mutex
	own   []*slot // all of the job
	free  map[*slot]bool
	using map[string]int // connections, by host
}

// ownLimit is the class of an error when the fleet's own limit allows no connection. It
// is [protocols.ErrTooMany] for who copies, but says nothing of the server.
type ownLimit struct {
	own bool // the connections are the job's own
}

func (ownLimit) Error() string { return "--per-host" } // which stands in the message

func (ownLimit) Is(target error) bool { return target == protocols.ErrTooMany }

// vacate frees all slots: those of a process that was killed would else be taken until
// they end by themselves. It is for the only process that works.
func (f *Fleet) vacate(ctx context.Context) error {
	return f.steady(ctx, func(ctx context.Context) error {
		s, err := f.js.Stream(ctx, "KV_"+f.names.slots)
		if err != nil {
			return err
		}
		return s.Purge(ctx)
	})
}

// reserve takes a slot for each host, in the order of the hosts. ok is false when one has
// none to give now.
func (s *slots) reserve(ctx context.Context, hosts []string) (r *reserved, ok bool, err error) {
	r = &reserved{s: s, free: map[*slot]bool{}, using: map[string]int{}}
	for i, host := range hosts {
		if i >= s.most && hosts[i-s.most] == host {
			continue // more than there may be: the connections take turns
		}
		x, err := s.wait(ctx, host, slotWait)
		if x == nil || err != nil {
			r.release()
			return nil, false, err
		}
		r.own = append(r.own, x)
		r.free[x] = true
	}
	return r, true, nil
}

// release returns all slots.
func (r *reserved) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.own {
		r.s.give(x)
	}
	r.own, r.free = nil, map[*slot]bool{}
}

// use takes one of the job's own slots that no connection has.
func (r *reserved) use(host string) *slot {
	r.mu.Lock()
	defer r.mu.Unlock()
	for x := range r.free {
		if x.host == host {
			delete(r.free, x)
			return x
		}
	}
	return nil
}

// admit waits for the right to one more connection. A job that has all connections to a
// server that there may be, and moves nothing while it waits for one more, waits for
// itself: a copy of many files then does with fewer, and what cannot fails for good.
func (r *reserved) admit(ctx context.Context, host, port string) (release func(), err error) {
	at := strings.ToLower(host) + ":" + port
	var still quiet
	for until := time.Now().Add(admitWait); ; {
		leave, err := r.enter(ctx, at)
		if leave != nil || err != nil {
			return leave, err
		}
		most := r.s.limit(ctx, at)
		alone := r.uses(at) >= most
		switch {
		case alone && still.since(r.bytes()) < selfWait:
			until = time.Now().Add(admitWait)
		case alone:
			return nil, &protocols.Error{
				Op: "fleet", Kind: protocols.KindTemporary, Retryable: true, Sentinel: ownLimit{own: most >= r.s.most},
				Text: fmt.Sprintf("the job needs more connections to %s at the same time than the %d that --per-host allows", at, most),
			}
		case time.Now().After(until):
			return nil, &protocols.Error{Op: "fleet", Kind: protocols.KindTemporary, Retryable: true, Sentinel: ownLimit{}, Text: fmt.Sprintf("all connections to %s that the fleet may have (--per-host) are in use", at)}
		}
		if err := retry.Sleep(ctx, 2*slotPause); err != nil {
			return nil, err
		}
	}
}

// enter takes a slot for a connection, one of the job's own or one that is free; leave is
// nil when there is none.
func (r *reserved) enter(ctx context.Context, at string) (leave func(), err error) {
	x, put := r.use(at), func(x *slot) { r.free[x] = true }
	if x == nil {
		if x, err = r.s.take(ctx, at); x == nil || err != nil {
			return nil, err
		}
		put = r.s.give
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.using[at]++
	return sync.OnceFunc(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.using[at]--
		put(x)
	}), nil
}

// uses returns how many connections to a server the job has.
func (r *reserved) uses(at string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.using[at]
}

func (r *reserved) bytes() int64 {
	if r.moved == nil {
		return 0
	}
	return r.moved()
}

// quiet measures for how long a count has not changed.
type quiet struct {
	last int64
	at   time.Time
}

func (q *quiet) since(n int64) time.Duration {
	if q.at.IsZero() || n != q.last {
		q.last, q.at = n, time.Now()
	}
	return time.Since(q.at)
}

// pace waits for the turn to start a job, so that the whole fleet starts no more than so
// many a second.
func (s *slots) pace(ctx context.Context, rate float64) error {
	if rate <= 0 {
		return nil
	}
	const key = "rate"
	step := time.Duration(float64(time.Second) / rate)
	for {
		var last int64 // in nanoseconds, of the turn that was given last
		var rev uint64
		e, err := s.f.slots.Get(ctx, key)
		switch {
		case err == nil:
			last, _ = strconv.ParseInt(string(e.Value()), 10, 64)
			rev = e.Revision()
		case !errors.Is(err, jetstream.ErrKeyNotFound):
			return s.f.broken(err)
		}
		now := time.Now()
		turn := max(now.UnixNano(), last+int64(step))
		value := []byte(strconv.FormatInt(turn, 10))
		if rev == 0 {
			_, err = s.f.slots.Create(ctx, key, value)
		} else {
			_, err = s.f.slots.Update(ctx, key, value, rev)
		}
		switch {
		case err == nil:
			return retry.Sleep(ctx, time.Unix(0, turn).Sub(now))
		case !wrongRevision(err):
			return s.f.broken(err)
		}
		if err := retry.Sleep(ctx, rand.N(step/4+time.Millisecond)); err != nil {
			return err
		}
	}
}
