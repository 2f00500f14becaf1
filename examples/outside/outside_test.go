package outside

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
	"github.com/netclients/netclients/protocols/fsys"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/ftplab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/lab/textlab"
	"github.com/netclients/netclients/protocols/lab/weblab"
	"github.com/netclients/netclients/protocols/pool"
	"github.com/netclients/netclients/protocols/transfer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clients returns a pool for a URL, which ends with the test.
func clients(t *testing.T, at string, o *protocols.Options, c pool.Config) *pool.Pool {
	p := pool.New(func(context.Context) (protocols.Client, error) {
		c, _, err := all.Open(at, o)
		return c, err
	}, c)
	t.Cleanup(func() { p.Close() })
	return p
}

// TestPool: 64 goroutines over a server that allows three connections.
func TestPool(t *testing.T) {
	s := labtest.FTP(t, func(o *ftplab.Options) { o.MaxClients = 3 })
	p := clients(t, s.URL, s.Options, pool.Config{Max: 8, Retries: 10})
	var group sync.WaitGroup
	for i := range 64 {
		group.Go(func() {
			name := fmt.Sprintf("incoming/%d.txt", i)
			err := p.Do(t.Context(), func(c protocols.Client) error {
				_, err := protocols.Put(t.Context(), c, name, strings.NewReader(name), nil)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	all, err := fs.ReadDir(fsys.New(t.Context(), p, "incoming"), ".")
	if err != nil || len(all) != 64 {
		t.Errorf("%d files, %v", len(all), err)
	}
	if stats := p.Stats(); stats.Limit > 3 {
		t.Errorf("the server allows 3: %+v", stats)
	}
}

// TestFileSystem: servers of six protocols pass the tests of the standard library.
func TestFileSystem(t *testing.T) {
	tree := lab.NewTree()
	tree.WriteFile("/a.txt", []byte("a\n"))
	tree.WriteFile("/sub/b.txt", []byte("b\n"))
	ftp := labtest.FTP(t, func(o *ftplab.Options) { o.Tree = tree })
	web := labtest.HTTP(t, func(o *weblab.HTTPOptions) { o.Tree = tree })
	gopher := labtest.Gopher(t, func(o *textlab.GopherOptions) { o.Tree = tree })
	imap, news := labtest.IMAP(t, func(o *maillab.IMAPOptions) { o.Mail = letters(t) }), labtest.NNTP(t)
	box := filepath.Join(t.TempDir(), "box")
	fetch(t, imap.URL+"INBOX", imap.Options, "maildir:"+box)
	for name, c := range map[string]struct {
		at       string
		o        *protocols.Options
		expected []string
	}{
		"FTP": {ftp.URL, ftp.Options, []string{"a.txt", "sub/b.txt"}}, "WebDAV": {web.URL, web.Options, []string{"a.txt", "sub/b.txt"}},
		"gopher": {gopher.URL, gopher.Options, []string{"a.txt", "sub/b.txt"}}, "IMAP": {imap.URL, imap.Options, []string{"INBOX"}},
		"NNTP": {news.URL + "local.announce", news.Options, []string{"1"}}, "maildir": {"maildir:" + box, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			target, err := all.Parse(c.at)
			if err != nil {
				t.Fatal(err)
			}
			files := fsys.New(t.Context(), clients(t, c.at, c.o, pool.Config{}), target.Name)
			if c.expected == nil {
				list, err := fs.ReadDir(files, ".")
				if err != nil || len(list) == 0 {
					t.Fatalf("%d entries, %v", len(list), err)
				}
				c.expected = []string{list[0].Name()}
			}
			if err := fstest.TestFS(files, c.expected...); err != nil {
				t.Error(err)
			}
		})
	}
}

// letters are two messages.
func letters(t *testing.T) *maillab.Mailboxes {
	t.Helper()
	c := base.DefaultCredentials()
	m := maillab.NewMailboxes(maillab.Limits{}, c)
	for _, subject := range []string{"one", "two"} {
		if _, err := m.Append(c.User, "INBOX", []byte("Subject: "+subject+"\r\n\r\nText.\r\n"), nil, time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// fetch copies messages into an archive.
func fetch(t *testing.T, at string, o *protocols.Options, to string) {
	t.Helper()
	from, err := all.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	into, err := all.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := transfer.SyncMessages(t.Context(), transfer.At(from, o), transfer.At(into, nil), &transfer.MessageOptions{}, nil)
	if err != nil || sum.Done == 0 {
		t.Fatalf("%+v, %v", sum, err)
	}
}

// TestSpans: a sync from a file system in memory, with a span for each operation.
func TestSpans(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	s := labtest.FTP(t)
	s.Options.Observe = Spans(provider.Tracer("outside"))
	target, err := all.Parse(s.URL + "incoming/tree")
	if err != nil {
		t.Fatal(err)
	}
	from := transfer.Endpoint{
		Open: func() (protocols.Client, error) {
			return fsys.Client(fstest.MapFS{"x.txt": {Data: []byte("x")}, "y/z.txt": {Data: []byte("z")}}), nil
		},
		URL: "fs:", Protocol: "fs",
	}
	if sum, err := transfer.Sync(t.Context(), from, transfer.At(target, s.Options), nil, nil); err != nil || sum.Done != 2 {
		t.Fatalf("%+v, %v", sum, err)
	}
	names := map[string]int{}
	for _, span := range spans.Ended() {
		names[span.Name()]++
		if span.Name() == "ftp put" && span.Status().Code == codes.Error { // the first listing finds no folder
			t.Errorf("%s failed: %s", span.Name(), span.Status().Description)
		}
	}
	if names["ftp put"] != 2 || names["ftp mkdir"] == 0 || len(spans.Started()) != len(spans.Ended()) {
		t.Errorf("%v, %d started, %d ended", names, len(spans.Started()), len(spans.Ended()))
	}
}
