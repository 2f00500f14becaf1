//go:build linux

package socketcmd

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/socket"
)

// served starts a server that runs a command, and connects to it.
func served(t *testing.T, scheme, command string, shell bool, extra map[string]string) (conn net.Conn, stop func()) {
	t.Helper()
	x, err := newExecutor(command, shell, extra, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	o := &socket.ListenOptions{Handle: x.serve}
	if scheme == "tls" {
		cert, err := socket.SelfSigned("localhost")
		if err != nil {
			t.Fatal(err)
		}
		o.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	}
	s, err := socket.Listen(t.Context(), &url.URL{Scheme: scheme, Host: "127.0.0.1:0"}, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	stop = func() { cancel(); done <- <-done }
	t.Cleanup(stop)
	if conn, err = net.Dial("tcp", s.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if scheme == "tls" {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn, stop
}

// said sends a text and its end, and returns all that comes back.
func said(t *testing.T, conn net.Conn, text string) string {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	conn.(interface{ CloseWrite() error }).CloseWrite()
	out, err := io.ReadAll(conn)
	if err != nil {
		t.Errorf("after %q: %v", out, err)
	}
	return string(out)
}

// TestExec: the command gets what the peer sends and its words as they are, no
// shell and no variable but the documented ones, with and without TLS.
func TestExec(t *testing.T) {
	t.Setenv("NETCLIENTS_PASSWORD", "leak")
	t.Setenv("SECRET_OF_THE_PROCESS", "leak")
	t.Setenv("LC_ALL", "C")
	for _, scheme := range []string{"tcp", "tls"} {
		conn, _ := served(t, scheme, "tr a-z A-Z", false, nil)
		if got := said(t, conn, "shout\n"); got != "SHOUT\n" {
			t.Errorf("%s: got %q", scheme, got)
		}
		conn, _ = served(t, scheme, `echo '$HOME; id' "a  b" c\ d`, false, nil)
		if got := said(t, conn, ""); got != "$HOME; id a  b c d\n" {
			t.Errorf("%s: words: got %q", scheme, got)
		}
		conn, _ = served(t, scheme, "env", false, map[string]string{"EXTRA": "x=y", "TERM": "dumb"})
		var names []string
		for line := range strings.Lines(said(t, conn, "never read")) {
			name, _, _ := strings.Cut(line, "=")
			names = append(names, name)
			if !slices.Contains(passedOn, name) && !slices.Contains([]string{"LC_ALL", "EXTRA", "NETCLIENTS_REMOTE", "NETCLIENTS_LOCAL"}, name) {
				t.Errorf("%s: the command knows of %s", scheme, line)
			}
		}
		for _, want := range []string{"PATH", "EXTRA", "LC_ALL", "NETCLIENTS_REMOTE", "NETCLIENTS_LOCAL"} {
			if !slices.Contains(names, want) {
				t.Errorf("%s: no %s in %v", scheme, want, names)
			}
		}
	}
}

// TestExecBig: all of the output arrives, though the command reads nothing of a
// long input.
func TestExecBig(t *testing.T) {
	conn, _ := served(t, "tcp", "head -c 3000000 /dev/zero", false, nil)
	go io.WriteString(conn, strings.Repeat("x", 1<<20))
	if out, err := io.ReadAll(conn); len(out) != 3_000_000 || err != nil {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

// TestExecEnds: the command, and what it has started, end with the connection
// and with the server; and the connection ends with the command.
func TestExecEnds(t *testing.T) {
	const family = "trap '' HUP; sleep 1000 & echo $$ $!; wait"
	for name, end := range map[string]func(conn net.Conn, stop func()){
		"reset":      func(conn net.Conn, _ func()) { conn.(*net.TCPConn).SetLinger(0); conn.Close() },
		"the server": func(_ net.Conn, stop func()) { stop() },
	} {
		conn, stop := served(t, "tcp", family, true, nil)
		pids := processes(t, conn)
		end(conn, stop)
		for _, pid := range pids {
			gone(t, name, pid)
		}
	}
	conn, stop := served(t, "tls", family, true, nil)
	pids := processes(t, conn)
	stop()
	gone(t, "the server, under TLS", pids[0])
	conn, _ = served(t, "tcp", "sleep 1000 & echo $$ $!", true, nil)
	pids = processes(t, conn)
	if rest, err := io.ReadAll(conn); len(rest) > 0 || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
	gone(t, "what was left behind", pids[1])
}

// processes reads the ids of the two processes that a command prints.
func processes(t *testing.T, conn net.Conn) (pids [2]int) {
	t.Helper()
	line, err := bufio.NewReader(conn).ReadString('\n')
	if _, serr := fmt.Sscan(line, &pids[0], &pids[1]); serr != nil {
		t.Fatalf("%q: %v, %v", line, err, serr)
	}
	return pids
}

// gone waits until a process has ended, be it that nobody has asked for its exit
// code yet.
func gone(t *testing.T, name string, pid int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || bytes.Contains(stat, []byte(") Z ")) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: process %d is still there: %s", name, pid, stat)
		}
	}
}

func TestExecMistakes(t *testing.T) {
	for _, bad := range []string{"", "  ", "'open", `a "b`, "/no/such/program x"} {
		if _, err := newExecutor(bad, false, nil, io.Discard); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for in, want := range map[string][]string{
		"a b\tc":        {"a", "b", "c"},
		`'' "" x''y`:    {"", "", "xy"},
		`"a \" b" 'c\'`: {`a " b`, `c\`},
		`"'" '"'`:       {"'", `"`},
	} {
		if got, err := splitWords(in); !slices.Equal(got, want) || err != nil {
			t.Errorf("%s: got %q, %v", in, got, err)
		}
	}
}

// TestExecSilent: a command that neither reads nor writes goes on when the peer
// has ended its direction, and ends when the peer is gone.
func TestExecSilent(t *testing.T) {
	for _, scheme := range []string{"tcp", "tls"} {
		conn, _ := served(t, scheme, "echo $$ $$; exec sleep 1000", true, nil)
		tcp, _ := conn.(*net.TCPConn)
		if c, ok := conn.(*tls.Conn); ok {
			tcp = c.NetConn().(*net.TCPConn)
		}
		pid := processes(t, conn)[0]
		conn.(interface{ CloseWrite() error }).CloseWrite()
		conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: after the peer's end: %v", scheme, err)
		}
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err != nil {
			t.Errorf("%s: after the peer's end: %v", scheme, err)
		}
		tcp.SetLinger(0)
		tcp.Close()
		gone(t, scheme, pid)
	}
}

// TestForward: a peer that takes its time gets all that the command has written,
// though that has ended long before, and nothing more of who has left its group.
func TestForward(t *testing.T) {
	for _, left := range []bool{false, true} {
		output, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer output.Close()
		defer w.Close()
		if _, err := w.Write(make([]byte, 60_000)); err != nil {
			t.Fatal(err)
		}
		if !left {
			w.Close()
		}
		output.SetReadDeadline(time.Unix(1, 0)) // as serve does at the end of the command
		ours, theirs := net.Pipe()
		done := make(chan error, 1)
		go func() { done <- forward(&socket.Peer{Conn: ours}, output); ours.Close() }()
		if n, err := io.Copy(io.Discard, theirs); n != 60_000 || err != nil {
			t.Errorf("left %v: %d bytes, %v", left, n, err)
		}
		if err := <-done; err != nil {
			t.Errorf("left %v: %v", left, err)
		}
	}
}
