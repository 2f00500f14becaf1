package kit

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
)

// testEnv is an env whose output and words go to buffers.
func testEnv(t *testing.T, g *Globals) (e *Env, out, words *bytes.Buffer) {
	t.Helper()
	out, words = new(bytes.Buffer), new(bytes.Buffer)
	o, err := show.New(out, words, g.Output(nil))
	if err != nil {
		t.Fatal(err)
	}
	e = &Env{Flags: g, Out: o, Opts: &protocols.Options{}, Open: map[string]protocols.Client{}, PerHost: map[string]*protocols.Options{}, Idle: map[string][]protocols.Client{}}
	return e, out, words
}

func TestJobOutcomes(t *testing.T) {
	gone := &protocols.Error{Kind: protocols.KindRefused, Text: "gone"}
	for _, c := range []struct {
		items string
		code  int
	}{
		{"ok", 0}, {"gone", 6}, {"ok ok ok", 0}, {"ok gone", 10}, {"gone gone gone", 6}, {"panic", 1}, {"ok panic", 10},
	} {
		e, out, words := testEnv(t, &Globals{JSON: true, color: OneOf("never")})
		j := e.NewJob("get", 3)
		err := j.Each(t.Context(), strings.Fields(c.items), func(_ context.Context, item string) (transfer.Result, error) {
			switch item {
			case "gone":
				return transfer.Result{Status: transfer.StatusFailed, Err: gone}, gone
			case "panic":
				panic("oh")
			}
			return transfer.Result{Status: transfer.StatusDone}, nil
		})
		e.Out.Flush()
		if show.ExitCode(err) != c.code {
			t.Errorf("%s: exit code %d (%v)", c.items, show.ExitCode(err), err)
		}
		if n := strings.Count(out.String(), `"status":"done"`); n != strings.Count(c.items, "ok") {
			t.Errorf("%s: %d results: %s", c.items, n, out)
		}
		if many := strings.Contains(c.items, " "); many && strings.Count(words.String(), `{"error"`) != len(strings.Fields(c.items))-strings.Count(c.items, "ok") {
			t.Errorf("%s: %s", c.items, words)
		}
	}
}

// TestJobStops: what ends the whole command starts nothing more.
func TestJobStops(t *testing.T) {
	full := &protocols.Error{Kind: protocols.KindLocal, Err: &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}}
	readOnly := &protocols.Error{Kind: protocols.KindLocal, Err: &fs.PathError{Op: "open", Path: "x", Err: syscall.EROFS}}
	for _, stop := range []error{show.Wrote(syscall.EPIPE), full, readOnly, nil} {
		e, _, _ := testEnv(t, &Globals{color: OneOf("never")})
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		begun := 0
		err := e.NewJob("get", 1).Each(ctx, make([]string, 1000), func(context.Context, string) (transfer.Result, error) {
			mu.Lock()
			defer mu.Unlock()
			begun++
			if stop == nil {
				cancel()
				return transfer.Result{}, context.Canceled
			}
			return transfer.Result{}, stop
		})
		cancel()
		want := protocols.KindInterrupted
		if stop != nil {
			want = protocols.KindLocal
		}
		if protocols.KindOf(err) != want || begun > 2 {
			t.Errorf("%v: %v after %d", stop, err, begun)
		}
	}
}

// TestPoolLendsAgain: a client that was given back serves the next one, and is
// closed once in the end.
func TestPoolLendsAgain(t *testing.T) {
	e, _, _ := testEnv(t, NewGlobals())
	var dialed int
	var closed atomic.Int64 // clients are closed side by side
	spec := &protocols.Spec{Name: "fake", New: func(*url.URL, *protocols.Options) (protocols.Client, error) {
		dialed++
		return &lent{closed: &closed}, nil
	}}
	end := e.Pooled(&protocols.Target{Spec: spec, URL: &url.URL{Scheme: "fake", Host: "h"}})
	first, err := end.Open()
	if err != nil {
		t.Fatal(err)
	}
	second, _ := end.Open()
	if _, ok := protocols.As[protocols.Lister](first); !ok {
		t.Error("the lent client hides what it can do")
	}
	first.Close()
	first.Close()
	third, _ := end.Open()
	if dialed != 2 || closed.Load() != 0 {
		t.Errorf("%d clients made, %d closed", dialed, closed.Load())
	}
	second.Close()
	third.Close()
	e.Close()
	if closed.Load() != 2 {
		t.Errorf("%d of 2 closed", closed.Load())
	}
}

