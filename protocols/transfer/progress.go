package transfer

import (
	"io"
	"os"
	"time"

	"github.com/netclients/netclients/protocols"
)

// pollEvery is how often the position of a file is looked at for progress.
const pollEvery = 100 * time.Millisecond

// silent is the task of nobody.
type silent struct{}

func (silent) Set(int64)  {}
func (silent) Done(error) {}

// start announces an object.
func (o *Options) start(name string, size int64) Task {
	if o.Progress == nil {
		return silent{}
	}
	return o.Progress.Start(name, size)
}

// watch reports the position of f to the task until the returned function is called.
// The position belongs to the open file, so that what the kernel moves by itself
// (splice, sendfile) counts too.
func watch(t Task, f *os.File) (stop func()) {
	if _, ok := t.(silent); ok {
		return func() {}
	}
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(pollEvery)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				if at, err := f.Seek(0, io.SeekCurrent); err == nil {
					t.Set(at)
				}
			}
		}
	}()
	return func() { close(quit); <-gone }
}

// gauge reads a body whose end and length nobody else checks: it counts, stops
// past a limit, and makes an end before the announced size an error.
type gauge struct {
	r     io.Reader
	t     Task
	at    int64 // bytes in the object so far, those of earlier runs included
	total int64 // where it must end; -1 when not known
	max   int64 // where it must not go beyond; 0 is anywhere
	label string
}

func (g *gauge) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	g.at += int64(n)
	g.t.Set(g.at)
	if g.max > 0 && g.at > g.max {
		return 0, tooLarge(g.label, g.max)
	}
	if g.total >= 0 && (err == io.EOF && g.at < g.total || g.at > g.total) {
		return n, wrongSize(g.label, g.at, g.total)
	}
	return n, err
}

// wholeLimit is the limit for the size of a whole object, 0 where a part is wanted.
func wholeLimit(o *Options) int64 {
	if o.Offset > 0 || o.Length > 0 {
		return 0
	}
	return o.MaxSize
}

func tooLarge(label string, limit int64) error {
	e := protocols.ProtocolError("", "", "larger than the limit of "+bytesText(limit))
	e.URL = label
	return e
}

func wrongSize(label string, got, want int64) error {
	e := protocols.ProtocolError("", "", "got "+bytesText(got)+" of "+bytesText(want))
	e.URL, e.Retryable = label, true
	return e
}
