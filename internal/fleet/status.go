package fleet

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Counts say how the jobs of a fleet stand.
type Counts struct {
	Waiting   int   `json:"waiting"`
	Running   int   `json:"running"`
	Done      int   `json:"done"`
	Failed    int   `json:"failed"`
	Cancelled int   `json:"cancelled"`
	Items     int64 `json:"items"` // results of all jobs
	Bytes     int64 `json:"bytes"` // moved
}

// All returns the number of jobs.
func (c Counts) All() int { return c.Waiting + c.Running + c.Done + c.Failed + c.Cancelled }

// Open returns the number of jobs that have no final record.
func (c Counts) Open() int { return c.Waiting + c.Running }

func (c *Counts) add(state State, n int) {
	switch state {
	case Waiting:
		c.Waiting += n
	case Running:
		c.Running += n
	case Done:
		c.Done += n
	case Failed:
		c.Failed += n
	case Cancelled:
		c.Cancelled += n
	}
}

// Records yields the records of all jobs, as they are now.
func (f *Fleet) Records(ctx context.Context) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		w, err := f.state.Watch(ctx, "job.>", jetstream.IgnoreDeletes())
		if err != nil {
			yield(nil, f.refusal(err))
			return
		}
		defer func() { _ = w.Stop() }()
		for {
			select {
			case e := <-w.Updates():
				if e == nil { // that were all there are
					return
				}
				r := &Record{}
				if err := json.Unmarshal(e.Value(), r); err == nil && !yield(r, nil) {
					return
				}
			case <-ctx.Done():
				yield(nil, context.Cause(ctx))
				return
			case <-time.After(startTime):
				yield(nil, f.broken(context.DeadlineExceeded))
				return
			}
		}
	}
}

// Tracker follows the records of a fleet.
type Tracker struct {
	f       *Fleet
	ready   chan struct{}
	changed chan struct{} // holds a token when something is new
	settled chan struct{} // closed when no job is waited for
	once    sync.Once

	mu     sync.Mutex
	known  map[string]seen
	counts Counts
	wanted map[string]bool // keys without a final record; nil: of all
}

// seen is what the tracker knows of a job.
type seen struct {
	state State
	items int64
	bytes int64
}

// Track follows the records until ctx ends. wanted are the keys of the jobs that Settled
// is about; nil are all.
func (f *Fleet) Track(ctx context.Context, wanted []string) (*Tracker, error) {
	t := &Tracker{f: f, ready: make(chan struct{}), changed: make(chan struct{}, 1), settled: make(chan struct{}), known: map[string]seen{}}
	if wanted != nil {
		t.wanted = make(map[string]bool, len(wanted))
		for _, key := range wanted {
			t.wanted[key] = true
		}
	}
	w, err := f.state.Watch(ctx, "job.>")
	if err != nil {
		return nil, f.refusal(err)
	}
	go t.follow(ctx, w)
	return t, nil
}

func (t *Tracker) follow(ctx context.Context, w jetstream.KeyWatcher) {
	defer func() { _ = w.Stop() }()
	for {
		select {
		case e, ok := <-w.Updates():
			if !ok {
				return
			}
			if e == nil {
				close(t.ready)
				t.look()
				continue
			}
			t.take(e)
		case <-ctx.Done():
			return
		}
	}
}

func (t *Tracker) take(e jetstream.KeyValueEntry) {
	key := strings.TrimPrefix(e.Key(), "job.")
	var r struct {
		State State `json:"state"`
		Items int64 `json:"items"`
		Bytes int64 `json:"bytes"`
	}
	if e.Operation() == jetstream.KeyValuePut && json.Unmarshal(e.Value(), &r) != nil {
		return
	}
	t.mu.Lock()
	old := t.known[key]
	t.counts.add(old.state, -1)
	t.counts.add(r.State, 1)
	t.counts.Items += r.Items - old.items
	t.counts.Bytes += r.Bytes - old.bytes
	if r.State == "" {
		delete(t.known, key)
	} else {
		t.known[key] = seen{r.State, r.Items, r.Bytes}
	}
	if t.wanted[key] && r.State.Final() {
		delete(t.wanted, key)
	}
	t.mu.Unlock()
	t.look()
}

// look notes that something is new, and whether all is settled.
func (t *Tracker) look() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
	select {
	case <-t.ready:
	default:
		return
	}
	t.mu.Lock()
	settled := t.wanted == nil && t.counts.Open() == 0 || t.wanted != nil && len(t.wanted) == 0
	t.mu.Unlock()
	if settled {
		t.once.Do(func() { close(t.settled) })
	}
}

// Ready is closed when all records have been seen.
func (t *Tracker) Ready() <-chan struct{} { return t.ready }

// Settled is closed when all jobs that are waited for have a final record.
func (t *Tracker) Settled() <-chan struct{} { return t.settled }

// Changed holds a token when something is new since the last one was taken.
func (t *Tracker) Changed() <-chan struct{} { return t.changed }

// Counts returns how the jobs stand.
func (t *Tracker) Counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts
}

