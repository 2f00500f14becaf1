package gopher

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// speaker is a server of one answer, which speak writes.
func speaker(t *testing.T, speak func(conn net.Conn)) (rawURL string) {
	t.Helper()
	return "gopher://" + labtest.Serve(t, func(conn net.Conn) {
		conn.Read(make([]byte, 1000))
		speak(conn)
	})
}

// TestSlowTextWithLoneDot: the short wait for an end after a lone dot is over as
// soon as something comes: what follows may take its time again.
func TestSlowTextWithLoneDot(t *testing.T) {
	const text = "a\r\n.\r\nb\r\nc\r\n"
	c := labtest.Open(t, New, speaker(t, func(conn net.Conn) {
		io.WriteString(conn, text[:6])
		time.Sleep(100 * time.Millisecond)
		io.WriteString(conn, text[6:9])
		time.Sleep(lastWait + 200*time.Millisecond)
		io.WriteString(conn, text[9:])
	}), nil)
	if got := labtest.Read(t, c, "0/text"); got != text {
		t.Errorf("got %q", got)
	}
}

// TestMenuOfEqualNames: very many items with the same last component are told
// apart in time, and each item stands in the tree once.
func TestMenuOfEqualNames(t *testing.T) {
	const items = 50_000
	c := labtest.Open(t, New, speaker(t, func(conn net.Conn) {
		var b strings.Builder
		for i := range items {
			fmt.Fprintf(&b, "0x\t/%d/same.txt\t127.0.0.1\t%s\r\n0again\t/0/same.txt\t127.0.0.1\t%[2]s\r\n", i, conn.LocalAddr().(*net.TCPAddr).AddrPort().String()[len("127.0.0.1:"):])
		}
		io.WriteString(conn, b.String()+".\r\n")
	}), nil)
	names := map[string]bool{}
	start := time.Now()
	for e, err := range c.ListTree(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		if names[e.Name] {
			t.Fatalf("%s stands there twice", e.Name)
		}
		names[e.Name] = true
	}
	if d := time.Since(start); len(names) != items+1 || d > 10*time.Second {
		t.Errorf("%d names in %v", len(names), d)
	}
}

// TestTextBeforeTheMenu: lines without tabs before the first item are information, when
// items follow; else the answer is not a menu, which shows soon.
func TestTextBeforeTheMenu(t *testing.T) {
	const item = "0About\t/about\tlocalhost\t70\r\n"
	for name, c := range map[string]struct {
		answer, want string
		wait         bool
		kind         protocols.Kind
	}{
		"text":            {"Welcome\r\n\r\nto my hole\r\n" + item + ".\r\n", "Welcome info, to my hole info, About file", false, 0},
		"only text":       {"HTTP/1.0 400 Bad\r\n\r\n<html>\r\n", "", false, protocols.KindProtocol},
		"a greeting":      {"220 ready\r\n", "", true, protocols.KindProtocol},
		"much text":       {strings.Repeat("text\r\n", mostHead+1) + item, "", false, protocols.KindProtocol},
		"information":     {"ihello\r\n.\r\n", "hello info", false, 0},
		"an error":        {"3No such thing\r\n.\r\n", "", false, protocols.KindRefused},
		"a line of error": {"3No such thing", "", false, protocols.KindRefused},
		"empty":           {".\r\n", "", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			gone := make(chan struct{})
			c2 := labtest.Open(t, New, speaker(t, func(conn net.Conn) {
				io.WriteString(conn, c.answer)
				if c.wait {
					conn.Read(make([]byte, 1))
				}
				close(gone)
			}), nil)
			var got []string
			var failed error
			for e, err := range c2.List(t.Context(), "1/sub") {
				if failed = err; err == nil {
					got = append(got, e.Name+" "+string(e.Type))
				}
			}
			if strings.Join(got, ", ") != c.want || protocols.KindOf(failed) != c.kind {
				t.Errorf("%q, %v", got, failed)
			}
			c2.Close()
			<-gone
		})
	}
}
