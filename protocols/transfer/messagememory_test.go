package transfer_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
)

// masses is a source with very many messages, and an archive that keeps none of
// them. It remembers the most memory that was in use at the end of a listing and of
// a transfer.
type masses struct {
	protocols.Client
	n     int
	state string
	used  uint64

	restored bool // the archive has the messages, without keys
}

func (m *masses) Close() error { return nil }

func (m *masses) measure() {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	m.used = max(m.used, s.HeapAlloc)
}

func (m *masses) OpenMailbox(_ context.Context, name string) (*protocols.Mailbox, error) {
	box := &protocols.Mailbox{Account: "news.example.org:119", Name: name}
	n := m.n
	if name == "archive" && !m.restored {
		n = 0
	}
	box.Changes = func(context.Context, string) iter.Seq2[protocols.Entry, error] {
		return func(yield func(protocols.Entry, error) bool) {
			for i := range n {
				name := fmt.Sprintf("alt.binaries.test/%d", i)
				e := protocols.Entry{Path: name, Name: name, URL: "nntp://news.example.org/" + name, ID: fmt.Sprintf("<%d.a.long.message.id@news.example.org>", i), Size: int64(len(name))}
				if !yield(e, nil) {
					return
				}
			}
			m.measure()
			box.Complete = true
		}
	}
	return box, nil
}

func (m *masses) BulkGet(_ context.Context, names iter.Seq[string], each func(string, *protocols.Object, error) error) error {
	for name := range names {
		if err := each(name, &protocols.Object{Body: io.NopCloser(strings.NewReader(name))}, nil); err != nil {
			return err
		}
	}
	m.measure()
	return nil
}

func (m *masses) StatePath(string, string) (string, error) { return m.state, nil }

func (m *masses) OpenArchive(_ context.Context, _ string, o *protocols.ArchiveOptions) (protocols.Archive, error) {
	return &nothing{stored: o.Stored}, nil
}

type nothing struct {
	protocols.Archive
	stored func(string, int64, error) error
}

func (a *nothing) Mark() string                { return "" }
func (a *nothing) Flush(context.Context) error { return nil }
func (a *nothing) Close() error                { return nil }
func (a *nothing) Keys(context.Context) iter.Seq2[protocols.Entry, error] {
	return func(func(protocols.Entry, error) bool) {}
}
func (a *nothing) Add(_ context.Context, key string, _ *protocols.Entry, body io.Reader) error {
	n, err := io.Copy(io.Discard, body)
	if err == nil {
		err = a.stored(key, n, nil)
	}
	return err
}

// TestMessagesMemory: a run keeps about twenty bytes of a message in memory, not its
// entry: when it is new, when it is known, and when nothing is to be written. It keeps more
// while it looks for those that another program has stored.
func TestMessagesMemory(t *testing.T) {
	const n = 200_000
	m := &masses{n: n, state: filepath.Join(t.TempDir(), "state")}
	from := transfer.Endpoint{Name: "group", URL: "x://h/group", Open: func() (protocols.Client, error) { return m, nil }}
	to := from
	to.Name = "archive"
	for _, run := range []struct {
		about         string
		o             transfer.MessageOptions
		restored      bool
		most          uint64 // bytes of a message
		done, skipped int64
	}{
		{"dry run", transfer.MessageOptions{DryRun: true}, false, 40, n, 0},
		{"first run", transfer.MessageOptions{}, false, 40, n, 0},
		{"second run", transfer.MessageOptions{}, false, 40, 0, n},
		{"stored by others", transfer.MessageOptions{}, true, 200, 0, n},
		{"after that", transfer.MessageOptions{}, true, 80, 0, n},
	} {
		if run.restored && !m.restored {
			m.restored, m.state = true, m.state+"2"
		}
		m.used = 0
		m.measure()
		before := m.used
		run.o.Durability = transfer.DurabilityNone
		sum := sync(t, from, to, &run.o)
		if sum.Done != run.done || sum.Skipped != run.skipped {
			t.Errorf("%s: %+v", run.about, sum)
		}
		if grown := (m.used - before) / n; grown > run.most {
			t.Errorf("%s: %d bytes in memory for each message, more than %d", run.about, grown, run.most)
		} else {
			t.Logf("%s: %d bytes for each message", run.about, grown)
		}
	}
}
