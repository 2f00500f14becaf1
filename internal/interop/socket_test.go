package interop

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/socket"
	"github.com/netclients/netclients/protocols/talk"
	"github.com/netclients/netclients/protocols/telnet"
)

// echoServer is our own server, for peers at the other end.
func echoServer(t *testing.T) (host, port string) {
	t.Helper()
	s, err := socket.Listen(t.Context(), &url.URL{Scheme: "tcp", Host: "127.0.0.1:0"}, &socket.ListenOptions{Echo: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	host, port, err = net.SplitHostPort(s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

// TestSocketPeers: other programs send to our echo server and get all of it back.
func TestSocketPeers(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcde\n"), 1<<16)
	for name, args := range map[string]func(host, port string) []string{
		"nc":    func(h, p string) []string { return []string{"-N", h, p} },
		"ncat":  func(h, p string) []string { return []string{h, p} },
		"socat": func(h, p string) []string { return []string{"-t", "10", "-", "TCP:" + h + ":" + p} },
	} {
		t.Run(name, func(t *testing.T) {
			path := requireProgram(t, name)
			host, port := echoServer(t)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, path, args(host, port)...)
			cmd.Stdin = bytes.NewReader(data)
			out, err := cmd.Output()
			if err != nil || !bytes.Equal(out, data) {
				t.Errorf("%d bytes of %d, %v", len(out), len(data), err)
			}
		})
	}
}

func telnetTo(t *testing.T, set telnet.Settings) *telnet.Conn {
	t.Helper()
	addrs := Require(t, "TELNET")
	c, err := telnet.New(&url.URL{Scheme: "telnet", Host: addrs["TELNET"]}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Settings = set
	conn, err := c.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); c.Close() })
	return conn
}

// TestTelnetd: a login by a script, the terminal's type and size, and a line of
// the byte 255, with inetutils' telnetd.
func TestTelnetd(t *testing.T) {
	conn := telnetTo(t, telnet.Settings{Terminals: []string{"vt220"}, Width: 91, Height: 33})
	script, err := talk.Parse(strings.NewReader(`
expect "login: "
send alice
expect "assword: "
send secret
expect "lab$ "
send term
expect /vt220\r?\n/
expect "lab$ "
send size
expect "33 91"
expect "lab$ "
send lines 2000
expect "line 2000"
expect "lab$ "
send exit
expect "bye"
expect eof
`))
	if err != nil {
		t.Fatal(err)
	}
	if err := script.Run(t.Context(), conn.Stream, nil, nil); err != nil {
		t.Error(err)
	}
}

// TestTelnetdWrongPassword: the refusal is seen, and the session goes on.
func TestTelnetdWrongPassword(t *testing.T) {
	conn := telnetTo(t, telnet.Settings{})
	for _, step := range []struct{ wait, send string }{{"login: ", "alice"}, {"assword: ", "wrong"}, {"incorrect", ""}} {
		if _, err := conn.ReadUntil(t.Context(), step.wait, 20*time.Second); err != nil {
			t.Fatal(err)
		}
		if step.send != "" {
			io.WriteString(conn, step.send+"\r\n")
		}
	}
	if _, err := conn.ReadUntil(t.Context(), "login: ", 20*time.Second); protocols.KindOf(err) != protocols.OK {
		t.Error(err)
	}
}
