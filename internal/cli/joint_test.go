package cli

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/textlab"
	"github.com/netclients/netclients/protocols/socket"
	"github.com/netclients/netclients/protocols/telnet"
)

// talkCLI runs a command line of tcp or telnet.
func talkCLI(t *testing.T, input io.Reader, args ...string) (code int, out, errOut string) {
	t.Helper()
	t.Setenv("NETCLIENTS_CONFIG", t.TempDir()+"/none.toml")
	reg, err := protocols.NewRegistry(socket.TCP(), telnet.Spec())
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code = newApp(reg, input, &stdout, &stderr).main(t.Context(), args)
	return code, stdout.String(), stderr.String()
}

// TestConnectToHalfClosed: a peer that has ended its own direction still gets all
// of the input, in whatever form the talk is shown.
func TestConnectToHalfClosed(t *testing.T) {
	const size = 5_000_000
	for _, flag := range []string{"--half-close", "--crlf", "--timestamps", "--json"} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		got := make(chan int64, 1)
		go func() {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			conn.(*net.TCPConn).CloseWrite()
			n, _ := io.Copy(io.Discard, conn)
			got <- n
		}()
		code, _, errOut := talkCLI(t, strings.NewReader(strings.Repeat("x", size)), "tcp", "connect", ln.Addr().String(), flag)
		if n := <-got; n != size || code != 0 {
			t.Errorf("%s: %d bytes came; exit code %d, %s", flag, n, code, errOut)
		}
	}
}

// TestTelnetWithoutTerminal: what moves is counted, and lively input is no silence.
func TestTelnetWithoutTerminal(t *testing.T) {
	s := labtest.Start(t, textlab.StartTelnet, textlab.TelnetOptions{NoLogin: true})
	code, out, errOut := talkCLI(t, strings.NewReader("echo hello\nexit\n"), "telnet", "open", s.URL(), "--json")
	last := out[strings.LastIndexByte(strings.TrimSpace(out), '\n')+1:]
	if code != 0 || !strings.Contains(last, `"event":"closed"`) || !strings.Contains(last, `"sent":`) || !strings.Contains(last, `"received":`) {
		t.Errorf("exit code %d, %s%s", code, last, errOut)
	}
	if code, _, errOut := talkCLI(t, strings.NewReader("hang\n"), "telnet", "open", s.URL(), "--idle-timeout", "200ms"); code != 8 || !strings.Contains(errOut, "no byte moved for 200ms") {
		t.Errorf("silence: exit code %d, %s", code, errOut)
	}
}
