package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/netclients/netclients/protocols"
)

// Submitted says what became of the jobs of a file.
type Submitted struct {
	New   int      `json:"submitted"`
	Known int      `json:"known"` // of an earlier time: they are as they were
	Keys  []string `json:"-"`     // of all
}

// group is how many jobs are under way to the broker at the same time.
const group = 500

// Submit puts jobs into the queue; those that the fleet knows stay as they are. The job
// comes before its record, so that a process that is killed in between leaves none that
// nobody will run.
func (f *Fleet) Submit(ctx context.Context, jobs iter.Seq[*Job]) (Submitted, error) {
	var s Submitted
	var batch []*Job
	send := func() error {
		n, err := f.submit(ctx, batch)
		s.New += n
		s.Known += len(batch) - n
		batch = batch[:0]
		return err
	}
	for j := range jobs {
		c := *j
		batch = append(batch, &c)
		s.Keys = append(s.Keys, c.Key())
		if len(batch) == group {
			if err := send(); err != nil {
				return s, err
			}
		}
	}
	return s, send()
}

// lookups is how many records are asked for at the same time.
const lookups = 32

// unknown returns the jobs that have no record.
func (f *Fleet) unknown(ctx context.Context, jobs []*Job) ([]*Job, error) {
	fresh := make([]bool, len(jobs))
	errs := make([]error, len(jobs))
	var wait sync.WaitGroup
	for part := range lookups {
		wait.Go(func() {
			for i := part; i < len(jobs); i += lookups {
				_, rev, _, err := f.get(ctx, jobKey(jobs[i].Key()))
				fresh[i], errs[i] = rev == 0, err
			}
		})
	}
	wait.Wait()
	var out []*Job
	for i, j := range jobs {
		if fresh[i] {
			out = append(out, j)
		}
	}
	return out, errors.Join(errs...)
}

// submit sends some jobs and returns how many of them are new.
func (f *Fleet) submit(ctx context.Context, jobs []*Job) (int, error) {
	fresh, err := f.unknown(ctx, jobs)
	if err != nil {
		return 0, err
	}
	if err := f.enqueue(ctx, fresh); err != nil {
		return 0, err
	}
	var acks []jetstream.PubAckFuture
	for _, j := range fresh {
		r := &Record{Job: *j, State: Waiting}
		ack, err := f.js.PublishAsync("$KV."+f.names.state+"."+jobKey(j.Key()), r.encode(), jetstream.WithExpectLastSequencePerSubject(0))
		if err != nil {
			return 0, f.broken(err)
		}
		acks = append(acks, ack)
	}
	return len(fresh), f.taken(ctx, acks, func(err error) error {
		if wrongRevision(err) {
			return nil // a worker was faster
		}
		return err
	})
}

// taken waits until the broker has all of what was sent.
func (f *Fleet) taken(ctx context.Context, acks []jetstream.PubAckFuture, check func(error) error) error {
	late, look := time.After(startTime), time.NewTicker(requestTime)
	defer look.Stop()
	for i := 0; i < len(acks); {
		select {
		case <-acks[i].Ok():
			i++
		case err := <-acks[i].Err():
			switch err = check(err); {
			case err == nil:
				i++
			case brokerAway(err):
				return f.broken(err)
			default:
				return &protocols.Error{Op: "fleet", URL: f.address, Kind: protocols.KindRefused, Text: "the broker did not take a job", Err: err}
			}
		case <-look.C:
			if err := f.silent(); err != nil {
				return err
			}
		case <-late:
			return f.broken(context.DeadlineExceeded)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// enqueue puts jobs into the queue and waits until the broker has them.
func (f *Fleet) enqueue(ctx context.Context, jobs []*Job) error {
	return f.enqueueAs(ctx, jobs, "")
}

// enqueueAs is enqueue with what makes the broker take a job that it knows as another one.
func (f *Fleet) enqueueAs(ctx context.Context, jobs []*Job, mark string) error {
	var acks []jetstream.PubAckFuture
	for _, j := range jobs {
		b, err := json.Marshal(j)
		if err != nil {
			return err
		}
		if len(b) > maxJob {
			return usage("job %s is longer than %d bytes", j.ID, maxJob)
		}
		ack, err := f.js.PublishAsync(f.names.job(j.Lane), b, jetstream.WithMsgID(j.Key()+mark))
		if err != nil {
			return f.broken(err)
		}
		acks = append(acks, ack)
	}
	return f.taken(ctx, acks, func(err error) error { return err })
}

// Prepare fills what a job leaves out: its lane and its id.
func (j *Job) Prepare(lane string) error { return j.fill(lane) }
