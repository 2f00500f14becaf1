package fleetcmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/fleet"
)

// view tells a person how the jobs go: one line that changes, on a terminal.
type view struct {
	e     *kit.Env
	track *fleet.Tracker
	keys  []string
	begun time.Time

	mu    sync.Mutex // of the output and what follows
	live  bool       // the line is drawn
	drawn bool       // it is on the screen now
	first fleet.Counts
	known bool // first is
}

func newView(e *kit.Env, t *fleet.Tracker, keys []string) *view {
	live := show.IsTerminal(e.Out.Words) && os.Getenv("TERM") != "dumb" && e.Flags.ShowsProgress()
	return &view{e: e, track: t, keys: keys, begun: time.Now(), live: live}
}

// viewTick is how often the line changes.
const viewTick = 500 * time.Millisecond

// draw draws the line until ctx ends; with --stats it writes lines for a log.
func (v *view) draw(ctx context.Context) {
	every := viewTick
	log := v.e.Flags.StatsEvery()
	if log > 0 {
		every = log
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		select {
		case <-v.track.Ready():
		default:
			continue
		}
		c := v.track.Of(v.keys)
		v.mu.Lock()
		if !v.known {
			v.first, v.known, v.begun = c, true, time.Now()
		}
		switch {
		case log > 0:
			fmt.Fprintln(v.e.Out.Words, v.text(c))
		case v.live:
			v.drawn = true
			fmt.Fprintf(v.e.Out.Words, "\r\x1b[K%s", v.text(c))
		}
		v.mu.Unlock()
	}
}

// clear takes the line away. The caller holds the lock.
func (v *view) clear() {
	if v.drawn {
		io.WriteString(v.e.Out.Words, "\r\x1b[K")
		v.drawn = false
	}
}

func (v *view) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear()
	v.live = false
}

// say reports what is worth knowing.
func (v *view) say(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear()
	v.e.Out.Say(text)
}

// finished reports a job that is over: with --json its record, else only a failure.
func (v *view) finished(r *fleet.Record) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear()
	switch {
	case v.e.Out.JSON:
		_ = v.e.Out.Object(public(r))
		_ = v.e.Out.Flush()
	case r.State == fleet.Failed:
		v.e.Out.Say("netclients: job " + r.Job.ID + ": " + r.Error.Message)
	case v.e.Out.Verbose:
		v.e.Out.Say("job " + r.Job.ID + ": " + string(r.State))
	}
}

// public returns a record without what only workers need.
func public(r *fleet.Record) *fleet.Record {
	c := *r
	c.Place, c.Token, c.Serial = "", "", 0
	return &c
}

// text is the line: what is done, what is left, how fast, and when it may be over.
func (v *view) text(c fleet.Counts) string {
	over := c.All() - c.Open()
	text := fmt.Sprintf("%d/%d jobs done, %d running, %d failed, %d waiting", c.Done, c.All(), c.Running, c.Failed, c.Waiting)
	if c.Cancelled > 0 {
		text += fmt.Sprintf(", %d cancelled", c.Cancelled)
	}
	seconds := time.Since(v.begun).Seconds()
	if !v.known || seconds < 0.1 {
		return text
	}
	first := v.first
	text += fmt.Sprintf(", %.0f items/s, %s/s", float64(max(c.Items-first.Items, 0))/seconds, show.HumanBytes(int64(float64(max(c.Bytes-first.Bytes, 0))/seconds)))
	if here := over - (first.All() - first.Open()); here > 0 && c.Open() > 0 {
		left := time.Duration(seconds / float64(here) * float64(c.Open()) * float64(time.Second))
		text += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	return text
}
