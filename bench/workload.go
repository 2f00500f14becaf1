//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// workload is one task that several programs perform.
type workload struct {
	name   string
	about  string
	slow   bool             // a run may take ten minutes instead of one
	times  int              // multiplies the number of rounds, for tasks that take milliseconds; 0 means 1
	setup  func(*lab) error // run once, may be nil
	before func(*lab) error // before each run, outside the timing, after {OUT} was emptied; may be nil
	check  func(*lab) error // after each run, outside the timing; may be nil
	peers  []peer
}

// peer is one program's command for the task. Names in braces in its arguments are the lab's values.
type peer struct {
	name string
	argv []string
}

const program = "{NETCLIENTS}"

func (p peer) ours() bool {
	return slices.ContainsFunc(p.argv, func(arg string) bool { return strings.Contains(arg, program) })
}

// withBefore adds a peer that runs the first of ours with an older build.
func withBefore(peers []peer, path string) []peer {
	i := slices.IndexFunc(peers, peer.ours)
	if i < 0 {
		return peers
	}
	argv := slices.Clone(peers[i].argv)
	for j, arg := range argv {
		argv[j] = strings.ReplaceAll(arg, program, path)
	}
	return slices.Insert(slices.Clone(peers), i+1, peer{"before", argv})
}

// missing returns why the peer cannot run, or "".
func (p peer) missing(l *lab) string {
	if p.ours() && l.buildErr != nil {
		return "not built"
	}
	if _, err := l.find(p.argv[0]); err != nil {
		return "not installed"
	}
	return ""
}

// result is the measurements of all peers for one workload.
type result struct {
	workload workload
	rows     []row
}

type row struct {
	peer    peer
	absent  string // why it did not run
	failure string // its first failure, after which it was not run again
	once    bool   // it is so slow that only its first run counts
	samples []sample
	peakKiB int64 // 0 if unknown
}

// measure runs the peers in turn, round by round, so that a slow minute of the machine affects all alike. The first
// round is not timed.
func (w workload) measure(ctx context.Context, l *lab, opts options, log io.Writer) (result, error) {
	r := result{workload: w}
	for _, p := range w.peers {
		if opts.peers.MatchString(p.name) {
			r.rows = append(r.rows, row{peer: p, absent: p.missing(l)})
		}
	}
	if w.setup != nil && slices.ContainsFunc(r.rows, row.runs) {
		if err := w.setup(l); err != nil {
			return r, err
		}
	}
	l.limit = 0
	if w.slow {
		l.limit = slowLimit
	}
	rounds := opts.rounds * max(w.times, 1)
	for round := range rounds + 1 {
		fmt.Fprintf(log, "%s: round %d of %d\n", w.name, round, rounds)
		for i := range r.rows {
			if err := w.runOnce(ctx, l, &r.rows[i], round == 0); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

func (r row) runs() bool { return r.absent == "" && r.failure == "" && !r.once }

// onceAbove is the duration above which a peer is run only once.
const onceAbove = 8 * time.Second

// runOnce adds one sample to the row. It returns only errors of the harness; the peer's error is stored in the row.
func (w workload) runOnce(ctx context.Context, l *lab, r *row, warmUp bool) error {
	if !r.runs() {
		return nil
	}
	if err := l.clean(); err != nil {
		return err
	}
	if w.before != nil {
		if err := w.before(l); err != nil {
			return err
		}
	}
	s, err := l.run(ctx, r.peer.argv, warmUp)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil && w.check != nil {
		err = w.check(l)
	}
	if err != nil {
		r.failure = firstLine(err.Error(), nil)
		return nil
	}
	r.peakKiB = max(r.peakKiB, s.peakKiB)
	r.once = warmUp && s.wall > onceAbove && !strings.HasPrefix(r.peer.name, "netclients")
	if !warmUp || r.once {
		r.samples = append(r.samples, s)
	}
	return nil
}
