package fleet

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/netclients/netclients/protocols"
)

// Options say what a fleet is.
type Options struct {
	Name     string
	Broker   Broker
	Lease    time.Duration // of jobs and slots; 0: DefaultLease
	Replicas int           // of all that is stored; 0: 3 in a cluster, else 1
	Existing bool          // it is an error when the fleet is not there yet
}

// Fleet is a fleet that this process takes part in. Its methods may be called from many
// goroutines.
type Fleet struct {
	o       Options
	names   names
	address string
	nc      *nats.Conn
	own     *embedded // nil: the broker is elsewhere
	js      jetstream.JetStream
	jobs    jetstream.Stream
	state   jetstream.KeyValue
	slots   jetstream.KeyValue
	limits  jetstream.KeyValue
	files   jetstream.ObjectStore
}

// Open connects to the broker and makes what the fleet keeps there, where it is missing.
// The caller closes the fleet. A broker that cannot be reached is an error of kind
// connect with its address; a fleet of another format is one of kind usage.
func Open(ctx context.Context, o Options) (*Fleet, error) {
	if o.Name == "" {
		o.Name = DefaultName
	}
	if o.Lease == 0 {
		o.Lease = DefaultLease
	}
	if err := CheckWord("fleet", o.Name); err != nil {
		return nil, err
	}
	nc, own, address, err := connect(ctx, &o.Broker)
	if err != nil {
		return nil, err
	}
	f := &Fleet{o: o, names: namesOf(o.Name), address: address, nc: nc, own: own}
	if f.js, err = jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(1000)); err == nil {
		err = f.prepare(ctx)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Close ends the connection, and the embedded server.
func (f *Fleet) Close() {
	f.nc.Close()
	if f.own != nil {
		f.own.close()
	}
}

// Name returns the name of the fleet.
func (f *Fleet) Name() string { return f.o.Name }

// Address returns where the broker is: its URLs, a folder, or the socket of the process
// that has that folder.
func (f *Fleet) Address() string { return f.address }

// Reachable returns the URL of the embedded server for other machines.
func (f *Fleet) Reachable() string {
	if f.own == nil {
		return f.address
	}
	return f.own.address()
}

// Alone reports whether the broker is in this process.
func (f *Fleet) Alone() bool { return f.own != nil }

// The metadata of the stream of jobs.
const (
	metaFormat = "netclients-fleet-format"
	metaLease  = "netclients-fleet-lease"
)

// prepare makes or opens the objects. The stream of jobs comes last: it says that all
// others are there.
func (f *Fleet) prepare(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	return f.steady(within, func(ctx context.Context) error {
		s, err := f.js.Stream(ctx, f.names.jobs)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			if f.o.Existing {
				return usage("there is no fleet %q at %s: create it with fleet submit JOBS", f.o.Name, f.address)
			}
			return f.refusal(f.found(ctx))
		}
		if err != nil {
			return f.refusal(err)
		}
		if err := f.compatible(s.CachedInfo()); err != nil {
			return err
		}
		f.jobs = s
		return f.open(ctx)
	})
}

// compatible returns an error for a stream that this program does not understand.
func (f *Fleet) compatible(info *jetstream.StreamInfo) error {
	meta := info.Config.Metadata
	format, ours := meta[metaFormat]
	switch {
	case !ours:
		return usage("the stream %s at %s was not made by a fleet of netclients: choose another --fleet NAME", f.names.jobs, f.address)
	case format != Format:
		return usage("fleet %q at %s has format %s, and this program works with format %s: use the same version of netclients on all machines, or another --fleet NAME", f.o.Name, f.address, format, Format)
	}
	lease, err := time.ParseDuration(meta[metaLease])
	if err != nil || lease <= 0 {
		return usage("fleet %q at %s says nothing of its lease", f.o.Name, f.address)
	}
	f.o.Lease = lease // one for all its workers
	return nil
}