// TestInterruptedTransferSaysHowToGoOn: after Ctrl-C the error names --continue when
// there is something to go on from.
func TestInterruptedTransferSaysHowToGoOn(t *testing.T) {
	for _, bytes := range []int64{0, 2048} {
		e, _, words := testEnv(t, &Globals{color: OneOf("never")})
		j := e.NewJob("get", 1)
		ctx, cancel := context.WithCancel(t.Context())
		err := j.Each(ctx, []string{"a"}, func(context.Context, string) (transfer.Result, error) {
			cancel()
			return transfer.Result{Status: transfer.StatusFailed, Bytes: bytes}, context.Canceled
		})
		e.Out.Failed(words, err)
		said := strings.Contains(words.String(), "--continue, which resumes at 2 KiB")
		if protocols.KindOf(err) != protocols.KindInterrupted || said != (bytes > 0) {
			t.Errorf("%d bytes: %v, %s", bytes, err, words)
		}
	}
}

func TestTimeoutCauseIsTold(t *testing.T) {
	ctx, cancel := (&Globals{timeout: Duration(time.Nanosecond)}).Deadline(t.Context(), false)
	defer cancel()
	<-ctx.Done()
	err := CauseOf(ctx, &protocols.Error{Proto: "x", Op: "ls", Kind: protocols.KindTimeout, Err: context.DeadlineExceeded})
	if protocols.KindOf(err) != protocols.KindTimeout || !strings.Contains(err.Error(), "x ls: timed out after 1ns (--timeout)") {
		t.Error(err)
	}
	other := errors.New("other")
	if CauseOf(ctx, other) != other {
		t.Error("an error of its own is kept")
	}
}

// lent is a client that counts its ends.
type lent struct {
	protocols.Client
	protocols.Lister
	closed *atomic.Int64
}

func (l *lent) Close() error { l.closed.Add(1); return nil }

// TestOneLoginForOneServer: a copy between two servers gives the login of the flags to
// the one whose URL names a user, and to nobody where that is not clear.
func TestOneLoginForOneServer(t *testing.T) {
	target := func(text string) *protocols.Target {
		u, err := protocols.ParseURL(text, "")
		if err != nil {
			t.Fatal(err)
		}
		return &protocols.Target{Spec: &protocols.Spec{Name: "fake"}, URL: u}
	}
	password := func(e *Env, to *protocols.Target) string {
		c, err := e.OptionsFor(to).Credentials(t.Context(), protocols.CredentialRequest{Protocol: "fake", Scheme: to.URL.Scheme, Host: to.URL.Hostname(), User: to.URL.User.Username()})
		if err != nil {
			t.Error(err)
		}
		return c.Password
	}
	t.Setenv("NETCLIENTS_KEYRING", "off")
	t.Setenv("HOME", t.TempDir())
	for _, c := range []struct {
		from, to, env, command string
		source, destination    string
		kind                   protocols.Kind
	}{
		{"fake://a/", "fake://me@b/", "", "echo pw", "", "pw", protocols.KindOK},
		{"fake://me@a/", "fake://b/", "", "echo pw", "pw", "", protocols.KindOK},
		{"fake://me@a/", "fake://b/", "env", "", "env", "", protocols.KindOK},
		{"fake://me@a/", "fake://me@b/", "env", "", "", "", protocols.KindOK},
		{"fake://me@a/", "fake://me@a/", "env", "", "env", "env", protocols.KindOK},
		{"fake://me@a:1/", "fake://me@a:2/", "env", "", "env", "env", protocols.KindOK},
		{"fake://me@a:1/", "fake://you@a:2/", "env", "", "", "", protocols.KindOK},
		{"fake://me@a/", "fake://me@b/", "", "echo pw", "", "", protocols.KindUsage},
		{"fake://a/", "fake://b/", "", "echo pw", "", "", protocols.KindUsage},
	} {
		t.Setenv("NETCLIENTS_PASSWORD", c.env)
		g := NewGlobals()
		g.passwordCommand = c.command
		e, _, _ := testEnv(t, g)
		e.Shared = secret.NewStore()
		from, to := target(c.from), target(c.to)
		err := e.secretFor(from, to)
		if protocols.KindOf(err) != c.kind {
			t.Errorf("%+v: %v", c, err)
		}
		if err != nil {
			continue
		}
		if got := password(e, from) + "," + password(e, to); got != c.source+","+c.destination {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
