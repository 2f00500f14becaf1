// Package fleetcmd has the commands of a fleet: jobs that many machines run, each job a
// verb with its arguments.
package fleetcmd

import (
	"cmp"
	"context"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/internal/fleet"
	"github.com/netclients/netclients/protocols"
)

// Machine runs verbs in this process.
type Machine interface {
	// Target reads a URL.
	Target(text string) (*protocols.Target, error)
	// Plan looks at a command line and runs nothing.
	Plan(ctx context.Context, args []string) (Plan, error)
	// Run runs a verb as a command line does. Results go to stdout.
	Run(ctx context.Context, args []string, with *kit.Hosted, stdout, stderr io.Writer) error
}

// Plan is what a command line would do.
type Plan struct {
	Verb     string
	Protocol string   // that the command line names; empty: the URLs say it
	Flags    []string // that are set, sorted
}

// Command returns `fleet` with all its commands.
func Command(m Machine) *kit.Command {
	f := &flags{m: m}
	sub := func(name, args, short string, more func(*pflag.FlagSet), run func(context.Context, *kit.Env, []string) error, examples ...string) *kit.Command {
		c := &kit.Command{Name: name, Args: args, Short: short, Run: run, Uses: used, Flags: func(fs *pflag.FlagSet) {
			f.where(fs)
			if name != "serve" {
				f.reaching(fs)
			}
			if more != nil {
				more(fs)
			}
		}}
		if strings.HasSuffix(args, "JOBS") || args == "[JOBS]" {
			c.Shadows = f.bound
		}
		if len(examples) > 0 {
			c.Example = "  netclients " + strings.Join(examples, "\n  netclients ")
		}
		return c
	}
	return &kit.Command{
		Name: "fleet", Args: "COMMAND", Short: "run many jobs, each a verb with its arguments, on one machine or on many",
		Sub: []*kit.Command{
			sub("run", "[JOBS]", "put the jobs of a file into the queue and run all that wait; started again, it goes on where it was", f.running, f.run,
				"fleet run jobs.ndjson --workers 16", "fleet run --template 'sync imap://{user}@old.example/ imap://{user}@new.example/' --secret src=csv:users.csv#old users.csv",
				"fleet run jobs.ndjson --nats nats://a.example,b.example,c.example --nats-creds fleet.creds"),
			sub("submit", "JOBS", "put the jobs of a file into the queue; known ones stay as they are", f.submitting, f.submit,
				"fleet submit jobs.ndjson --nats tls://broker.example"),
			sub("work", "", "run jobs of the queue until stopped", f.working, f.work,
				"fleet work --nats tls://broker.example --nats-nkey worker.seed --workers 32 --metrics 127.0.0.1:9200"),
			sub("serve", "", "be the broker for the workers of other machines", f.serving, f.serve,
				"fleet serve --listen 10.0.0.5:4222 --nkeys workers.txt --cert broker.crt --key broker.key"),
			sub("status", "", "count the jobs that wait, run, are done, or have failed", f.following, f.status),
			sub("results", "[ID...]", "the records of jobs", f.resulting, f.results, "fleet results --failed --json | jq -r .job.id"),
			sub("failed", "[ID...]", "the records of jobs that gave up", nil, f.failed),
			sub("retry", "[ID...]", "send jobs again: those that gave up, or those named", f.retrying, f.retry),
			sub("cancel", "[ID...]", "end jobs that wait or run", f.cancelling, f.cancel, "fleet cancel --all"),
			sub("purge", "", "remove the fleet: its jobs, their records, and what syncs remember", f.purging, f.purge),
			splitCommand(m),
		},
	}
}

// used are the flags of clients that are about the broker here.
var used = []string{"connect-timeout", "tls", "tls-min", "tls-max", "insecure", "ca-file", "cert", "key", "key-password-file", "servername", "token-file", "stats"}

// flags are those of all commands; each command registers its part.
type flags struct {
	m Machine

	name, servers, creds, nkey, dir string
	replicas                        int
	lease                           kit.Duration
	sync                            bool

	lane, bind, template string
	secrets              []string

	workers, perHost, attempts kit.Count
	lanes                      []string
	rate                       float64
	backoff, grace             kit.Duration
	items, drain, commands     bool
	metrics                    string

	listen, nkeys     string
	follow            bool
	onlyFailed, lines bool
	all, yes          bool
}

// where adds the flags about the fleet itself.
func (f *flags) where(fs *pflag.FlagSet) {
	fs.StringVar(&f.name, "fleet", fleet.DefaultName, "`NAME` of the fleet")
	fs.StringVar(&f.dir, "dir", "", "`FOLDER` of the embedded broker and of running jobs; by default below $XDG_STATE_HOME")
	f.lease = kit.Duration(fleet.DefaultLease)
}

