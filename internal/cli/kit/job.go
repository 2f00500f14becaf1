package kit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/transfer"
)

// Job moves several objects concurrently and reports each.
type Job struct {
	E       *Env
	verb    string
	Workers int
	Bars    *show.Progress
	Stops   func(error) bool // nil: only what ends every verb ends the whole
	mu      sync.Mutex       // guards the output and what follows
	Tally   Tally
	first   error // the first failure
	Last    error // what ended the whole
	many    bool  // single items are reported with --verbose and --json only
	began   time.Time
	total   transfer.Summary
}

// NewJob returns a job with a progress display. The caller closes it.
func (e *Env) NewJob(verb string, workers int) *Job {
	return &Job{E: e, verb: verb, Workers: max(1, workers), Bars: e.bars(), began: time.Now()}
}

// Close ends the progress display.
func (j *Job) Close() { j.Bars.Close() }

// Each moves every item with as many workers as the job has. A failure of one
// item is told and the others go on; what stops all of them ends the work.
func (j *Job) Each(ctx context.Context, items []string, move func(context.Context, string) (transfer.Result, error)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if j.many = len(items) > 1; j.many {
		j.Bars.SetTotals(len(items), 0)
	}
	queue := make(chan string)
	var wait sync.WaitGroup
	for range min(j.Workers, len(items)) {
		wait.Go(func() {
			for item := range queue {
				err := j.one(ctx, item, move, len(items) > 1)
				if j.Note(ctx, err) {
					stop(err)
				}
			}
		})
	}
	for _, item := range items {
		select {
		case queue <- item:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(queue)
	wait.Wait()
	return j.Verdict(len(items) == 1)
}

// Verdict is the error of the whole when all has been told.
func (j *Job) Verdict(single bool) error {
	j.Bars.Close()
	j.summary()
	switch {
	case j.Last != nil:
		return j.Last
	case single:
		return j.first
	}
	return j.Tally.Err()
}

// summary says what became of many items together.
func (j *Job) summary() {
	done, skipped := j.total.Done, j.total.Skipped
	if !j.many || j.E.Out.JSON || done+skipped == 0 {
		return
	}
	text := fmt.Sprintf("%d done", done)
	if skipped > 0 {
		text += fmt.Sprintf(", %d skipped", skipped)
	}
	if j.Tally.Failed > 0 {
		text += fmt.Sprintf(", %d failed", j.Tally.Failed)
	}
	j.E.Out.Say(text + ", " + show.HumanBytes(j.total.Bytes) + rateText(j.total.Bytes, time.Since(j.began)))
}

// Note counts what became of an item, and reports whether it ends the whole.
func (j *Job) Note(ctx context.Context, err error) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.Tally.Add(err)
	if j.first == nil {
		j.first = err
	}
	if !j.final(ctx, err) {
		return false
	}
	if j.Last == nil {
		j.Last = err
	}
	return true
}

// final reports whether an error ends the whole.
func (j *Job) final(ctx context.Context, err error) bool {
	return Final(ctx, err) || err != nil && j.Stops != nil && j.Stops(err)
}

// one moves one item. The error is printed here when it is one of many.
func (j *Job) one(ctx context.Context, item string, move func(context.Context, string) (transfer.Result, error), many bool) error {
	r, err := guard(func() (transfer.Result, error) { return move(ctx, item) })
	return j.Settle(ctx, r, err, many)
}

// Settle reports the outcome of one item.
func (j *Job) Settle(ctx context.Context, r transfer.Result, err error, many bool) error {
	err = resumable(r, CauseOf(ctx, Named(protocols.Wrap(err, r.Protocol, j.verb, r.Source), j.verb)))
	j.mu.Lock()
	defer j.mu.Unlock()
	j.many = j.many || many
	j.total.Add(r)
	if r.Status != "" {
		if told := j.Tell(r); told != nil {
			return told
		}
	}
	if err != nil && many && !j.final(ctx, err) {
		_ = j.E.Out.Flush()
		j.E.Out.Failed(j.Above(), err)
	}
	return err
}

// resumable adds to the error of an interrupted transfer how to go on.
func resumable(r transfer.Result, err error) error {
	e, ok := errors.AsType[*protocols.Error](err)
	if !ok || e.Kind != protocols.KindInterrupted || r.Bytes == 0 || e.Hint != "" {
		return err
	}
	c := *e
	c.Hint = "the same command with --continue, which resumes at " + show.HumanBytes(r.ResumedAt+r.Bytes)
	return &c
}

// guard makes a panic of a worker an error, as Main does with its own.
func guard(do func() (transfer.Result, error)) (r transfer.Result, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &protocols.Error{Kind: protocols.KindInternal, Text: fmt.Sprint("internal error: ", v)}
		}
	}()
	return do()
}

// Named adds to an error the verb that the user typed: the engine's own may differ.
func Named(err error, verb string) error {
	if e, ok := errors.AsType[*protocols.Error](err); ok {
		c := *e
		c.Op = verb
		return &c
	}
	return err
}

// Tell prints one result: JSON to standard output, a line for people to standard
// error, so that only data is on standard output.
func (j *Job) Tell(r transfer.Result) error {
	if j.E.Out.JSON {
		return j.E.Out.Object(r)
	}
	switch r.Status {
	case transfer.StatusFailed:
		return nil // the error says it
	case transfer.StatusPlanned:
		return j.E.Out.Text(plannedText(r))
	case transfer.StatusDone, transfer.StatusSkipped:
		if j.many && !j.E.Out.Verbose {
			return nil // the summary counts it
		}
	}
	fmt.Fprintln(j.Words(), show.Safe(resultText(r)))
	return nil
}

