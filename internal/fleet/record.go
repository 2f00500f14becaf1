package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
)

// State says how a job stands.
type State string

// The states of a job. The last three are final.
const (
	Waiting   State = "waiting"
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Final reports whether nothing happens to a job any more.
func (s State) Final() bool { return s == Done || s == Failed || s == Cancelled }

// Record is what a fleet knows of one job.
type Record struct {
	Job      Job             `json:"job"`
	State    State           `json:"state"`
	Attempts int             `json:"attempts,omitempty"`
	Worker   string          `json:"worker,omitempty"` // HOST/PROCESS, of the newest attempt
	Started  *time.Time      `json:"started,omitempty"`
	Ended    *time.Time      `json:"ended,omitempty"`
	Items    int64           `json:"items,omitempty"` // results so far
	Bytes    int64           `json:"bytes,omitempty"` // moved so far, all attempts
	Result   json.RawMessage `json:"result,omitempty"`
	Error    *Failure        `json:"error,omitempty"` // of the newest attempt that failed

	Place  string `json:"place,omitempty"`  // where the worker's process can be looked for
	Token  string `json:"token,omitempty"`  // of the attempt
	Serial int64  `json:"serial,omitempty"` // of the writes of the attempt: no two writes are alike
}

// Failure is why a job failed, with the keys of the command line's errors.
type Failure struct {
	Kind      string `json:"kind"`
	Message   string `json:"message"`
	Code      int    `json:"code,omitempty"`
	Exit      int    `json:"exit"`
	Retryable bool   `json:"retryable"`
}

// failureOf describes an error.
func failureOf(err error) *Failure {
	e := &protocols.Error{}
	errors.As(protocols.Wrap(err, "", "", ""), &e)
	return &Failure{e.Kind.String(), clip(err.Error(), 2000), e.Code, exitOf(err), mayPass(err)}
}

// exitOf returns the exit code that a command line has with an error.
func exitOf(err error) int {
	if c, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err); ok {
		return c.ExitCode()
	}
	return protocols.KindOf(err).Exit()
}

func clip(s string, most int) string {
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

// errLost means that a record was changed by another.
var errLost = errors.New("the record was changed by another worker")

func jobKey(key string) string   { return "job." + key }
func filesKey(key string) string { return "files." + key }

// encode makes the bytes of a record, which are never those of an earlier write of the
// same attempt.
func (r *Record) encode() []byte {
	r.Serial++
	b, err := json.Marshal(r)
	if err != nil { // a result that is not JSON
		r.Result = nil
		b, _ = json.Marshal(r)
	}
	return b
}

// get reads a value; rev is 0 when there is none.
func (f *Fleet) get(ctx context.Context, key string) (value []byte, rev uint64, at time.Time, err error) {
	err = f.steady(ctx, func(ctx context.Context) error {
		e, err := f.state.Get(ctx, key)
		switch {
		case errors.Is(err, jetstream.ErrKeyNotFound):
			value, rev = nil, 0
			return nil
		case err != nil:
			return err
		}
		value, rev, at = e.Value(), e.Revision(), e.Created()
		return nil
	})
	return value, rev, at, err
}

// record reads the record of a job; nil when there is none.
func (f *Fleet) record(ctx context.Context, key string) (*Record, uint64, time.Time, error) {
	value, rev, at, err := f.get(ctx, jobKey(key))
	if err != nil || rev == 0 {
		return nil, 0, at, err
	}
	r := &Record{}
	if err := json.Unmarshal(value, r); err != nil {
		return nil, 0, at, &protocols.Error{Op: "fleet", Kind: protocols.KindProtocol, Text: "the record of job " + key + " cannot be read"}
	}
	return r, rev, at, nil
}

// put writes a value whose revision is rev, 0 for a new one. When another has changed it
// the error is errLost. A write of which nobody knows whether it was made is found by its
// content.
func (f *Fleet) put(ctx context.Context, key string, value []byte, rev uint64) (now uint64, err error) {
	doubt := false
	err = f.steady(ctx, func(ctx context.Context) error {
		if rev == 0 {
			now, err = f.state.Create(ctx, key, value)
		} else {
			now, err = f.state.Update(ctx, key, value, rev)
		}
		if !wrongRevision(err) {
			doubt = doubt || err != nil
			return err
		}
		if doubt {
			if e, gerr := f.state.Get(ctx, key); gerr == nil && bytes.Equal(e.Value(), value) {
				now = e.Revision()
				return nil
			}
		}
		return errLost
	})
	return now, err
}

func wrongRevision(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return errors.Is(err, jetstream.ErrKeyExists) || ok && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// The times of one request to the broker, and of all attempts while it does not answer.
const (
	requestTime = 5 * time.Second
	steadyPause = 200 * time.Millisecond
)

// steady repeats a request until the broker answers: it may be restarting, or choosing a
// new leader. What else there is to wait for is ctx's to say.
func (f *Fleet) steady(ctx context.Context, do func(ctx context.Context) error) error {
	for {
		before := f.nc.LastError()
		within, cancel := context.WithTimeout(ctx, requestTime)
		err := do(within)
		cancel()
		if err == nil || !brokerAway(err) {
			return err
		}
		// A request that is not permitted has no answer: the reason arrives by itself.
		if now := f.nc.LastError(); now != before && errors.Is(now, nats.ErrPermissionViolation) {
			return f.forbidden(now)
		}
		if ctx.Err() != nil || f.nc.IsClosed() {
			return f.broken(err)
		}
		if retry.Sleep(ctx, steadyPause) != nil {
			return f.broken(err)
		}
	}
}

// brokerAway reports whether an error is that of a broker that does not answer now.
func brokerAway(err error) bool {
	for _, away := range []error{
		context.DeadlineExceeded, nats.ErrTimeout, nats.ErrNoResponders, nats.ErrDisconnected, nats.ErrConnectionReconnecting, nats.ErrReconnectBufExceeded,
		jetstream.ErrNoStreamResponse, jetstream.ErrNoHeartbeat, nats.ErrConnectionClosed, nats.ErrStaleConnection,
	} {
		if errors.Is(err, away) {
			return true
		}
	}
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.Code == 503
}

// broken is the error for a broker that is away, or that seems to be.
func (f *Fleet) broken(err error) error {
	if why := f.silent(); why != nil {
		return why
	}
	return &protocols.Error{Op: "fleet", URL: f.address, Kind: protocols.KindConnect, Retryable: true, Text: "the broker does not answer", Err: err}
}

// silent returns why a broker that is there does not answer: this user is not permitted
// something, or the disk of the embedded one is full. Else it is nil.
func (f *Fleet) silent() error {
	if last := f.nc.LastError(); f.nc.IsConnected() && errors.Is(last, nats.ErrPermissionViolation) {
		return f.forbidden(last)
	}
	if f.own == nil {
		return nil
	}
	if free, err := freeSpace(f.o.Broker.Dir); err != nil || free >= brokerSpace {
		return nil
	}
	return &protocols.Error{Op: "fleet", URL: f.address, Kind: protocols.KindLocal, Text: "the disk of " + f.o.Broker.Dir + " is full: the embedded broker can store nothing; free some space, or use --dir FOLDER on another disk"}
}

// brokerSpace is what the embedded broker needs to write at all.
const brokerSpace = 1 << 20

// forbidden is the error for a user of the broker that may not do what a fleet needs.
func (f *Fleet) forbidden(err error) error {
	return &protocols.Error{Op: "fleet", URL: f.address, Kind: protocols.KindRefused, Text: "the broker at " + f.address + " does not permit this user what a fleet needs", Err: err}
}