// reaching adds the flags about the broker that the fleet is at.
func (f *flags) reaching(fs *pflag.FlagSet) {
	fs.StringVar(&f.servers, "nats", "", "use the NATS servers at these `URLS`, separated by commas, instead of an embedded one")
	fs.StringVar(&f.creds, "nats-creds", "", "log in to NATS with the JWT and key in `FILE`")
	fs.StringVar(&f.nkey, "nats-nkey", "", "log in to NATS with the nkey whose seed is in `FILE`")
}

const leaseHelp = "another worker takes a job after this time without a sign of its worker; set when the fleet is created"

// creating adds the flags that count for the command which creates the fleet.
func (f *flags) creating(fs *pflag.FlagSet) {
	fs.Var(&f.lease, "lease", leaseHelp)
	fs.IntVar(&f.replicas, "replicas", 0, "store everything on `N` servers of a cluster: by default three, where there are that many; set when the fleet is created")
}

// jobs adds the flags about a file of jobs.
func (f *flags) jobs(fs *pflag.FlagSet) {
	fs.StringArrayVar(&f.secrets, "secret", nil, "where a worker finds a secret, for jobs that do not say it: `src=REFERENCE` or dst=REFERENCE; profile:NAME, env:VARIABLE, file:PATH, command:LINE, csv:PATH#COLUMN or keyring")
	fs.StringVar(&f.lane, "lane", fleet.DefaultLane, "`LANE` for jobs that name none")
}

// bound adds --bind and --template, which mean something else for other commands.
func (f *flags) bound(fs *pflag.FlagSet) {
	fs.StringVar(&f.template, "template", "", "make a job of each row of a CSV: the `WORDS` of a command line, with {column} for what stands in the row, and flags as --name=value")
	fs.StringVar(&f.bind, "bind", "", "have the jobs run on the machine `HOST` only, which has the files that they read or write")
}

func (f *flags) labour(fs *pflag.FlagSet) {
	f.workers, f.perHost, f.attempts = kit.NewCount(8, 4096), kit.NewCount(fleet.DefaultPerHost, 4096), kit.NewCount(fleet.DefaultAttempts, 1000)
	f.backoff, f.grace = kit.Duration(10*time.Second), kit.Duration(10*time.Second)
	fs.Var(&f.workers, "workers", "run `N` jobs at the same time in this process")
	fs.Var(&f.perHost, "per-host", "open at most `N` connections to one server at the same time, in the whole fleet")
	fs.Float64Var(&f.rate, "rate", 0, "start at most `N` jobs a second, in the whole fleet")
	fs.Var(&f.attempts, "attempts", "give up a job after `N` failures that may pass")
	fs.Var(&f.backoff, "backoff", "pause before a job is tried again; doubles each time, up to 10m")
	fs.Var(&f.grace, "grace", "after Ctrl-C, time for running jobs to end before they are given back")
	fs.BoolVar(&f.items, "items", false, "keep a line for each finished item: fleet results --lines prints them")
	fs.BoolVar(&f.commands, "allow-commands", false, "with --nats: run the command lines that jobs name (command:, --password-command and the like)")
	fs.StringVar(&f.metrics, "metrics", "", "serve figures for Prometheus at `ADDR`")
}

func (f *flags) submitting(fs *pflag.FlagSet) {
	f.creating(fs)
	f.jobs(fs)
}

func (f *flags) running(fs *pflag.FlagSet) {
	f.submitting(fs)
	f.labour(fs)
	f.durable(fs)
}

func (f *flags) working(fs *pflag.FlagSet) {
	f.creating(fs)
	f.labour(fs)
	fs.StringSliceVar(&f.lanes, "lanes", []string{fleet.DefaultLane}, "take jobs of these `LANES`, separated by commas; that of this machine (--bind) is always taken")
	fs.BoolVar(&f.drain, "drain", false, "end when no job waits or runs")
}

func (f *flags) durable(fs *pflag.FlagSet) {
	fs.BoolVar(&f.sync, "sync", false, "the embedded broker forces each write to the disk, instead of once a second")
}

func (f *flags) serving(fs *pflag.FlagSet) {
	fs.Var(&f.lease, "lease", leaseHelp)
	fs.StringVar(&f.listen, "listen", "127.0.0.1:4222", "`ADDR` to listen at; other than loopback needs --cert and --key, and --token-file or --nkeys")
	fs.StringVar(&f.nkeys, "nkeys", "", "accept logins with the nkeys whose public keys are in `FILE`, one per line")
	fs.StringVar(&f.metrics, "metrics", "", "serve figures for Prometheus at `ADDR`")
	f.durable(fs)
}

func (f *flags) following(fs *pflag.FlagSet) {
	fs.BoolVar(&f.follow, "follow", false, "report each change until no job waits or runs")
}

