package show

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/mattn/go-runewidth"
)

func TestProgressDisabledIsNil(t *testing.T) {
	p := NewProgress(nil, false)
	p.SetTotals(2, 10)
	task := p.Start("a", 5)
	task.Set(1)
	task.Poll(func() int64 { t.Error("polled"); return 0 })
	task.Done(nil)
	p.Close()
	if n := testing.AllocsPerRun(100, func() { p.Start("a", 1).Done(nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A job that ends at once, or waits for a login, shows nothing.
func TestProgressShortJobShowsNothing(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b, true)
	task := p.Start("a", 10)
	task.Set(10)
	task.Done(nil)
	p.Close()
	p.Close()
	if b.Len() != 0 {
		t.Errorf("shown: %q", b.String())
	}
}

// screen collects what a terminal of 80 columns gets.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
	grew chan struct{}
}

func newScreen(t *testing.T) (*screen, *os.File) {
	t.Helper()
	person, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(person, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	s := &screen{grew: make(chan struct{}, 1)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		io.Copy(s, person)
	}()
	t.Cleanup(func() { tty.Close(); <-ended; person.Close() })
	return s, tty
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.grew <- struct{}{}:
	default:
	}
	return s.text.Write(b)
}

// await waits until all texts were shown, in any order.
func (s *screen) await(t *testing.T, texts ...string) string {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		s.mu.Lock()
		got := s.text.String()
		s.mu.Unlock()
		missing := ""
		for _, want := range texts {
			if !strings.Contains(got, want) {
				missing = want
			}
		}
		if missing == "" {
			return got
		}
		select {
		case <-s.grew:
		case <-late:
			t.Fatalf("no %q in %q", missing, got)
		}
	}
}

func TestProgressOnATerminal(t *testing.T) {
	s, tty := newScreen(t)
	p := NewProgress(tty, true)
	p.SetTotals(20, 12<<20)
	var polled atomic.Int64
	polled.Store(1 << 20)
	for i := range 12 {
		p.Start(string(rune('a'+i))+" file", 4<<20).Poll(polled.Load)
	}
	bad := p.Start("\x1b[31mbad\u202e", 0)
	bad.Done(errors.New("gone"))
	shown := s.await(t, "h file", "0/20 files, 12 MiB", " 25% ", "100%", "1 MiB", "[====")
	if strings.Contains(shown, "i file") || strings.Contains(shown, "[31m") {
		t.Errorf("more than eight files, or a raw name: %q", shown)
	}
	io.WriteString(p, "a warning\n")
	s.await(t, "a warning\r\n")
	p.Close()
	io.WriteString(tty, "the end")
	all := s.await(t, "the end")
	if after := all[strings.LastIndex(all, "\x1b[J"):]; after != "\x1b[Jthe end" {
		t.Errorf("lines left on the screen: %q", after)
	}
}

func TestProgressWriteAfterClose(t *testing.T) {
	var b bytes.Buffer
	p := NewProgress(&b, true)
	io.WriteString(p, "before\n")
	p.Close()
	io.WriteString(p, "after\n")
	if b.String() != "before\nafter\n" {
		t.Errorf("got %q", b.String())
	}
}

func TestProgressCounts(t *testing.T) {
	p := NewProgress(io.Discard, true)
	p.Close() // nobody draws: measure is ours
	d := &drawing{p: p}
	first, second := p.Start("a", 100), p.Start("b", -1)
	first.Set(100)
	second.Set(20)
	first.Done(nil)
	first.Done(nil)
	second.Done(errors.New("cut"))
	p.Start("c", 10).Set(5)
	tasks, sum := d.measure(time.Second)
	if len(tasks) != 1 || sum.label != "1 files" || sum.now != 125 || sum.rate != 125 {
		t.Errorf("%d tasks, %+v", len(tasks), sum)
	}
	p.SetTotals(4, 0)
	if _, sum = d.measure(time.Second); sum.label != "1/4 files" || viewPercent(sum) != "25%" || viewETA(sum) != "" {
		t.Errorf("%+v", sum)
	}
	p.SetTotals(4, 1250)
	if _, sum = d.measure(time.Second); sum.label != "1/4 files, 1.2 KiB" || viewPercent(sum) != "10%" {
		t.Errorf("%+v", sum)
	}
}

func TestProgressETA(t *testing.T) {
	for want, v := range map[string]view{
		"0:09":    {now: 10, total: 100, rate: 10},
		"1:00:00": {now: 0, total: 3600, rate: 1},
		"2:05":    {now: 0, total: 1250, rate: 10},
		"":        {now: 0, total: 0, rate: 10},
	} {
		if got := viewETA(&v); got != want {
			t.Errorf("%+v: %q, want %q", v, got, want)
		}
	}
	if got := viewETA(&view{total: 10, now: 20, rate: 3}); got != "" {
		t.Errorf("past the end: %q", got)
	}
}

func TestClipName(t *testing.T) {
	for name, want := range map[string]string{
		"short.txt":                            "short.txt",
		"pub/archives/2026/a-long-name.tar.gz": "…archives/2026/a-long-name.tar.gz",
		"\x1b[2J\u202e":                        "\ufffd[2J\ufffd",
	} {
		got := clipName(name)
		if runewidth.StringWidth(got) > progressName || !strings.HasSuffix(want, strings.TrimPrefix(got, "…")) {
			t.Errorf("%q: got %q", name, got)
		}
	}
	if got := clipName(strings.Repeat("世", 40)); runewidth.StringWidth(got) > progressName || !strings.HasPrefix(got, "…") {
		t.Errorf("wide name: %q", got)
	}
}

// TestBarBeginsAtTheEdge: a terminal that has echoed ^C has moved the cursor.
func TestBarBeginsAtTheEdge(t *testing.T) {
	if got := viewLabel(&view{label: "a.bin"}); got != "\ra.bin" {
		t.Errorf("%q", got)
	}
}
