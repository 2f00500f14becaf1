package gopher

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/labtest"
)

// speaker is a server of one answer, which speak writes.
func speaker(t *testing.T, speak func(conn net.Conn)) (rawURL string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { ln.Close(); <-done })
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		conn.Read(make([]byte, 1000))
		speak(conn)
	}()
	return "gopher://" + ln.Addr().String()
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
