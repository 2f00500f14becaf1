package fleet

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/netclients/netclients/protocols"
)

// lease is the right to run one job. It ends two thirds of its time after the last
// renewal was begun; another worker may have the job when all of it has passed. So the
// holder knows first, whatever its clock says.
type lease struct {
	f   *Fleet
	msg jetstream.Msg
	key string

	until atomic.Pointer[time.Time]
	lost  atomic.Pointer[protocols.Error]
	end   context.CancelCauseFunc // ends the run

	mu  sync.Mutex // of what follows
	rec Record
	rev uint64
}

// lossOf returns why a run has no right to go on.
func lossOf(text string) *protocols.Error {
	return &protocols.Error{Op: "fleet", Kind: protocols.KindInterrupted, Text: text}
}

// errCancelled ends a job that the user cancelled.
var errCancelled = lossOf("the job was cancelled")

// valid sets the lease to what a renewal that was begun at a time is worth.
func (l *lease) valid(from time.Time) {
	until := from.Add(l.f.o.Lease * 2 / 3)
	l.until.Store(&until)
}

// Alive returns an error when the lease is over: by the clock that no one sets, or by the
// wall clock, which goes on while the machine sleeps. Then nothing may be written.
func (l *lease) Alive() error {
	if why := l.lost.Load(); why != nil {
		return why
	}
	now, until := time.Now(), *l.until.Load()
	if now.Before(until) && now.Round(0).Before(until.Round(0)) {
		return nil
	}
	l.lose(lossOf("the lease of the job is over: this worker was stopped for too long, or could not reach the broker"))
	return l.lost.Load()
}

// lose ends the run.
func (l *lease) lose(why *protocols.Error) {
	if l.lost.CompareAndSwap(nil, why) {
		l.end(why)
	}
}

// keep renews the lease until ctx ends. progress returns what the job has done.
func (l *lease) keep(ctx context.Context, progress func() (items, bytes int64)) {
	tick := time.NewTicker(l.f.o.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if l.Alive() != nil {
			return
		}
		l.renew(ctx, progress)
	}
}

// renew asks the broker for more time and writes the progress. When the record was
// changed by another the lease is lost.
func (l *lease) renew(ctx context.Context, progress func() (items, bytes int64)) {
	begun := time.Now()
	within, cancel := context.WithDeadline(ctx, *l.until.Load())
	defer cancel()
	_ = l.f.steady(within, func(ctx context.Context) error {
		_, err := l.f.nc.RequestWithContext(ctx, l.msg.Reply(), []byte("+WPI"))
		return err
	})
	items, bytes := progress()
	err := l.write(within, func(r *Record) { r.Items, r.Bytes = items, bytes })
	switch {
	case err == nil:
		l.valid(begun)
	case errors.Is(err, errLost):
		l.lose(l.f.whoTook(ctx, l.key))
	}
}

// whoTook says why a record is not this worker's any more.
func (f *Fleet) whoTook(ctx context.Context, key string) *protocols.Error {
	if r, _, _, err := f.record(ctx, key); err == nil && r != nil {
		if r.State == Cancelled {
			return errCancelled
		}
		return lossOf("another worker has the job: " + r.Worker)
	}
	return lossOf("another worker has the job")
}

// record returns the record as it is now, for a goroutine beside the one that keeps the lease.
func (l *lease) record() Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rec
}

// write changes the record. The error is errLost when another has changed it.
func (l *lease) write(ctx context.Context, change func(*Record)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := l.rec
	change(&next)
	rev, err := l.f.put(ctx, jobKey(l.key), next.encode(), l.rev)
	if err == nil {
		l.rec, l.rev = next, rev
	}
	return err
}