// refusal explains an error of the broker's.
func (f *Fleet) refusal(err error) error {
	if errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
		return &protocols.Error{Op: "fleet", URL: f.address, Kind: protocols.KindRefused, Text: "the broker at " + f.address + " has no JetStream for this account"}
	}
	api, ok := errors.AsType[*jetstream.APIError](err)
	if !ok || brokerAway(err) {
		return err
	}
	if why := f.silent(); why != nil {
		return why
	}
	what := " refused to open the fleet"
	if api.ErrorCode == noStorage {
		what = " has no storage left for a fleet"
	}
	return &protocols.Error{Op: "fleet", URL: f.address, Kind: protocols.KindRefused, Text: "the broker at " + f.address + what, Err: err}
}

// noStorage is the broker's code for storage that is used up, or reserved by others.
const noStorage jetstream.ErrorCode = 10047

func (f *Fleet) open(ctx context.Context) (err error) {
	if f.state, err = f.js.KeyValue(ctx, f.names.state); err != nil {
		return err
	}
	if f.slots, err = f.js.KeyValue(ctx, f.names.slots); err != nil {
		return err
	}
	if f.limits, err = f.js.KeyValue(ctx, f.names.limits); err != nil {
		return err
	}
	f.files, err = f.js.ObjectStore(ctx, f.names.files)
	return err
}

// The bounds of what a fleet keeps.
const (
	dedupeTime = 2 * time.Minute // within which the broker knows a job again; the records know it for ever
	shrinkTime = 5 * time.Minute // for which a server has fewer connections after it refused one
	itemsAge   = 7 * 24 * time.Hour
	itemsBytes = 1 << 30
)

// found makes a fleet.
func (f *Fleet) found(ctx context.Context) (err error) {
	n := f.replicas()
	kv := func(bucket string, ttl time.Duration) (jetstream.KeyValue, error) {
		return f.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: bucket, History: 1, TTL: ttl, Storage: jetstream.FileStorage, Replicas: n})
	}
	if f.state, err = kv(f.names.state, 0); err != nil {
		return err
	}
	if f.slots, err = kv(f.names.slots, f.o.Lease); err != nil {
		return err
	}
	if f.limits, err = kv(f.names.limits, shrinkTime); err != nil {
		return err
	}
	if f.files, err = f.js.CreateOrUpdateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: f.names.files, Storage: jetstream.FileStorage, Replicas: n}); err != nil {
		return err
	}
	if _, err = f.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: f.names.events, Subjects: []string{f.names.item("*")}, Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage,
		MaxAge: itemsAge, MaxBytes: itemsBytes, Replicas: n,
	}); err != nil {
		return err
	}
	f.jobs, err = f.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: f.names.jobs, Subjects: []string{f.names.job("*")}, Retention: jetstream.WorkQueuePolicy, Storage: jetstream.FileStorage,
		Duplicates: dedupeTime, Replicas: n, AllowDirect: true,
		Metadata: map[string]string{metaFormat: Format, metaLease: f.o.Lease.String()},
	})
	return err
}

// replicas returns how many copies the broker keeps of all that is stored.
func (f *Fleet) replicas() int {
	switch {
	case f.o.Replicas > 0:
		return f.o.Replicas
	case f.nc.ConnectedClusterName() != "" && len(f.nc.Servers()) >= 3:
		return 3
	}
	return 1
}

// Purge removes all of the fleet: jobs, records, and what syncs remember.
func (f *Fleet) Purge(ctx context.Context) error {
	for _, name := range []string{f.names.jobs, "KV_" + f.names.state, f.names.events, "OBJ_" + f.names.files, "KV_" + f.names.slots, "KV_" + f.names.limits} {
		err := f.steady(ctx, func(ctx context.Context) error { return f.js.DeleteStream(ctx, name) })
		if err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
			return err
		}
	}
	return nil
}

// hostKey makes a key of a host and port.
func hostKey(host string) string {
	var b strings.Builder
	for _, c := range []byte(strings.ToLower(host)) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			b.WriteByte(c)
		} else {
			const digits = "0123456789abcdef"
			b.WriteString("=" + string(digits[c>>4]) + string(digits[c&15]))
		}
	}
	return b.String()
}
