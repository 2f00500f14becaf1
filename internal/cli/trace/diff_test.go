package trace

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// TestReadBack: both forms that can be read hold the events that were written.
func TestReadBack(t *testing.T) {
	for _, name := range []string{"t.jsonl", "t.txt"} {
		text := writeTrace(t, name, sampleEvents())
		i := 0
		for e, err := range Read(name, strings.NewReader(text)) {
			if err != nil {
				t.Fatal(err)
			}
			want := sampleEvents()[i]
			if i++; i == 2 { // hostile text: harmless in one form, whole in the other
				continue
			}
			e.Protocol = want.Protocol
			since := e.Time.Sub(time.Unix(0, 0))
			if name == "t.txt" && since != want.Time.Sub(sampleEvents()[0].Time) {
				t.Errorf("%s: event %d at %v", name, i, since)
			}
			if e.Time = want.Time; want.Kind == protocols.EventClose {
				e.Bytes = want.Bytes
			}
			if e != want {
				t.Errorf("%s: got %+v, want %+v", name, e, want)
			}
		}
		if i != len(sampleEvents()) {
			t.Errorf("%s: %d events", name, i)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"page", "<!DOCTYPE html>\n<html>", "is a page for people"},
		{"other", "hello", "line 1 is not a line of a trace"},
		{"half", `{"time":"2026-11-22T08:30:00Z","kind":"send"}` + "\n" + `{"time":`, "line 2 is not"},
		{"no kind", `{"time":"2026-11-22T08:30:00Z"}`, "no kind"},
		{"long", strings.Repeat("x", maxLine+1), "cannot read long"},
	} {
		var last error
		for _, err := range Read(c.name, strings.NewReader(c.text)) {
			last = err
		}
		if last == nil || !strings.Contains(last.Error(), c.want) {
			t.Errorf("%s: %v", c.name, last)
		}
	}
}

// TestSteady: what two runs of one dialogue do not share is not compared; all else is.
func TestSteady(t *testing.T) {
	for _, c := range []struct{ a, b string }{
		{"229 Entering Extended Passive Mode (|||42913|)", "229 Entering Extended Passive Mode (|||1025|)"},
		{"227 Entering Passive Mode (127,0,0,1,238,73).", "227 Entering Passive Mode (127,0,0,1,4,5)."},
		{"EPRT |1|127.0.0.1|5282|", "EPRT |1|127.0.0.1|40000|"},
		{"EPRT |2|::1|5282|", "EPRT |2|::1|40000|"},
		{"PORT 10,0,0,1,20,30", "PORT 10,0,0,1,99,30"},
		{"NWMTAP12 OK done", "A003 OK done"},
		{`NWMTAP2 EXAMINE "INBOX"`, `NBXG3U7 EXAMINE "INBOX"`},
		{"connect 127.0.0.1:2121", "connect 127.0.0.1:41234"},
		{"connect [::1]:2121", "connect [::1]:99"},
		{"213 20240229123456", "213 20251231235959.123"},
		{"Date: Mon, 30 Nov 2026 21:49:16 GMT", "Date: Tue, 1 Dec 2026 01:02:03 GMT"},
		{`INTERNALDATE " 1-Mar-2024 09:30:00 +0000"`, `INTERNALDATE "11-Dec-2025 10:00:01 +0100"`},
		{"* OK [UIDVALIDITY 1796075344] UIDs valid", "* OK [UIDVALIDITY 3] UIDs valid"},
		{"A1 OK [APPENDUID 1796075344 5] done", "A1 OK [APPENDUID 99 12] done"},
		{"250 2.0.0 Ok: queued as 4B2F81C3D", "250 2.0.0 Ok: queued as 7A3F2200C1"},
		{"+OK ready <1896.697170952@dbc.mtview.ca.us>", "+OK ready <77777.123456789@dbc.mtview.ca.us>"},
		{"* OK Dovecot ready. <aB3dE5fG7h+1>", "* OK Dovecot ready. <Zz9dE5fG7h/2>"},
		{`WWW-Authenticate: Digest realm="x", nonce="abc", qop="auth"`, `WWW-Authenticate: Digest realm="x", nonce="def", qop="auth"`},
		{"334 PDQxOTI5NDIzNDEuMTI4Mjg0NzJAc291cmNlZm91cg==", "334 PDk5OTI5NDIzNDEuMTI4Mjg0NzJAc291cmNlZm91cg=="},
		{"STOR .in.a1b2c3d4.report.txt", "STOR .in.ffee0011.report.txt"},
		{"Set-Cookie: id=1; Path=/", "Set-Cookie: id=2; Path=/"},
		{"226 done in 0.002 seconds", "226 done in 1.5 seconds"},
	} {
		if steady(c.a) != steady(c.b) {
			t.Errorf("%q and %q differ: %q, %q", c.a, c.b, steady(c.a), steady(c.b))
		}
	}
	for _, c := range []struct{ a, b string }{
		{"230 Login successful.", "530 Login incorrect."},
		{"RETR a.txt", "RETR b.txt"},
		{"MAIL FROM:<alice@lab.test>", "MAIL FROM:<bob@lab.test>"},
		{"connect 127.0.0.1:21", "connect 127.0.0.2:21"},
		{"A1 OK done", "A1 NO done"},
		{"213 71", "213 72"},
		{"TLS 1.3, TLS_AES_128_GCM_SHA256", "TLS 1.2, TLS_AES_128_GCM_SHA256"},
		{"250-SIZE 1000", "250-SIZE 2000"},
		{"data received 71 bytes", "data received 0 bytes"},
		{"Content-Length: 71", "Content-Length: 0"},
	} {
		if steady(c.a) == steady(c.b) {
			t.Errorf("%q and %q are the same: %q", c.a, c.b, steady(c.a))
		}
	}
}

