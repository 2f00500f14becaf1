package fleet

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
)

// Host runs jobs: it knows what the words of a job mean.
type Host interface {
	// Servers returns the servers that a job connects to, HOST:PORT, sorted, each as often as
	// the job needs a connection to it.
	Servers(j *Job) []string
	// Remembers reports whether a run of the job keeps what it has done in Run.Dir.
	Remembers(j *Job) bool
	// Run runs a job. Its error is that of the verb.
	Run(ctx context.Context, j *Job, r *Run) error
}

// Run is what a job runs with.
type Run struct {
	Dir   string          // its folder, empty unless the job remembers
	Safe  func() error    // makes what is in the folder safe at the broker; nil without a folder
	Guard protocols.Guard // for its connections
	Stats protocols.Stats // of its connections
	Item  func(line []byte)
	Crowd func(host string) // a server has said that it allows no more connections

	items  atomic.Int64
	result atomic.Pointer[json.RawMessage]
}

// Result notes a line of JSON as what the job has to say in the end, and counts it as an
// item unless it is a summary.
func (r *Run) Result(line []byte, item bool) {
	if item {
		r.items.Add(1)
	}
	if len(line) <= maxResult {
		keep := json.RawMessage(slices.Clone(line))
		r.result.Store(&keep)
	}
}

// maxResult bounds the result in a record.
const maxResult = 8 << 10

// WorkOptions say how a process works.
type WorkOptions struct {
	Workers  int
	Lanes    []string
	PerHost  int     // connections to one server over the whole fleet
	Rate     float64 // jobs started a second over the whole fleet; 0: no limit
	Attempts int     // of a job whose failure may pass
	Backoff  time.Duration
	Grace    time.Duration // for which jobs may end after the context has
	Items    bool          // each result goes to the fleet's events
	Dir      string        // folder for jobs
	Note     func(text string)
	Finished func(r *Record) // a job has its final record; nil: nobody wants to know
	Drained  <-chan struct{} // closed when no job is waited for any more; nil: until the context ends
}

// worker is one process that works.
type worker struct {
	f       *Fleet
	o       WorkOptions
	host    Host
	id      string
	place   string
	slots   *slots
	queues  []jetstream.Consumer
	skew    atomic.Int64 // of the clock, in nanoseconds
	unfit   atomic.Bool
	running atomic.Int64
	next    atomic.Int64
}

// Work takes jobs and runs them until ctx ends, or no more are waited for. Then jobs that
// run may end within Grace; after that they are given back. The error of a machine that is
// not fit is of kind local.
func (f *Fleet) Work(ctx context.Context, host Host, o WorkOptions) error {
	w := &worker{f: f, o: o, host: host, id: workerName(), place: hereNow()}
	w.slots = newSlots(f, max(1, o.PerHost), w.id)
	if err := w.fitness(ctx); err != nil {
		return err
	}
	if err := w.consume(ctx); err != nil {
		return err
	}
	aside, stop := context.WithCancel(context.WithoutCancel(ctx))
	var beside sync.WaitGroup
	beside.Go(func() { w.slots.keep(aside) })
	beside.Go(func() { w.watchFitness(aside) })
	taking, stopTaking := context.WithCancel(ctx)
	defer stopTaking()
	beside.Go(func() {
		select {
		case <-o.Drained:
			stopTaking()
		case <-aside.Done():
		}
	})
	var wait sync.WaitGroup
	for range max(1, o.Workers) {
		wait.Go(func() { w.loop(ctx, taking) })
	}
	wait.Wait()
	stop()
	beside.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// consume opens the queues of the lanes. When the broker was started by this process
// nobody else works yet, and what was taken by an earlier process comes again at once.
func (w *worker) consume(ctx context.Context) error {
	if w.f.own != nil && !w.f.o.Broker.Retain {
		if err := w.f.vacate(ctx); err != nil {
			return err
		}
	}
	for _, lane := range w.o.Lanes {
		name := "work_" + lane
		if w.f.own != nil && !w.f.o.Broker.Retain {
			if err := w.f.jobs.DeleteConsumer(ctx, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
				return w.f.refusal(err)
			}
		}
		var c jetstream.Consumer
		err := w.f.steady(ctx, func(ctx context.Context) (err error) {
			c, err = w.f.jobs.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
				Durable: name, FilterSubject: w.f.names.job(lane), AckPolicy: jetstream.AckExplicitPolicy, AckWait: w.f.o.Lease,
				MaxDeliver: -1, MaxAckPending: -1, // the records count the attempts
			})
			return err
		})
		if err != nil {
			return err
		}
		w.queues = append(w.queues, c)
	}
	return nil
}

