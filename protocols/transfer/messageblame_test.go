package transfer_test

import (
	"bytes"
	"context"
	"io"
	"iter"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/mailstore"
	"github.com/netclients/netclients/protocols/transfer"
)

var errCut = &protocols.Error{Kind: protocols.KindProtocol, Retryable: true, Text: "the server closed the connection", Err: io.ErrUnexpectedEOF}

// breaking is a source that loses the connection at a message, before it or inside of it.
type breaking struct {
	*mailstore.Maildir
	at     string // text of that message
	inside bool
}

func (c breaking) BulkGet(ctx context.Context, names iter.Seq[string], each func(string, *protocols.Object, error) error) error {
	var batch []string // asked for all at once, as in a pipeline
	for name := range names {
		batch = append(batch, name)
	}
	lost := false
	err := c.Maildir.BulkGet(ctx, func(yield func(string) bool) {
		for _, name := range batch {
			if lost || !yield(name) {
				return
			}
		}
	}, func(name string, o *protocols.Object, err error) error {
		if lost || err != nil {
			return err
		}
		b, err := io.ReadAll(o.Body)
		if err != nil {
			return err
		}
		if o.Body = io.NopCloser(bytes.NewReader(b)); strings.Contains(string(b), c.at) {
			lost = true
			if !c.inside {
				return nil
			}
			o.Body = io.NopCloser(io.MultiReader(bytes.NewReader(b[:len(b)-5]), failing{}))
		}
		return each(name, o, nil)
	})
	if lost && err == nil {
		return errCut
	}
	return err
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errCut }

// picky is an archive that loses the connection when it gets a message, and with it some
// of those before.
type picky struct {
	*mailstore.Maildir
	at string
}

func (p picky) OpenArchive(ctx context.Context, name string, o *protocols.ArchiveOptions) (protocols.Archive, error) {
	a, err := p.Maildir.OpenArchive(ctx, name, o)
	return &pickyArchive{Archive: a, at: p.at}, err
}

// pickyArchive holds a few messages back, as a pipeline does.
type pickyArchive struct {
	protocols.Archive
	at   string
	held []func() error
}

func (a *pickyArchive) Add(ctx context.Context, key string, e *protocols.Entry, body io.Reader) error {
	b, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	a.held = append(a.held, func() error {
		if strings.Contains(string(b), a.at) {
			return errCut
		}
		return a.Archive.Add(ctx, key, e, bytes.NewReader(b))
	})
	if len(a.held) < 5 {
		return nil
	}
	return a.send()
}

func (a *pickyArchive) send() error {
	held := a.held
	a.held = nil
	for _, f := range held {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

func (a *pickyArchive) Flush(ctx context.Context) error {
	if err := a.send(); err != nil {
		return err
	}
	return a.Archive.Flush(ctx)
}

// TestOneMessageBreaksTheConnection: a message at which the connection is lost every time
// counts as failed, by its name; all others are stored, in the same run.
func TestOneMessageBreaksTheConnection(t *testing.T) {
	bad := "Subject: number 7\r"
	for _, test := range []struct {
		name     string
		src, dst func(transfer.Endpoint) transfer.Endpoint
	}{
		{"source, before the message", through(func(m *mailstore.Maildir) protocols.Client { return breaking{m, bad, false} }), nil},
		{"source, inside of the message", through(func(m *mailstore.Maildir) protocols.Client { return breaking{m, bad, true} }), nil},
		{"archive", nil, through(func(m *mailstore.Maildir) protocols.Client { return picky{m, bad} })},
	} {
		for _, retries := range []int{-1, 2} {
			t.Run(test.name, func(t *testing.T) {
				from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
				for i := range 20 {
					if _, err := mailstore.NewMaildir(nil).Put(t.Context(), from, strings.NewReader(letter(i)), nil); err != nil {
						t.Fatal(err)
					}
				}
				src, dst := storeEnd(from), storeEnd(to)
				if test.src != nil {
					src = test.src(src)
				}
				if test.dst != nil {
					dst = test.dst(dst)
				}
				var failed []transfer.Result
				o := &transfer.MessageOptions{Options: transfer.Options{Retries: retries, RetryWait: time.Millisecond}}
				sum, err := transfer.SyncMessages(t.Context(), src, dst, o, func(r transfer.Result) {
					if r.Err != nil {
						failed = append(failed, r)
					}
				})
				if protocols.KindOf(err) != protocols.KindPartial || sum.Failed != 1 || sum.Done != 19 || len(failed) != 1 {
					t.Fatalf("%+v, %v", sum, err)
				}
				if subject := failed[0].Subject; subject != "number 7" && !strings.Contains(test.name, "before") {
					t.Errorf("failed is %q", subject)
				}
				sync(t, storeEnd(from), storeEnd(to), nil)
				sameLetters(t, content(t, to), letters(0, 20))
			})
		}
	}
}

// through puts a client around that of an endpoint.
func through(wrap func(*mailstore.Maildir) protocols.Client) func(transfer.Endpoint) transfer.Endpoint {
	return func(e transfer.Endpoint) transfer.Endpoint {
		e.Open = func() (protocols.Client, error) { return wrap(mailstore.NewMaildir(nil)), nil }
		return e
	}
}