// dialogue makes events of lines: "> command", "< reply", "* note", "= 71" content over a
// data connection.
func dialogue(protocol string, lines ...string) string {
	var b strings.Builder
	at := time.Date(2026, 11, 22, 8, 30, 0, 0, time.UTC)
	for i, l := range lines {
		e := protocols.Event{Time: at.Add(time.Duration(i) * time.Millisecond), Conn: 1, Protocol: protocol, Channel: "control", Text: l[2:]}
		switch l[0] {
		case '>':
			e.Kind = protocols.EventSend
		case '<':
			e.Kind = protocols.EventRecv
		case '=':
			e.Kind, e.Conn, e.Channel, e.Text = protocols.EventData, 2, "data", "received"
			fmt.Sscan(l[2:], &e.Bytes)
		default:
			e.Kind = protocols.EventNote
		}
		to := &traceText{w: &b, start: at}
		if err := to.event(e); err != nil {
			panic(err)
		}
	}
	return b.String()
}

func changes(t *testing.T, a, b string) (Summary, []string) {
	t.Helper()
	var sides [2][]*Dialogue
	for i, text := range []string{a, b} {
		var err error
		if sides[i], err = Dialogues("t", strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	var out []string
	sum, err := Diff(sides[0], sides[1], func(c Change) error {
		out = append(out, c.What+" "+c.Command)
		for _, s := range c.Sides() {
			if s.Mark != ' ' {
				out = append(out, string(s.Mark)+s.Line)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum, out
}

// TestDiff: replies stand with the commands that they answer, also when several
// commands went out at once.
func TestDiff(t *testing.T) {
	lockstep := dialogue("ftp", "< 220 hi", "> SIZE a", "< 213 5", "> MDTM a", "< 213 20240229123456", "> EPSV", "< 229 (|||1|)", "> RETR a", "< 150 wait", "= 5", "< 226 ok")
	for _, c := range []struct {
		name, a, b string
		want       []string
	}{
		{"flight", lockstep, dialogue("ftp", "< 220 hi", "> SIZE a", "> MDTM a", "> EPSV", "< 213 5", "< 213 20250101000000", "< 229 (|||999|)", "> RETR a", "< 150 wait", "= 5", "< 226 ok"), nil},
		{"cut short", lockstep, dialogue("ftp", "< 220 hi", "> SIZE a", "< 213 5", "> MDTM a", "< 213 20240229123456", "> EPSV", "< 229 (|||1|)", "> RETR a", "< 150 wait", "= 3", "< 426 cut"),
			[]string{"changed RETR a", "-* data received 5 bytes", "-< 226 ok", "+* data received 3 bytes", "+< 426 cut"}},
		{"another command", lockstep, dialogue("ftp", "< 220 hi", "> SIZE a", "< 550 no", "> EPSV", "< 229 (|||1|)", "> RETR b", "< 550 no", "> QUIT", "< 221 bye"),
			[]string{"changed SIZE a", "-< 213 5", "+< 550 no", "removed MDTM a", "-> MDTM a", "-< 213 20240229123456",
				"changed RETR a", "-> RETR a", "-< 150 wait", "-* data received 5 bytes", "-< 226 ok", "+> RETR b", "+< 550 no", "added QUIT", "+> QUIT", "+< 221 bye"}},
		{"replies of several lines", dialogue("smtp", "> EHLO x", "> RSET", "< 250-SIZE", "< 250 STARTTLS", "< 250 ok"), dialogue("smtp", "> EHLO x", "> RSET", "< 250 SIZE", "< 250 ok"),
			[]string{"changed EHLO x", "-< 250-SIZE", "-< 250 STARTTLS", "+< 250 SIZE"}},
		{"tags", dialogue("imap", "> AB1 NOOP", "> AB2 SELECT x", "< * 5 EXISTS", "< AB1 OK", "< AB2 OK done"), dialogue("imap", "> XY1 NOOP", "> XY2 SELECT x", "< * 5 EXISTS", "< XY1 OK", "< XY2 NO done"),
			[]string{"changed AB2 SELECT x", "-< AB2 OK done", "+< XY2 NO done"}},
		{"requests", dialogue("http", "> GET / HTTP/1.1", "> Host: a", "< HTTP/1.1 200 OK", "< Server: x", "> GET /b HTTP/1.1", "> Host: a", "< HTTP/1.1 200 OK"),
			dialogue("http", "> GET / HTTP/1.1", "> Host: a", "< HTTP/1.1 200 OK", "< Server: x", "> GET /b HTTP/1.1", "> Host: a", "< HTTP/1.1 404 Not Found"),
			[]string{"changed GET /b HTTP/1.1", "-< HTTP/1.1 200 OK", "+< HTTP/1.1 404 Not Found"}},
		{"news", dialogue("", "< 200 hi", "> CAPABILITIES", "> GROUP x", "< 101 list", "< 211 1 1 1 x"), dialogue("", "< 200 hi", "> CAPABILITIES", "> GROUP x", "< 101 list", "< 411 none"),
			[]string{"changed GROUP x", "-< 211 1 1 1 x", "+< 411 none"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			sum, got := changes(t, c.a, c.b)
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q\nwant %q", got, c.want)
			}
			if sum.Differ() != (len(c.want) > 0) {
				t.Errorf("summary %+v", sum)
			}
			if sum, got := changes(t, c.b, c.b); sum.Differ() {
				t.Errorf("a trace differs from itself: %q", got)
			}
		})
	}
}

// TestAlignLong: parts that are too long to be compared each with each are aligned around
// what is there once.
func TestAlignLong(t *testing.T) {
	var a, b []string
	for i := range 6000 {
		a = append(a, "NOOP", fmt.Sprint("RETR ", i))
		if i%3 != 0 {
			b = append(b, fmt.Sprint("RETR ", i), "NOOP")
		}
	}
	a, b = append([]string{"first"}, a...), append(b, "last")
	pairs := align(a, b)
	if len(pairs) < 4000 {
		t.Errorf("%d pairs", len(pairs))
	}
	for k, p := range pairs {
		if a[p[0]] != b[p[1]] || k > 0 && (p[0] <= pairs[k-1][0] || p[1] <= pairs[k-1][1]) {
			t.Fatalf("pair %d: %v after %v", k, p, pairs[max(k-1, 0)])
		}
	}
}

// TestPrinter: colours around text that is harmless, and silences made visible.
func TestPrinter(t *testing.T) {
	var b strings.Builder
	p := &Printer{W: &b, Paint: true}
	events := sampleEvents()
	events[len(events)-1].Time = events[0].Time.Add(5 * time.Second)
	events = append(events, protocols.Event{Time: events[len(events)-1].Time, Kind: protocols.EventRecv, Text: "550 no"})
	for _, e := range events {
		if err := p.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"\x1b[36m> USER alice\x1b[0m", "< 220 <script>alert(1)</script> \ufffd[31m", "... 3.96 s pass", "\x1b[31m< 550 no\x1b[0m", "\x1b[31m! error connection reset"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
