package fleetcmd

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/fleet"
	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
)

// input is a file of jobs that has been checked.
type input struct {
	*source
	jobs  int
	lanes []string
}

// read checks all jobs of a file before anything is done with one of them.
func (f *flags) read(ctx context.Context, e *kit.Env, name string) (*input, error) {
	if err := fleet.CheckWord("--lane", f.laneFor()); err != nil {
		return nil, err
	}
	s, err := openSource(e, name)
	if err != nil {
		return nil, err
	}
	in := &input{source: s}
	for j, err := range f.checked(ctx, f.host(), s) {
		if err != nil {
			return nil, err
		}
		in.jobs++
		if !slices.Contains(in.lanes, j.Lane) {
			in.lanes = append(in.lanes, j.Lane)
		}
	}
	if in.jobs == 0 {
		return nil, kit.Usage("fleet: %s holds no jobs", s.name)
	}
	return in, nil
}

// host returns what runs the jobs.
func (f *flags) host() *host {
	return &host{m: f.m, commands: f.servers == "" || f.commands, anywhere: f.servers != ""}
}

// put submits a file that was checked.
func (f *flags) put(ctx context.Context, fl *fleet.Fleet, in *input) (fleet.Submitted, error) {
	var bad error
	jobs := iter.Seq[*fleet.Job](func(yield func(*fleet.Job) bool) {
		for j, err := range f.checked(ctx, f.host(), in.source) {
			if bad = err; err != nil || !yield(j) {
				return
			}
		}
	})
	s, err := fl.Submit(ctx, jobs)
	return s, firstOf(bad, err)
}

// submit is fleet submit.
func (f *flags) submit(ctx context.Context, e *kit.Env, args []string) error {
	in, err := f.read(ctx, e, args[0])
	if err != nil {
		return err
	}
	fl, err := f.open(ctx, e, false)
	if err != nil {
		return err
	}
	defer fl.Close()
	s, err := f.put(ctx, fl, in)
	if err != nil {
		return err
	}
	return e.Out.Record(struct {
		Fleet string `json:"fleet"`
		fleet.Submitted
	}{f.name, s}, func() string {
		return fmt.Sprintf("%s submitted to fleet %s, %d known before", jobs(s.New), f.name, s.Known)
	})
}

// run is fleet run.
func (f *flags) run(ctx context.Context, e *kit.Env, args []string) error {
	var in *input
	var err error
	if len(args) > 0 {
		if in, err = f.read(ctx, e, args[0]); err != nil {
			return err
		}
	}
	fl, err := f.open(ctx, e, in == nil)
	if err != nil {
		return err
	}
	defer fl.Close()
	var keys []string
	lanes := []string{fleet.DefaultLane}
	if in != nil {
		s, err := f.put(ctx, fl, in)
		if err != nil {
			return err
		}
		keys, lanes = s.Keys, append(lanes, in.lanes...)
		e.Out.Detail(fmt.Sprintf("%s submitted, %d known before", jobs(s.New), s.Known))
	}
	if fl.Alone() || in == nil {
		more, err := fl.Lanes(ctx)
		if err != nil {
			return err
		}
		lanes = append(lanes, more...)
	}
	return f.labourUntil(ctx, e, fl, append(lanes, hereLane()), keys, true)
}

// work is fleet work.
func (f *flags) work(ctx context.Context, e *kit.Env, _ []string) error {
	for _, lane := range f.lanes {
		if err := fleet.CheckWord("--lanes", lane); err != nil {
			return err
		}
	}
	fl, err := f.open(ctx, e, false)
	if err != nil {
		return err
	}
	defer fl.Close()
	return f.labourUntil(ctx, e, fl, append(slices.Clone(f.lanes), hereLane()), nil, f.drain)
}

// labourUntil works until the jobs with these keys, or all, are done; without an end until
// ctx ends.
func (f *flags) labourUntil(ctx context.Context, e *kit.Env, fl *fleet.Fleet, lanes, keys []string, end bool) error {
	slices.Sort(lanes)
	folder, err := f.folder()
	if err != nil {
		return err
	}
	aside, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	track, err := fl.Track(aside, keys)
	if err != nil {
		return err
	}
	v := newView(e, track, keys)
	o := fleet.WorkOptions{
		Workers: f.workers.Value, Lanes: slices.Compact(lanes), PerHost: f.perHost.Value, Rate: f.rate, Attempts: f.attempts.Value,
		Backoff: time.Duration(f.backoff), Grace: time.Duration(f.grace), Items: f.items, Dir: filepath.Join(folder, "work"),
		Note: v.say, Finished: v.finished,
	}
	if end {
		o.Drained = track.Settled()
	}
	if err := f.serveMetrics(aside, fl, track); err != nil {
		return err
	}
	var beside sync.WaitGroup
	beside.Go(func() { v.draw(aside) })
	beside.Go(func() { mend(aside, fl, track, e) })
	err = fl.Work(ctx, f.host(), o)
	if end && err == nil { // the last records may not have come back yet
		select {
		case <-track.Settled():
		case <-ctx.Done():
		}
	}
	stop()
	beside.Wait()
	v.close()
	if err != nil {
		return err
	}
	return v.verdict(track.Of(keys))
}

// mendPause is how long the queue must have been empty while jobs wait.
const mendPause = 3 * time.Second

// mend sends again what was lost between a record and the queue.
func mend(ctx context.Context, fl *fleet.Fleet, t *fleet.Tracker, e *kit.Env) {
	for retry.Sleep(ctx, mendPause) == nil {
		c := t.Counts()
		if c.Waiting == 0 && c.Running == 0 {
			continue
		}
		if n, err := fl.Mend(ctx); err == nil && n > 0 {
			e.Out.Detail(jobs(n) + " missing from the queue sent again")
		}
	}
}

// verdict prints what became of the jobs, and returns the error that says it.
func (v *view) verdict(c fleet.Counts) error {
	seconds := time.Since(v.begun).Seconds()
	summary := struct {
		Summary struct {
			fleet.Counts
			Seconds float64 `json:"seconds"`
		} `json:"summary"`
	}{}
	summary.Summary.Counts, summary.Summary.Seconds = c, seconds
	err := v.e.Out.Record(summary, func() string { return v.text(c) })
	if err == nil && c.Failed > 0 {
		v.e.Out.Say("fleet failed lists the jobs that gave up, fleet retry sends them again")
		err = kit.Exit(protocols.KindPartial.Exit())
	}
	return err
}

// existing opens a fleet that is there already.
func (f *flags) existing(ctx context.Context, e *kit.Env, do func(*fleet.Fleet) error) error {
	fl, err := f.open(ctx, e, true)
	if err != nil {
		return err
	}
	defer fl.Close()
	return do(fl)
}