// watchFitness looks now and then whether the machine is still fit.
func (w *worker) watchFitness(ctx context.Context) {
	for retry.Sleep(ctx, w.f.o.Lease) == nil {
		err := w.fitness(ctx)
		if protocols.KindOf(err) == protocols.KindConnect {
			continue // the broker is away; that says nothing of the machine
		}
		if was := w.unfit.Swap(err != nil); err != nil && !was {
			w.o.Note(err.Error())
		} else if err == nil && was {
			w.o.Note("this worker takes jobs again")
		}
	}
}

// loop runs one job after the other, while there are some to take.
func (w *worker) loop(ctx, taking context.Context) {
	for taking.Err() == nil {
		if w.unfit.Load() {
			_ = retry.Sleep(taking, time.Second)
			continue
		}
		msg, err := w.take(taking)
		switch {
		case msg != nil:
			w.handle(ctx, msg)
		case err != nil:
			_ = retry.Sleep(taking, steadyPause)
		}
	}
}

// takeTime is how long a request for a job waits.
const takeTime = time.Second

// take asks the queues for a job, in turn; nil when there is none now.
func (w *worker) take(ctx context.Context) (jetstream.Msg, error) {
	first := int(w.next.Add(1))
	var last error
	for i := range w.queues {
		wait := takeTime
		if len(w.queues) > 1 {
			wait = max(takeTime/time.Duration(4*len(w.queues)), 20*time.Millisecond)
		}
		within, cancel := context.WithTimeout(ctx, wait)
		msg, err := w.queues[(first+i)%len(w.queues)].Next(jetstream.FetchContext(within))
		cancel()
		if msg != nil {
			return msg, nil
		}
		if err != nil && !errors.Is(err, nats.ErrTimeout) && !errors.Is(err, context.DeadlineExceeded) {
			last = err
		}
	}
	return nil, last
}

// handle does all there is to do with a job that the queue gave out.
func (w *worker) handle(ctx context.Context, msg jetstream.Msg) {
	var j Job
	if err := json.Unmarshal(msg.Data(), &j); err != nil || j.ID == "" {
		_ = msg.Term() // submit writes none like this
		w.o.Note("the queue holds something that is not a job; it was dropped")
		return
	}
	key := j.Key()
	r, rev, at, err := w.f.record(ctx, key)
	if err != nil {
		_ = msg.NakWithDelay(takeTime)
		return
	}
	if r == nil {
		r = &Record{Job: j, State: Waiting}
	}
	switch {
	case r.State.Final():
		w.ack(ctx, msg)
		return
	case r.State == Running && !gone(r):
		if left := w.f.o.Lease - (time.Since(at) - time.Duration(w.skew.Load())); left > 0 {
			_ = msg.NakWithDelay(left + takeTime)
			return
		}
	}
	have, ok, err := w.slots.reserve(ctx, w.host.Servers(&j))
	if !ok || err != nil {
		_ = msg.NakWithDelay(slotWait)
		return
	}
	defer have.release()
	if err := w.slots.pace(ctx, w.o.Rate); err != nil {
		_ = msg.Nak()
		return
	}
	w.running.Add(1)
	defer w.running.Add(-1)
	(&attempt{w: w, msg: msg, key: key, slots: have, before: *r}).run(ctx, r, rev)
}

// ack tells the queue that a job is over. When that is lost the job comes again, and its
// record says that it is over.
func (w *worker) ack(ctx context.Context, msg jetstream.Msg) {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*requestTime)
	defer cancel()
	_ = w.f.steady(within, msg.DoubleAck)
}

