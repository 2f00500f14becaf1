package observe_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/observe"
)

// buffer may be written by many goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func TestSlog(t *testing.T) {
	s, out := labtest.FTP(t), &buffer{}
	l := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.Options.Trace, s.Options.Observe = observe.SlogTrace(l), observe.Slog(l)
	c, _, err := all.Open(s.URL, s.Options)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = protocols.Stat(t.Context(), c, "README.txt")
	_, _ = protocols.Get(t.Context(), c, "none", nil)
	c.Close()
	out.mu.Lock()
	defer out.mu.Unlock()
	text := out.b.String()
	for _, want := range []string{"level=DEBUG msg=send protocol=ftp host=127.0.0.1", "level=INFO msg=stat protocol=ftp host=127.0.0.1", "level=ERROR msg=get", "kind=refused"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "secret") {
		t.Error("the password is in the log")
	}
}
