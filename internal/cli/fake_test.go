package cli

import (
	"bytes"
	"context"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// fake is a client with a list of entries and of faults, for tests of the verbs.
type fake struct {
	server *fakeServer
}

// fakeServer is what all clients of a test share.
type fakeServer struct {
	entries  []protocols.Entry
	folders  map[string][]protocols.Entry
	failures []error // given by List and Get, one each, before anything works
	lists    int
	closed   atomic.Int64
	dialed   int
	options  *protocols.Options
	wait     bool // List waits for the end of the context
	replies  map[string]protocols.Reply
	removed  []string
	moved    []string
	made     []string
	report   *protocols.Report // what Probe returns; nil: one of its own
}

func (f *fake) next() error {
	if len(f.server.failures) == 0 {
		return nil
	}
	err := f.server.failures[0]
	f.server.failures = f.server.failures[1:]
	return err
}

func (f *fake) Probe(context.Context) (*protocols.Report, error) {
	r := &protocols.Report{Up: true, Total: 3 * time.Millisecond, Connect: time.Millisecond, Banner: "hi\x1b[2J", Capabilities: []protocols.Capability{{Name: "X", Params: []string{"1", "2"}}}}
	if err := f.next(); err != nil {
		return &protocols.Report{Phase: "connect"}, err
	}
	if f.server.report != nil {
		own := *f.server.report
		return &own, nil
	}
	return r, nil
}

func (f *fake) Close() error { f.server.closed.Add(1); return nil }

func (f *fake) List(ctx context.Context, name string) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		f.server.lists++
		if f.server.wait {
			<-ctx.Done()
			yield(protocols.Entry{}, ctx.Err())
			return
		}
		if err := f.next(); err != nil {
			yield(protocols.Entry{}, err)
			return
		}
		entries := f.server.entries
		if inside, ok := f.server.folders[name]; ok {
			entries = inside
		}
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (f *fake) Stat(_ context.Context, name string) (protocols.Entry, error) {
	if _, ok := f.server.folders[name]; ok {
		return protocols.Entry{Path: name, Name: name, Type: protocols.TypeDir, Size: -1}, nil
	}
	for _, e := range f.server.entries {
		if e.Name == name {
			return e, nil
		}
	}
	return protocols.Entry{}, &protocols.Error{Kind: protocols.KindRefused, Sentinel: fs.ErrNotExist, Text: "gone"}
}

func (f *fake) Do(_ context.Context, cmd string) (*protocols.Reply, error) {
	r, ok := f.server.replies[cmd]
	if !ok {
		return nil, &protocols.Error{Kind: protocols.KindProtocol, Text: "no reply"}
	}
	return &r, nil
}

func (f *fake) Remove(_ context.Context, name string) error {
	f.server.removed = append(f.server.removed, name)
	return nil
}

func (f *fake) Move(_ context.Context, from, to string) error {
	f.server.moved = append(f.server.moved, from+" "+to)
	return nil
}

func (f *fake) Make(_ context.Context, name string) error {
	f.server.made = append(f.server.made, name)
	return nil
}

func (f *fake) Unmake(_ context.Context, name string) error {
	f.server.removed = append(f.server.removed, name+"/")
	return nil
}

// mute is a client that can be probed and no more.
type mute struct{}

func (mute) Probe(context.Context) (*protocols.Report, error) {
	return &protocols.Report{Up: true}, nil
}
func (mute) Close() error { return nil }

// run is one command line against the fake server.
type run struct {
	code        int
	out, errOut string
}

// cli runs a command line where fake: URLs reach the server and mute: URLs nothing.
func (s *fakeServer) cli(t *testing.T, args ...string) run {
	t.Helper()
	return s.cliContext(t, t.Context(), args...)
}

func (s *fakeServer) cliContext(t *testing.T, ctx context.Context, args ...string) run {
	t.Helper()
	t.Setenv("NETCLIENTS_CONFIG", t.TempDir()+"/none.toml")
	spec := func(name string, open func(o *protocols.Options) protocols.Client) *protocols.Spec {
		return &protocols.Spec{
			Name: name, Summary: name, Schemes: []protocols.Scheme{{Name: name, Port: 1, TLS: protocols.TLSNone}},
			New:  func(_ *url.URL, o *protocols.Options) (protocols.Client, error) { return open(o), nil },
			Path: func(u *url.URL) (string, error) { return strings.TrimPrefix(u.Path, "/"), nil },
		}
	}
	reg, err := protocols.NewRegistry(
		spec("fake", func(o *protocols.Options) protocols.Client {
			if o != nil {
				s.dialed++
				s.options = o
			}
			return &fake{server: s}
		}),
		spec("mute", func(*protocols.Options) protocols.Client { return mute{} }),
		file.Spec(),
	)
	if err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	code := newApp(reg, strings.NewReader(""), &out, &errOut).main(ctx, args)
	return run{code, out.String(), errOut.String()}
}

func (r run) want(t *testing.T, code int, out string) {
	t.Helper()
	if r.code != code || r.out != out {
		t.Fatalf("exit code %d, output %q, errors %q; want %d, %q", r.code, r.out, r.errOut, code, out)
	}
}

func (r run) says(t *testing.T, code int, words ...string) {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit code %d, want %d; errors %q", r.code, code, r.errOut)
	}
	for _, w := range words {
		if !strings.Contains(r.errOut, w) {
			t.Fatalf("errors %q lack %q", r.errOut, w)
		}
	}
}

func entriesOf(names ...string) []protocols.Entry {
	var out []protocols.Entry
	for i, n := range names {
		out = append(out, protocols.Entry{Protocol: "fake", URL: "fake://h/" + n, Name: n, Path: n, Type: protocols.TypeFile, Size: int64(i)})
	}
	return out
}

var errPassing = &protocols.Error{Kind: protocols.KindTemporary, Text: "later", Retryable: true}

// fullWriter is a standard output that is full.
type fullWriter struct{ err error }

func (w fullWriter) Write([]byte) (int, error) { return 0, w.err }

// tempFile makes a file in a folder of its own.
func tempFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func urlOf(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
