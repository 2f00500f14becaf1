package cli

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/socket"
)

// lasting runs a command line that listens until the test ends, and returns its address.
func lasting(t *testing.T, input io.Reader, args ...string) string {
	t.Helper()
	t.Setenv("NETCLIENTS_CONFIG", t.TempDir()+"/none.toml")
	reg, err := protocols.NewRegistry(socket.TCP(), socket.UDP(), socket.UNIX())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		newApp(reg, input, io.Discard, w).main(ctx, args)
		w.Close()
	}()
	t.Cleanup(func() { cancel(); <-ended })
	words := bufio.NewScanner(r)
	for words.Scan() {
		if at, ok := strings.CutPrefix(words.Text(), "listening on "); ok {
			go io.Copy(io.Discard, r)
			return at
		}
	}
	t.Fatal("it does not listen")
	return ""
}

// TestForward: both directions and their ends, with TLS at the target and over a UNIX
// socket. The end of what is sent does not cost the answer of a target with TLS.
func TestForward(t *testing.T) {
	echo := lasting(t, nil, "tcp", "listen", "127.0.0.1:0", "--echo")
	secure := lasting(t, nil, "tcp", "listen", "tls://127.0.0.1:0", "--shell", "--exec", "read x; sleep 0.2; echo answer to $x")
	path := t.TempDir() + "/s"
	lasting(t, nil, "unix", "listen", path, "--echo")
	for target, want := range map[string]string{"tcp://" + echo: "hello\n", "tls://" + secure: "answer to hello\n", "unix:" + path: "hello\n"} {
		conn, err := net.Dial("tcp", lasting(t, nil, "tcp", "forward", "127.0.0.1:0", target, "--insecure"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		io.WriteString(conn, "hello\n")
		conn.(*net.TCPConn).CloseWrite()
		if got, err := io.ReadAll(conn); string(got) != want || err != nil {
			t.Errorf("%s: %q, %v", target, got, err)
		}
	}
}

// TestReply: lines of standard input go to the sender of the last datagram, those of before
// the first one too.
func TestReply(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	to := lasting(t, r, "udp", "listen", "127.0.0.1:0", "--reply")
	conn, err := net.Dial("udp", to)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	go io.WriteString(w, "early\nlate\n")
	io.WriteString(conn, "ping")
	for _, want := range []string{"early\n", "late\n"} {
		buf := make([]byte, 100)
		if n, err := conn.Read(buf); string(buf[:n]) != want || err != nil {
			t.Errorf("%q, %v", buf[:n], err)
		}
	}
}