// Of returns how the jobs with these keys stand; nil are all.
func (t *Tracker) Of(keys []string) Counts {
	if keys == nil {
		return t.Counts()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var c Counts
	for _, key := range keys {
		s := t.known[key]
		c.add(s.state, 1)
		c.Items += s.items
		c.Bytes += s.bytes
	}
	return c
}

// find returns the jobs of some ids, or those that pick takes. An id that is not there is
// an error of kind usage.
func (f *Fleet) find(ctx context.Context, ids []string, pick func(*Record) bool) ([]*Record, error) {
	var out []*Record
	if len(ids) == 0 {
		for r, err := range f.Records(ctx) {
			if err != nil {
				return nil, err
			}
			if pick(r) {
				out = append(out, r)
			}
		}
		return out, nil
	}
	for _, id := range ids {
		r, _, _, err := f.record(ctx, (&Job{ID: id}).Key())
		if err != nil {
			return nil, err
		}
		if r == nil {
			return nil, usage("fleet %q has no job %q", f.o.Name, id)
		}
		out = append(out, r)
	}
	return out, nil
}

// Retry sends jobs again: those of the ids, or without any those that failed or were
// cancelled; all takes those that are done too, to bring them up to date once more. It
// returns how many.
func (f *Fleet) Retry(ctx context.Context, ids []string, all bool) (int, error) {
	list, err := f.find(ctx, ids, func(r *Record) bool { return r.State.Final() && (all || r.State != Done) })
	if err != nil {
		return 0, err
	}
	n := 0
	for part := range slices.Chunk(list, group) {
		var jobs []*Job
		for _, r := range part {
			again, err := f.reopen(ctx, r.Job.Key())
			if err != nil {
				return n, err
			}
			if again {
				jobs = append(jobs, &r.Job)
			}
		}
		if err := f.enqueueAs(ctx, jobs, "."+rand.Text()); err != nil {
			return n, err
		}
		n += len(jobs)
	}
	return n, nil
}

// reopen makes a final record one that waits.
func (f *Fleet) reopen(ctx context.Context, key string) (bool, error) {
	r, rev, _, err := f.record(ctx, key)
	if err != nil || r == nil || !r.State.Final() {
		return false, err
	}
	r.State, r.Attempts, r.Error, r.Ended, r.Items = Waiting, 0, nil, nil, 0
	_, err = f.put(ctx, jobKey(key), r.encode(), rev)
	if errors.Is(err, errLost) {
		return false, nil // somebody else has just done so
	}
	return err == nil, err
}

// Cancel ends jobs: those of the ids, or all that wait or run. Their workers learn it with
// the next renewal of the lease. It returns how many.
func (f *Fleet) Cancel(ctx context.Context, ids []string) (int, error) {
	list, err := f.find(ctx, ids, func(r *Record) bool { return !r.State.Final() })
	if err != nil {
		return 0, err
	}
	n := 0
	for _, r := range list {
		done, err := f.cancel(ctx, r.Job.Key())
		if err != nil {
			return n, err
		}
		if done {
			n++
		}
	}
	return n, nil
}

func (f *Fleet) cancel(ctx context.Context, key string) (bool, error) {
	for {
		r, rev, _, err := f.record(ctx, key)
		if err != nil || r == nil || r.State.Final() {
			return false, err
		}
		now := time.Now()
		r.State, r.Ended, r.Place, r.Token = Cancelled, &now, "", rand.Text()
		if _, err = f.put(ctx, jobKey(key), r.encode(), rev); !errors.Is(err, errLost) {
			return err == nil, err
		}
	}
}

// Mend sends jobs again that wait by their record and are not in the queue: the broker
// lost the power, or a process was killed as it wrote. It returns how many.
func (f *Fleet) Mend(ctx context.Context) (int, error) {
	info, err := f.jobs.Info(ctx)
	if err != nil || info.State.Msgs > 0 {
		return 0, err
	}
	list, err := f.find(ctx, nil, func(r *Record) bool { return !r.State.Final() })
	if err != nil {
		return 0, err
	}
	var jobs []*Job
	for _, r := range list {
		if r.State == Waiting || gone(r) {
			jobs = append(jobs, &r.Job)
		}
	}
	for part := range slices.Chunk(jobs, group) {
		if err := f.enqueueAs(ctx, part, "."+rand.Text()); err != nil {
			return 0, err
		}
	}
	return len(jobs), nil
}

// Items yields the results of single items that workers have sent with --items: of one
// job, or of all.
func (f *Fleet) Items(ctx context.Context, id string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		subject := f.names.item("*")
		if id != "" {
			subject = f.names.item((&Job{ID: id}).Key())
		}
		c, err := f.js.OrderedConsumer(ctx, f.names.events, jetstream.OrderedConsumerConfig{FilterSubjects: []string{subject}})
		if err != nil {
			yield(nil, f.refusal(err))
			return
		}
		for {
			batch, err := c.FetchNoWait(group)
			if err != nil {
				yield(nil, f.broken(err))
				return
			}
			n := 0
			for msg := range batch.Messages() {
				if n++; !yield(msg.Data(), nil) {
					return
				}
			}
			if n == 0 {
				if err := batch.Error(); err != nil && !brokerAway(err) {
					yield(nil, err)
				}
				return
			}
		}
	}
}

// Lanes returns the lanes of jobs that wait.
func (f *Fleet) Lanes(ctx context.Context) ([]string, error) {
	info, err := f.jobs.Info(ctx, jetstream.WithSubjectFilter(f.names.job("*")))
	if err != nil {
		return nil, f.broken(err)
	}
	var lanes []string
	for subject := range info.State.Subjects {
		lanes = append(lanes, strings.TrimPrefix(subject, f.names.job("")))
	}
	slices.SortFunc(lanes, cmp.Compare)
	return lanes, nil
}
