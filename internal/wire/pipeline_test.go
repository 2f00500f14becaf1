package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// count yields 1 to n.
func count(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i + 1) {
				return
			}
		}
	}
}

// retr returns a window on a new Writer to out, that sends "RETR n".
func retr(out io.Writer, size, low int) *Window[int] {
	w := NewWriter(out, 0)
	return NewWindow(w, size, low, func(n int) error { return w.Cmd("RETR", fmt.Sprint(n)) })
}

func TestWindowRefills(t *testing.T) {
	tests := []struct {
		size, low, n int
		want         []int // commands in each write
	}{
		{4, 2, 10, []int{4, 2, 2, 2}},
		{4, 0, 10, []int{4, 4, 2}},
		{4, 9, 6, []int{4, 1, 1}},
		{1, 0, 3, []int{1, 1, 1}},
		{0, -1, 2, []int{1, 1}},
		{100, 80, 3, []int{3}},
		{5, 2, 0, nil},
	}
	for _, tt := range tests {
		out := &recorder{after: -1}
		var got, sizes []int
		win := retr(out, tt.size, tt.low)
		for n, err := range win.All(count(tt.n)) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, n)
			if sent := strings.Count(out.all(), "\n"); sent < n || sent > n-1+max(tt.size, 1) {
				t.Errorf("%+v: %d sent while reading %d", tt, sent, n)
			}
		}
		for _, w := range out.writes {
			sizes = append(sizes, strings.Count(w, "\n"))
		}
		if !reflect.DeepEqual(got, slices.Collect(count(tt.n))) || !reflect.DeepEqual(sizes, tt.want) {
			t.Errorf("%+v: got %v in writes of %v", tt, got, sizes)
		}
		if len(win.Pending()) != 0 || win.bytes != 0 {
			t.Errorf("%+v: %v and %d bytes left", tt, win.Pending(), win.bytes)
		}
	}
}

func TestWindowBoundsBytes(t *testing.T) {
	out := &recorder{after: -1}
	w := NewWriter(out, 0)
	long := strings.Repeat("x", 5000)
	win := NewWindow(w, 1000, 900, func(int) error { return w.Cmd("GROUP", long) })
	answered := 0
	for _, err := range win.All(count(50)) {
		if err != nil {
			t.Fatal(err)
		}
		if open := len(out.all()) - answered*5008; open > maxInFlight+2*5008 {
			t.Fatalf("%d bytes in flight", open)
		}
		answered++
	}
	if answered != 50 {
		t.Errorf("%d answers", answered)
	}
}

// TestWindowGathersLongCommands: commands are batched even when bytes are the limit.
func TestWindowGathersLongCommands(t *testing.T) {
	out := &recorder{after: -1}
	w := NewWriter(out, 0)
	id := "<" + strings.Repeat("x", 90) + ">"
	win := NewWindow(w, 1000, 800, func(int) error { return w.Cmd("ARTICLE", id) })
	n := 0
	for _, err := range win.All(count(2000)) {
		if n++; err != nil {
			t.Fatal(err)
		}
	}
	if n != 2000 || len(out.writes) > 80 {
		t.Errorf("%d commands in %d writes", n, len(out.writes))
	}
}

func TestWindowStopsAtEachItem(t *testing.T) {
	for stop := 1; stop <= 10; stop++ {
		out := &recorder{after: -1}
		win := retr(out, 4, 2)
		for n := range win.All(count(10)) {
			if n == stop {
				break
			}
		}
		sent := strings.Count(out.all(), "\n")
		var want []int
		for n := stop + 1; n <= sent; n++ {
			want = append(want, n)
		}
		if !slices.Equal(win.Pending(), want) {
			t.Errorf("stop at %d of %d sent: %v pending", stop, sent, win.Pending())
		}
		var drained []int
		for n := range win.All(nil) {
			drained = append(drained, n)
		}
		if !slices.Equal(drained, want) || strings.Count(out.all(), "\n") != sent || len(win.Pending()) != 0 {
			t.Errorf("stop at %d: drained %v, want %v", stop, drained, want)
		}
	}
}

func TestWindowSendFails(t *testing.T) {
	out := &recorder{after: -1}
	w := NewWriter(out, 0)
	win := NewWindow(w, 10, 5, func(s string) error {
		return errors.Join(w.Cmd("MAIL"), w.Cmd("RCPT", s))
	})
	var got []string
	for s, err := range win.All(slices.Values([]string{"a", "b", "c\r", "d"})) {
		_, bad := errors.AsType[*ArgumentError](err)
		got = append(got, fmt.Sprintf("%q %v", s, bad))
	}
	if want := []string{`"a" false`, `"b" false`, `"c\r" true`}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
	if out.all() != "MAIL\r\nRCPT a\r\nMAIL\r\nRCPT b\r\n" || w.Buffered() != 0 {
		t.Errorf("wrote %q, %d buffered", out.all(), w.Buffered())
	}
	for s, err := range win.All(slices.Values([]string{"e"})) {
		if s != "e" || err != nil {
			t.Errorf("later: %q, %v", s, err)
		}
	}
}

func TestWindowWriteFails(t *testing.T) {
	win := retr(&recorder{after: 1}, 4, 2)
	var got []string
	for n, err := range win.All(count(10)) {
		got = append(got, fmt.Sprint(n, err))
	}
	if want := []string{"1 <nil>", "2 <nil>", "3 temporary"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
	if want := []int{3, 4, 5, 6}; !slices.Equal(win.Pending(), want) {
		t.Errorf("%v pending", win.Pending())
	}
}

// TestWindowAgainstBlockingPeer uses a peer that alternates between reading one command and writing a large answer: it
// never reads while it writes.
func TestWindowAgainstBlockingPeer(t *testing.T) {
	body := strings.Repeat("line\r\n", 20_000) + ".\r\n"
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	served := make(chan error, 1)
	go func() { served <- serveBodies(ln, body) }()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	lr := NewLineReader(conn, 100)
	next := 1
	for n, err := range retr(conn, 100, 80).All(count(300)) {
		if err != nil || n != next {
			t.Fatal(n, err)
		}
		if s, err := ReadStatus(lr); err != nil || s.Text != fmt.Sprint(n) {
			t.Fatal(n, s, err)
		}
		if err := NewDotReader(lr).Drain(1 << 20); err != nil {
			t.Fatal(n, err)
		}
		next++
	}
	conn.Close()
	if err := <-served; err != nil || next != 301 {
		t.Error(next, err)
	}
}

// serveBodies answers each "RETR n" of one connection with "+OK n" and the body.
func serveBodies(ln net.Listener, body string) error {
	conn, err := ln.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		if _, err := fmt.Fprintf(conn, "+OK %s\r\n%s", strings.TrimPrefix(lines.Text(), "RETR "), body); err != nil {
			return err
		}
	}
	return lines.Err()
}

// TestWindowUnbuffered shows that low 0 works on a pipe without any buffer.
func TestWindowUnbuffered(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	go func() {
		defer server.Close()
		lines := bufio.NewScanner(server)
		for lines.Scan() {
			fmt.Fprintf(server, "250 %s\r\n", lines.Text())
		}
	}()
	lr := NewLineReader(client, 100)
	answers := 0
	for n, err := range retr(client, 10, 0).All(count(35)) {
		if err != nil {
			t.Fatal(err)
		}
		if r, err := ReadReply(lr, SMTP, Limits{}); err != nil || r.Text() != fmt.Sprintf("RETR %d", n) {
			t.Fatal(n, r, err)
		}
		answers++
	}
	if answers != 35 {
		t.Errorf("%d answers", answers)
	}
}