// Words is where lines for people go, unless they want quiet.
func (j *Job) Words() io.Writer {
	if j.E.Out.Quiet {
		return io.Discard
	}
	return j.Above()
}

// Above is standard error, above the bars when there are bars.
func (j *Job) Above() io.Writer {
	if j.Bars != nil {
		return j.Bars
	}
	return j.E.Out.Words
}

func resultText(r transfer.Result) string {
	text := fmt.Sprintf("%s: %s", r.Status, plainPath(r.Destination))
	if r.Status == transfer.StatusDone {
		text += "  " + show.HumanBytes(r.Bytes) + rateText(r.Bytes, r.Took)
	}
	if r.ResumedAt > 0 {
		text += "  resumed at " + show.HumanBytes(r.ResumedAt)
	}
	if r.Note != "" {
		text += "  (" + r.Note + ")"
	}
	return text
}

func plannedText(r transfer.Result) string {
	if r.Would == "copy" {
		return "would copy " + r.Name + " to " + plainPath(r.Destination)
	}
	return "would " + r.Would + " " + plainPath(r.Destination)
}

// plainPath returns the path that a file URL stands for, as a shell would take it;
// other URLs stay as they are.
func plainPath(text string) string {
	if u, err := url.Parse(text); err == nil && u.Scheme == "file" {
		if path, err := file.PathOf(u); err == nil {
			return path
		}
	}
	return text
}

func rateText(n int64, took time.Duration) string {
	if took < time.Millisecond {
		return ""
	}
	return fmt.Sprintf(" in %s, %s/s", took.Round(time.Millisecond), show.HumanBytes(int64(float64(n)/took.Seconds())))
}

// Capable reads a target and checks that its client could do the verb that runs.
func (e *Env) Capable(text string) (*protocols.Target, error) {
	t, err := e.Target(text)
	if err != nil {
		return nil, err
	}
	return t, e.can(t.Spec)
}

// Pair reads source and destination. With a protocol named, the one that is no
// local path and has no scheme is at its server.
func (e *Env) Pair(args []string) (from, to *protocols.Target, err error) {
	read := []func(string) (*protocols.Target, error){e.anyTarget, e.anyTarget}
	for i, text := range args {
		other := args[1-i]
		if !HasScheme(text) && !e.namesHost(text) && (HasScheme(other) || isLocalPath(text) || i == 1 && !isLocalPath(other)) {
			read[i] = e.File
		}
	}
	if from, err = read[0](args[0]); err != nil {
		return nil, nil, err
	}
	if to, err = read[1](args[1]); err == nil {
		err = e.secretFor(from, to)
	}
	return from, to, err
}

// secretFor decides which of two servers gets the login that names none: that of the
// flags, of NETCLIENTS_PASSWORD, and of a profile without a URL. Never do two machines.
// It is the one whose URL names a user.
func (e *Env) secretFor(from, to *protocols.Target) error {
	if e.pinned || !isServer(from) || !isServer(to) || strings.EqualFold(from.URL.Host, to.URL.Host) && from.URL.Scheme == to.URL.Scheme {
		return nil
	}
	switch source, destination := from.URL.User != nil, to.URL.User != nil; {
	case sameLogin(from.URL, to.URL):
		e.loginFor = "" // one user on one machine
	case source && !destination:
		e.loginFor = ServerKey(from)
	case destination && !source:
		e.loginFor = ServerKey(to)
	case e.Flags.hasLogin(), e.Profile != nil && e.Profile.AnyLogin():
		named := from.URL
		if named.Host == "" {
			named = to.URL
		}
		return Usage("a user and a password or token, from flags or a profile without a url, are for one server: put the user into the URL of that server (%s://USER@%s), and give the other one a keyring entry or a line in .netrc", named.Scheme, named.Host)
	default:
		e.loginFor = noServer
	}
	return nil
}

// sameLogin reports whether both URLs name the same user at the same host, whatever the
// protocol and port.
func sameLogin(a, b *url.URL) bool {
	user := a.User.Username()
	return user != "" && b.User.Username() == user && strings.EqualFold(a.Hostname(), b.Hostname())
}

// isServer reports whether a target is at a server, which the URL need not name: that
// of news: is in the environment.
func isServer(t *protocols.Target) bool { return t.URL.Host != "" || t.Scheme.Port != 0 }

// noServer is the key of no server.
const noServer = "none"

// namesHost reports whether a text without scheme, after the name of a protocol,
// begins as only a host does: with a user or a port.
func (e *Env) namesHost(text string) bool {
	host, _, _ := strings.Cut(text, "/")
	return e.Proto != "" && !isLocalPath(text) && strings.ContainsAny(host, "@:")
}

// isLocalPath: a path that can be no host.
func isLocalPath(text string) bool {
	return strings.HasPrefix(text, "/") || strings.HasPrefix(text, ".") || strings.HasPrefix(text, "~")
}

// BarSet shows transfers as bars.
type BarSet struct{ *show.Progress }

// Start begins the bar of one transfer.
func (b BarSet) Start(name string, size int64) transfer.Task { return b.Progress.Start(name, size) }

// bars returns the progress display: lines for a log with --stats, else nil unless standard error is a terminal that can
// move its cursor, and nobody asked for quiet.
func (e *Env) bars() *show.Progress {
	if every := time.Duration(e.Flags.stats); every > 0 && !e.Flags.quiet {
		return show.NewStats(e.Out.Words, every)
	}
	on := show.IsTerminal(e.Out.Words) && os.Getenv("TERM") != "dumb" && !e.Flags.quiet && !e.Flags.noProgress && !e.Flags.Verbose
	return show.NewProgress(e.Out.Words, on)
}
