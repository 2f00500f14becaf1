package trace

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// renderPage makes the page of events that come a millisecond apart.
func renderPage(t *testing.T, each func(put func(protocols.Event))) string {
	t.Helper()
	at := time.Date(2026, 11, 22, 8, 30, 0, 0, time.UTC)
	tracer := &traceHTML{sums: traceSums{conns: map[int64]bool{}}}
	each(func(e protocols.Event) {
		at = at.Add(time.Millisecond)
		if e.Time = at; e.Conn == 0 {
			e.Conn = 1
		}
		if e.Channel == "" {
			e.Channel = "control"
		}
		if err := tracer.event(e); err != nil {
			t.Fatal(err)
		}
	})
	var b bytes.Buffer
	if err := tracer.render(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestPageOfManyFiles: a sync of 2,000 files is a page below 2 MB, with one row for the
// data connections, all content counted, and the end of the conversation.
func TestPageOfManyFiles(t *testing.T) {
	page := renderPage(t, func(put func(protocols.Event)) {
		for i := range 2000 {
			name := fmt.Sprintf("some/folder/with-a-name/file-%04d.txt", i)
			for _, text := range []string{"> EPSV", "< 229 Entering Extended Passive Mode (|||38583|)", "> RETR " + name, "< 150 Opening BINARY mode data connection for " + name + " (512 bytes)."} {
				kind := protocols.EventSend
				if text[0] == '<' {
					kind = protocols.EventRecv
				}
				put(protocols.Event{Kind: kind, Text: text[2:]})
			}
			conn := int64(i + 2)
			put(protocols.Event{Kind: protocols.EventConnect, Conn: conn, Channel: "data", Text: "127.0.0.1:38583"})
			put(protocols.Event{Kind: protocols.EventData, Conn: conn, Channel: "data", Text: "received", Bytes: 512, Head: strings.Repeat("text ", 100)})
			put(protocols.Event{Kind: protocols.EventClose, Conn: conn, Channel: "data", Text: "read 512, written 0 bytes"})
			put(protocols.Event{Kind: protocols.EventRecv, Text: "226 Transfer complete."})
		}
		put(protocols.Event{Kind: protocols.EventSend, Text: "QUIT"})
	})
	if len(page) > 2_000_000 {
		t.Errorf("the page has %d bytes", len(page))
	}
	for _, want := range []string{"<dd>1000 KiB</dd>", "2000 × data</span>", "QUIT", "RETR some/folder/with-a-name/file-0000.txt", "11001 more events are not shown here", `<pre class="head">text text`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if n := strings.Count(page, `class="strip"`); n != 2 {
		t.Errorf("%d rows of connections, want 2", n)
	}
}

// TestPageFoldsReplies: a reply of many lines is one row, and so are the fields of a
// request; lines that answer several commands are not.
func TestPageFoldsReplies(t *testing.T) {
	page := renderPage(t, func(put func(protocols.Event)) {
		put(protocols.Event{Kind: protocols.EventSend, Text: "FEAT"})
		for _, text := range []string{"211-Features:", " EPSV", " MDTM", " SIZE", "211 End", "200 one", "200 two", "200 three", "200 four"} {
			put(protocols.Event{Kind: protocols.EventRecv, Text: text})
		}
		for _, text := range []string{"GET / HTTP/1.1", "Host: a", "Accept: */*", "User-Agent: x"} {
			put(protocols.Event{Kind: protocols.EventSend, Text: text})
		}
		put(protocols.Event{Kind: protocols.EventRecv, Text: "HTTP/1.1 200 OK"})
		for i := range 5 {
			put(protocols.Event{Kind: protocols.EventRecv, Text: fmt.Sprintf("X-Field-%d: <b>", i)})
		}
	})
	for _, want := range []string{"211-Features:\n EPSV\n MDTM\n SIZE\n211 End</span><span class=\"tag\">5 lines", "GET / HTTP/1.1\nHost: a", ">4 lines<", "HTTP/1.1 200 OK\nX-Field-0: &lt;b&gt;", ">6 lines<"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if n := strings.Count(page, `data-k="recv"`); n != 6 { // FEAT, four answers, the head
		t.Errorf("%d rows of what was received", n)
	}
}

// TestFlow: bytes are spread over the time in which they moved.
func TestFlow(t *testing.T) {
	start := time.Date(2026, 11, 22, 8, 30, 0, 0, time.UTC)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	var f flow
	f.add(protocols.Event{Time: at(0), Conn: 1, Kind: protocols.EventConnect})
	f.add(protocols.Event{Time: at(500), Conn: 1, Kind: protocols.EventData, Text: "received", Bytes: 1000})
	f.add(protocols.Event{Time: at(1000), Conn: 1, Kind: protocols.EventData, Text: "sent", Bytes: 500})
	p := f.plot(start, at(1000))
	if p == nil || p.Most != "1.95 KiB" && p.Most != "2.0 KiB" && p.Most != "2 KiB" || p.End != "1.00 s" {
		t.Fatalf("%+v", p)
	}
	if !strings.HasPrefix(p.In, "M0 120L0 4.0H5") || !strings.HasSuffix(p.In, "L995 120.0H1000V120Z") || !strings.HasPrefix(p.Out, "M0 120L0 120.0H5") {
		t.Errorf("in %.40s ... out %.40s ...", p.In, p.Out)
	}
	if (&flow{}).plot(start, at(1000)) != nil {
		t.Error("a plot of nothing")
	}
}
