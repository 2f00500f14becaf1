package trace

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// sampleEvents is a short conversation with hostile text in it.
func sampleEvents() []protocols.Event {
	at := time.Date(2026, 11, 22, 8, 30, 0, 0, time.UTC)
	event := func(ms int, conn int64, channel string, kind protocols.EventKind, text string) protocols.Event {
		return protocols.Event{Time: at.Add(time.Duration(ms) * time.Millisecond), Conn: conn, Protocol: "ftp", Channel: channel, Kind: kind, Text: text}
	}
	data := event(1030, 2, "data", protocols.EventData, "received")
	data.Bytes, data.Took = 3<<20, 20*time.Millisecond
	tls := event(15, 1, "control", protocols.EventTLS, "TLS 1.3, TLS_AES_128_GCM_SHA256")
	tls.Took = 4 * time.Millisecond
	return []protocols.Event{
		event(0, 1, "control", protocols.EventConnect, "127.0.0.1:2121"),
		event(10, 1, "control", protocols.EventRecv, "220 <script>alert(1)</script> \x1b[31m\u009b\u202e\xff"),
		tls,
		event(16, 1, "control", protocols.EventSend, "USER alice"),
		event(1000, 2, "data", protocols.EventConnect, "127.0.0.1:5000"),
		data,
		event(1031, 2, "data", protocols.EventClose, "read 3145728, written 0 bytes"),
		event(1040, 3, "data", protocols.EventConnect, "127.0.0.1:5001"),
		event(1041, 3, "data", protocols.EventError, "connection reset"),
		event(1042, 1, "control", protocols.EventNote, "trying again"),
	}
}

func writeTrace(t *testing.T, name string, events []protocols.Event) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(strings.Repeat("an older and longer trace\n", 1000)), 0o644); err != nil {
		t.Fatal(err)
	}
	sink, done, err := Open(t.Context(), path, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		sink(e)
	}
	if err := errors.Join(done(), done()); err != nil {
		t.Fatal(err)
	}
	sink(events[0]) // after the end: nothing
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if bytes.ContainsAny(text, "\x1b\x7f\u009b\u202e") {
		t.Error("control characters in the trace")
	}
	return string(text)
}

const sampleText = `     0.000ms  #1  control * connect 127.0.0.1:2121
    10.000ms  #1  control < 220 <script>alert(1)</script> ` + "\ufffd[31m\ufffd\ufffd\ufffd" + `
    15.000ms  #1  control * tls TLS 1.3, TLS_AES_128_GCM_SHA256 (4.000ms)
    16.000ms  #1  control > USER alice
  1000.000ms  #2  data    * connect 127.0.0.1:5000
  1030.000ms  #2  data    « data received 3145728 bytes (20.000ms)
  1031.000ms  #2  data    * close read 3145728, written 0 bytes
  1040.000ms  #3  data    * connect 127.0.0.1:5001
  1041.000ms  #3  data    ! error connection reset
  1042.000ms  #1  control * trying again
`

func TestTraceText(t *testing.T) {
	if got := writeTrace(t, "trace.txt", sampleEvents()); got != sampleText {
		t.Errorf("got\n%s", got)
	}
	var b bytes.Buffer
	sink, done, err := Open(t.Context(), "-", &b, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range sampleEvents() {
		sink(e)
	}
	if err := done(); err != nil || b.String() != sampleText {
		t.Errorf("%v, on stderr\n%s", err, b.String())
	}
}

func TestTraceJSON(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(writeTrace(t, "trace.jsonl", sampleEvents())), "\n")
	if len(lines) != 10 {
		t.Fatalf("%d lines", len(lines))
	}
	want := `{"time":"2026-11-22T08:30:01.03Z","conn":2,"protocol":"ftp","channel":"data","kind":"data","text":"received","bytes":3145728,"took_ms":20}`
	if lines[5] != want {
		t.Errorf("got %s", lines[5])
	}
	var e struct{ Text string }
	if err := json.Unmarshal([]byte(lines[1]), &e); err != nil || !strings.HasSuffix(e.Text, "\x1b[31m\u009b\u202e\ufffd") {
		t.Errorf("text %q, %v", e.Text, err)
	}
}

func TestTraceHTML(t *testing.T) {
	page := writeTrace(t, "trace.html", sampleEvents())
	for _, want := range []string{
		"ftp 127.0.0.1:2121", "220 &lt;script&gt;alert(1)&lt;/script&gt;", "<dd>TLS 1.3</dd>", "<dd>3 MiB</dd>", "<dd>1.04 s</dd>",
		`<div class="pause">984 ms pass</div>`, "<b>data</b><br>#2 to #3", `class="arrow out send k-send l1"`, `class="arrow in data k-data l2"`,
		"prefers-color-scheme: dark", "default-src 'none'",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("page without %q", want)
		}
	}
	for _, never := range []string{"http:", "https:", "src=", "@import", "url(", "ZgotmplZ", "<script>alert", "more events"} {
		if strings.Contains(page, never) {
			t.Errorf("page with %q", never)
		}
	}
}

func TestTraceHTMLIsBounded(t *testing.T) {
	e := sampleEvents()[3]
	e.Text = strings.Repeat("é", 5000)
	tracer := &traceHTML{sums: traceSums{conns: map[int64]bool{}}}
	for i := range htmlMaxEvents + 7 {
		e.Conn = int64(i % 300)
		if err := tracer.event(e); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(tracer.events[0].Text); n > htmlMaxText+8 {
		t.Errorf("text of %d bytes kept", n)
	}
	var b bytes.Buffer
	if err := tracer.render(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "7 more events are not shown") || strings.Count(b.String(), `<div class="row`) != htmlMaxEvents {
		t.Error("page has not the first 20,000 events and a note")
	}
	if n := len(tracer.page().Lanes); n != htmlMaxLanes {
		t.Errorf("%d lanes", n)
	}
}

func TestTraceHTMLLeavesNoTemporaryFiles(t *testing.T) {
	dir := t.TempDir()
	_, done, err := Open(t.Context(), filepath.Join(dir, "t.html"), nil, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 1 {
		t.Errorf("files: %q", names)
	}
	if hidden, _ := filepath.Glob(filepath.Join(dir, ".*")); len(hidden) != 0 {
		t.Errorf("left behind: %q", hidden)
	}
}

func TestTraceErrors(t *testing.T) {
	for _, name := range []string{"t.html", "t.jsonl", "t.txt"} {
		if _, _, err := Open(t.Context(), filepath.Join(t.TempDir(), "no", name), nil, false); protocols.KindOf(err) != protocols.KindLocal {
			t.Errorf("%s: %v", name, err)
		}
	}
	sink, done, err := Open(t.Context(), "-", failingWriter{}, false)
	if err != nil {
		t.Fatal(err)
	}
	sink(sampleEvents()[0])
	if err := done(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("close after a failed write: %v", err)
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestTraceFromManyGoroutines(t *testing.T) {
	var b bytes.Buffer
	sink, done, err := Open(t.Context(), "-", &b, false)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				sink(sampleEvents()[3])
			}
		})
	}
	all.Wait()
	if err := done(); err != nil || strings.Count(b.String(), "> USER alice\n") != 800 {
		t.Errorf("%v, %d lines", err, strings.Count(b.String(), "\n"))
	}
}