// attempt is one run of a job.
type attempt struct {
	w      *worker
	msg    jetstream.Msg
	key    string
	slots  *reserved
	before Record // what it was before
	lease  *lease
	store  *store
	unsafe atomic.Pointer[error] // why the newest store failed
}

// Admit and Alive are the guard of the run's connections.
func (a *attempt) Admit(ctx context.Context, host, port string) (func(), error) {
	return a.slots.admit(ctx, host, port)
}

// Alive reports whether the job is still this attempt's.
func (a *attempt) Alive() error { return a.lease.Alive() }

// run claims the job, runs it and settles it.
func (a *attempt) run(ctx context.Context, r *Record, rev uint64) {
	w := a.w
	begun := time.Now()
	runCtx, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(nil)
	a.lease = &lease{f: w.f, msg: a.msg, key: a.key, rec: *r, rev: rev, end: end}
	a.lease.valid(begun)
	if died := r.State == Running; died && r.Attempts >= w.o.Attempts {
		a.settle(ctx, &Run{}, &protocols.Error{Op: "fleet", Kind: protocols.KindInternal, Text: fmt.Sprintf("the worker died in each of %d attempts", r.Attempts)})
		return
	}
	err := a.lease.write(ctx, func(r *Record) {
		r.State, r.Attempts, r.Worker, r.Place, r.Token = Running, r.Attempts+1, w.id, w.place, rand.Text()
		r.Started, r.Ended, r.Items = &begun, nil, 0
	})
	if err != nil {
		_ = a.msg.NakWithDelay(takeTime) // another has it, or the broker is away
		return
	}
	stop := w.finishOrGiveBack(ctx, end)
	defer stop()
	run := &Run{Guard: a, Item: func([]byte) {}, Crowd: func(host string) { w.crowded(ctx, host) }}
	progress := func() (int64, int64) { return run.items.Load(), run.Stats.Read.Load() + run.Stats.Written.Load() }
	a.slots.moved = func() int64 { _, bytes := progress(); return bytes }
	keeping, stopKeeping := context.WithCancel(runCtx)
	var beside sync.WaitGroup
	beside.Go(func() { a.lease.keep(keeping, progress) })
	err = a.job(runCtx, run)
	stopKeeping()
	beside.Wait()
	if err != nil && runCtx.Err() != nil {
		err = context.Cause(runCtx)
	}
	a.settle(context.WithoutCancel(ctx), run, err)
}

// errEnding ends the jobs of a worker that is to end.
var errEnding = lossOf("the worker ends")

// finishOrGiveBack ends a run when the worker is to end and the time for that is over.
func (w *worker) finishOrGiveBack(ctx context.Context, end context.CancelCauseFunc) (stop func()) {
	done := make(chan struct{})
	unhook := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(w.o.Grace):
			end(errEnding)
		case <-done:
		}
	})
	return func() { close(done); unhook() }
}

// job runs the job itself.
func (a *attempt) job(ctx context.Context, run *Run) error {
	w, rec := a.w, a.lease.record()
	j := &rec.Job
	if w.host.Remembers(j) {
		dir := filepath.Join(w.o.Dir, fmt.Sprintf("%s-%s", a.key, rec.Token[:8]))
		defer os.RemoveAll(dir)
		var err error
		if a.store, err = w.f.takeFiles(ctx, a.lease, dir); err != nil {
			return err
		}
		run.Dir, run.Safe = dir, func() error { return a.remember(a.store.safe(ctx)) }
		defer a.keepFiles(ctx)()
	}
	if w.o.Items {
		run.Item = func(line []byte) { _, _ = w.f.js.PublishAsync(w.f.names.item(a.key), slices.Clone(line)) }
	}
	err := w.host.Run(ctx, j, run)
	if why := a.unsafe.Load(); why != nil && err != nil {
		err = *why // the verb calls it a failure of the disk, which would be for good
	}
	if a.store != nil && ctx.Err() == nil {
		if serr := a.store.safe(ctx); err == nil {
			err = serr
		}
	}
	return err
}

// remember notes why what the run remembers could not be made safe.
func (a *attempt) remember(err error) error {
	if err != nil {
		a.unsafe.Store(&err)
	}
	return err
}