func (f *flags) resulting(fs *pflag.FlagSet) {
	fs.BoolVar(&f.onlyFailed, "failed", false, "only those that failed")
	fs.BoolVar(&f.lines, "lines", false, "print the lines of single items, which workers keep with --items")
}

func (f *flags) retrying(fs *pflag.FlagSet) {
	fs.BoolVar(&f.all, "all", false, "also those that are done, to bring them up to date once more")
}

func (f *flags) cancelling(fs *pflag.FlagSet) {
	fs.BoolVar(&f.all, "all", false, "all jobs that wait or run")
}

func (f *flags) purging(fs *pflag.FlagSet) {
	fs.BoolVar(&f.yes, "yes", false, "do not ask")
}

// folder returns where the embedded broker and the jobs of this user are.
func (f *flags) folder() (string, error) {
	if f.dir != "" {
		return filepath.Abs(f.dir)
	}
	dir, err := kit.StateDir("fleet")
	if err == nil && dir == "" {
		err = kit.Usage("fleet: there is no home folder: use --dir FOLDER")
	}
	return filepath.Join(dir, f.name), err
}

// An embedded broker may know hundreds of thousands of jobs. It has garbage collected when
// there is half as much of it as of what is needed, and more often above so many bytes.
const (
	thrift = 50
	modest = 80 << 20
)

// options makes of the flags what a fleet is opened with.
func (f *flags) options(ctx context.Context, e *kit.Env) (fleet.Options, error) {
	if err := fleet.CheckWord("--fleet", f.name); err != nil {
		return fleet.Options{}, err
	}
	dir, err := f.folder()
	if err != nil {
		return fleet.Options{}, err
	}
	if f.servers == "" {
		debug.SetGCPercent(thrift)
		debug.SetMemoryLimit(modest)
	}
	o := fleet.Options{Name: f.name, Replicas: f.replicas, Lease: time.Duration(f.lease), Broker: fleet.Broker{
		Servers: f.servers, Dir: dir, Creds: f.creds, NKey: f.nkey, TLS: e.Opts.TLS.Config, Sync: f.sync,
		UseTLS: e.Opts.TLS.Mode == protocols.TLSRequire, Within: e.Opts.ConnectWithin(),
	}}
	if err := plausible(f); err != nil {
		return o, err
	}
	if file := e.Flags.TokenFile(); file != "" {
		o.Broker.Token, err = secret.FileLine(ctx, file, func() { e.Out.Warn(file + " can be read by other users; chmod 600 it") })
	}
	return o, err
}

// plausible returns an error for numbers that no fleet can work with. Those of a command
// without the flag are zero, and the counts have nil there.
func plausible(f *flags) error {
	switch {
	case f.lease < kit.Duration(time.Second):
		return kit.Usage("fleet: --lease %v is too short: at least 1s", time.Duration(f.lease))
	case f.replicas < 0 || f.replicas > 5:
		return kit.Usage("fleet: --replicas %d: want 1 to 5, or 0 for as many as the cluster suggests", f.replicas)
	case !(f.rate >= 0) || math.IsInf(f.rate, 1):
		return kit.Usage("fleet: --rate %v: want jobs a second, such as 5 or 0.5; 0 is no limit", f.rate)
	}
	for _, c := range []struct {
		flag string
		n    kit.Count
	}{{"workers", f.workers}, {"per-host", f.perHost}, {"attempts", f.attempts}} {
		if c.n.Most > 0 && c.n.Value == 0 {
			return kit.Usage("fleet: --%s 0: want at least 1", c.flag)
		}
	}
	return nil
}

// open opens the fleet; existing is for commands that make none.
func (f *flags) open(ctx context.Context, e *kit.Env, existing bool) (*fleet.Fleet, error) {
	o, err := f.options(ctx, e)
	if err != nil {
		return nil, err
	}
	o.Existing = existing
	if _, serr := os.Stat(o.Broker.Dir); existing && o.Broker.Servers == "" && os.IsNotExist(serr) {
		return nil, kit.Usage("there is no fleet %q in %s: create it with fleet run JOBS or fleet submit JOBS, or name the broker of another with --nats URLS", f.name, o.Broker.Dir)
	}
	return fleet.Open(ctx, o)
}

// bindLane is the lane of the jobs that are for one machine.
func bindLane(host string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, strings.ToLower(host))
	return "host-" + clean[:min(len(clean), 59)]
}

// hereLane is the lane of this machine.
func hereLane() string {
	name, err := os.Hostname()
	if err != nil {
		name = "localhost"
	}
	return bindLane(name)
}

// laneFor returns the lane of jobs that name none.
func (f *flags) laneFor() string {
	if f.bind != "" {
		return bindLane(f.bind)
	}
	return cmp.Or(f.lane, fleet.DefaultLane)
}
