package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
)

// job moves several objects at the same time and tells of each.
type job struct {
	e       *env
	verb    string
	workers int
	bars    *progress
	mu      sync.Mutex // guards the output and what follows
	tally   tally
	first   error // the first failure
	last    error // what ended the whole
}

func (e *env) newJob(verb string, workers int) *job {
	return &job{e: e, verb: verb, workers: max(1, workers), bars: e.bars()}
}

func (j *job) close() { j.bars.Close() }

// each moves every item with as many workers as the job has. A failure of one
// item is told and the others go on; what stops all of them ends the work.
func (j *job) each(ctx context.Context, items []string, move func(context.Context, string) (transfer.Result, error)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	queue := make(chan string)
	var wait sync.WaitGroup
	for range min(j.workers, len(items)) {
		wait.Go(func() {
			for item := range queue {
				err := j.one(ctx, item, move, len(items) > 1)
				if j.note(ctx, err) {
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
	return j.verdict(len(items) == 1)
}

// verdict is the error of the whole when all has been told.
func (j *job) verdict(single bool) error {
	j.bars.Close()
	switch {
	case j.last != nil:
		return j.last
	case single:
		return j.first
	}
	return j.tally.err()
}

// note counts what became of an item, and reports whether it ends the whole.
func (j *job) note(ctx context.Context, err error) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.tally.add(err)
	if j.first == nil {
		j.first = err
	}
	if !final(ctx, err) {
		return false
	}
	if j.last == nil {
		j.last = err
	}
	return true
}

// one moves one item. The error is printed here when it is one of many.
func (j *job) one(ctx context.Context, item string, move func(context.Context, string) (transfer.Result, error), many bool) error {
	r, err := guard(func() (transfer.Result, error) { return move(ctx, item) })
	return j.settle(ctx, r, err, many)
}

// settle tells what became of one item.
func (j *job) settle(ctx context.Context, r transfer.Result, err error, many bool) error {
	err = causeOf(ctx, named(protocols.Wrap(err, r.Protocol, j.verb, r.Source), j.verb))
	j.mu.Lock()
	defer j.mu.Unlock()
	if r.Status != "" {
		if told := j.tell(r); told != nil {
			return told
		}
	}
	if err != nil && many && !final(ctx, err) {
		j.e.out.flush()
		printError(j.above(), j.e.out.json, j.e.hidden.err(err))
	}
	return err
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

// named gives an error the verb that the user typed: the engine's own may differ.
func named(err error, verb string) error {
	if e, ok := errors.AsType[*protocols.Error](err); ok {
		c := *e
		c.Op = verb
		return &c
	}
	return err
}

// tell prints one result: JSON to standard output, a line for people to standard
// error, so that only data is on standard output.
func (j *job) tell(r transfer.Result) error {
	if j.e.out.json {
		return j.e.out.object(r)
	}
	if r.Status == transfer.StatusFailed {
		return nil // the error says it
	}
	fmt.Fprintln(j.words(), safe(resultText(r)))
	return nil
}

// words is where lines for people go, unless they want quiet.
func (j *job) words() io.Writer {
	if j.e.out.quiet {
		return io.Discard
	}
	return j.above()
}

// above is standard error, above the bars when there are bars.
func (j *job) above() io.Writer {
	if j.bars != nil {
		return j.bars
	}
	return j.e.out.words
}

func resultText(r transfer.Result) string {
	text := fmt.Sprintf("%s: %s", r.Status, plainPath(r.Destination))
	if r.Status == transfer.StatusDone {
		text += "  " + humanBytes(r.Bytes) + rateText(r.Bytes, r.Took)
	}
	if r.ResumedAt > 0 {
		text += "  went on from " + humanBytes(r.ResumedAt)
	}
	if r.Note != "" {
		text += "  (" + r.Note + ")"
	}
	return text
}

// plainPath returns the path that a file URL stands for, as a shell would take it;
// other URLs stay as they are.
func plainPath(text string) string {
	if u, err := url.Parse(text); err == nil && u.Scheme == "file" && u.Host == "" {
		return u.Path
	}
	return text
}

func rateText(n int64, took time.Duration) string {
	if took < time.Millisecond {
		return ""
	}
	return fmt.Sprintf(" in %s, %s/s", took.Round(time.Millisecond), humanBytes(int64(float64(n)/took.Seconds())))
}

// capable reads a target and checks that its client could do a verb.
func capable[T any](e *env, verb, text string) (*protocols.Target, error) {
	t, err := e.target(text)
	if err != nil {
		return nil, err
	}
	if !is[T](sample(t.Spec)) {
		return nil, e.cannot(t.Spec, verb)
	}
	return t, nil
}

// pair reads source and destination. With a protocol named, the one that is no
// local path and has no scheme is at its server.
func (e *env) pair(args []string) (from, to *protocols.Target, err error) {
	read := []func(string) (*protocols.Target, error){e.anyTarget, e.anyTarget}
	for i, text := range args {
		other := args[1-i]
		if !hasScheme(text) && !e.namesHost(text) && (hasScheme(other) || isLocalPath(text) || i == 1 && !isLocalPath(other)) {
			read[i] = e.file
		}
	}
	if from, err = read[0](args[0]); err != nil {
		return nil, nil, err
	}
	to, err = read[1](args[1])
	return from, to, err
}

// namesHost reports whether a text without scheme, behind the name of a protocol,
// begins as only a host does: with a user or a port.
func (e *env) namesHost(text string) bool {
	host, _, _ := strings.Cut(text, "/")
	return e.proto != "" && !isLocalPath(text) && strings.ContainsAny(host, "@:")
}

// isLocalPath: a path that can be no host.
func isLocalPath(text string) bool {
	return strings.HasPrefix(text, "/") || strings.HasPrefix(text, ".") || strings.HasPrefix(text, "~")
}

// barSet shows transfers as bars.
type barSet struct{ *progress }

func (b barSet) Start(name string, size int64) transfer.Task { return b.progress.Start(name, size) }

// bars returns the progress display: nil unless standard error is a terminal and
// nobody asked for quiet.
func (e *env) bars() *progress {
	on := isTerminal(e.out.words) && !e.flags.quiet && !e.flags.noProgress && !e.flags.verbose
	return newProgress(e.out.words, on)
}