// keepFiles stores now and then what the run remembers beside what must be safe at once.
func (a *attempt) keepFiles(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	beside.Go(func() {
		for retry.Sleep(ctx, a.w.f.o.Lease/3) == nil {
			_ = a.store.safe(ctx) // a failure shows at the next group
		}
	})
	return func() { cancel(); beside.Wait() }
}

func (w *worker) crowded(ctx context.Context, host string) {
	n := w.slots.crowded(context.WithoutCancel(ctx), host)
	w.o.Note(fmt.Sprintf("%s allows no more connections: the fleet has %d there for %v", host, n, shrinkTime))
}

// isOwnLimit reports whether the fleet, and not a server, allowed no connection.
func isOwnLimit(err error) bool {
	return errors.Is(err, ownLimit{}) || errors.Is(err, ownLimit{own: true})
}

// mayPass reports whether a job that failed so may succeed later.
func mayPass(err error) bool {
	switch {
	case errors.Is(err, protocols.ErrBusy):
		return true
	case errors.Is(err, ownLimit{own: true}):
		return false
	}
	switch protocols.KindOf(err) {
	case protocols.KindTemporary, protocols.KindConnect, protocols.KindTimeout:
		return true
	case protocols.KindProtocol:
		return protocols.IsRetryable(err) // the connection was cut
	}
	return false
}

// maxBackoff bounds the pause before a job is tried again.
const maxBackoff = 10 * time.Minute

// settle writes what became of the run and tells the queue. Nothing is written for a run
// that has lost its job.
func (a *attempt) settle(ctx context.Context, run *Run, err error) {
	w := a.w
	if a.lease.lost.Load() != nil {
		a.lostJob(ctx)
		return
	}
	if errors.Is(err, protocols.ErrTooMany) && !isOwnLimit(err) {
		for _, host := range slices.Compact(w.host.Servers(&a.before.Job)) {
			run.Crowd(host)
		}
	}
	within, cancel := context.WithDeadline(ctx, *a.lease.until.Load())
	defer cancel()
	busy := errors.Is(err, protocols.ErrBusy)
	attempts := a.lease.rec.Attempts
	again := err != nil && (busy || mayPass(err) && attempts < w.o.Attempts)
	ending := err == error(errEnding)
	werr := a.lease.write(within, func(r *Record) {
		now := time.Now()
		r.Items, r.Bytes = run.items.Load(), a.before.Bytes+run.Stats.Read.Load()+run.Stats.Written.Load()
		r.Place, r.Error = "", nil
		if result := run.result.Load(); result != nil {
			r.Result = *result
		}
		switch {
		case ending, busy:
			r.State, r.Attempts = Waiting, a.before.Attempts
		case again:
			r.State = Waiting
		case err != nil:
			r.State, r.Ended = Failed, &now
		default:
			r.State, r.Ended = Done, &now
		}
		if err != nil && !ending {
			r.Error = failureOf(err)
		}
	})
	switch {
	case werr != nil:
		a.lostJob(ctx)
	case ending:
		_ = a.msg.Nak()
	case again:
		policy := retry.Policy{First: w.o.Backoff, Max: maxBackoff, Jitter: true}
		_ = a.msg.NakWithDelay(policy.Pause(attempts-1, err))
		w.o.Note(fmt.Sprintf("job %s, attempt %d: %v", a.lease.rec.Job.ID, attempts, err))
	default:
		w.ack(ctx, a.msg)
		if w.o.Finished != nil {
			w.o.Finished(&a.lease.rec)
		}
	}
}

// lostJob leaves a job to whom it belongs now. One that was cancelled is over.
func (a *attempt) lostJob(ctx context.Context) {
	r, _, _, err := a.w.f.record(ctx, a.key)
	if err == nil && r != nil && r.State.Final() {
		a.w.ack(ctx, a.msg)
	}
	why := a.lease.lost.Load()
	if why == nil {
		why = lossOf("the broker could not be reached in time")
	}
	a.w.o.Note(fmt.Sprintf("job %s: given up: %s", a.before.Job.ID, why.Text))
}
