package cli

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"

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
	reg, err := protocols.NewRegistry(socket.TCP(), socket.UDP(), telnet.Spec())
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
		got := make(chan int64, 1)
		addr := labtest.Serve(t, func(conn net.Conn) {
			conn.(*net.TCPConn).CloseWrite()
			n, _ := io.Copy(io.Discard, conn)
			got <- n
		})
		code, _, errOut := talkCLI(t, strings.NewReader(strings.Repeat("x", size)), "tcp", "connect", addr, flag)
		if n := <-got; n != size || code != 0 {
			t.Errorf("%s: %d bytes came; exit code %d, %s", flag, n, code, errOut)
		}
	}
}

// TestDatagramLines: each line of the input of `udp connect` is a datagram, and what does
// not go into one is an error at once. `udp send` sends its input as one, or cuts it when
// it is told to.
func TestDatagramLines(t *testing.T) {
	here, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	big := strings.Repeat("x", socket.MaxDatagram)
	for _, c := range []struct {
		flags, input string
		code         int
		want         []string
	}{
		{"connect", "one\ntwo\n\nthree", 8, []string{"one\n", "two\n", "\n", "three"}},
		{"connect --crlf", "one\ntwo\n", 8, []string{"one\r\n", "two\r\n"}},
		{"connect", big, 8, []string{big}},
		{"connect", "a\n" + big + "x\nb\n", 2, []string{"a\n"}},
		{"send", big, 0, []string{big}},
		{"send", big + "x", 2, nil},
		{"send --size 2", "abcde", 0, []string{"ab", "cd", "e"}},
		{"send --lines --eol lf", "a\nb", 0, []string{"a\n", "b\n"}},
		{"send --lines", "a\n" + big + "x\n", 2, []string{"a"}},
	} {
		args := append([]string{"udp"}, strings.Fields(c.flags)...)
		if args[1] == "connect" {
			args = append(args, "--idle-timeout", "300ms")
		}
		code, _, errOut := talkCLI(t, strings.NewReader(c.input), append(args, here.LocalAddr().String())...)
		if code != c.code {
			t.Errorf("%s: exit code %d, %s", c.flags, code, errOut)
		}
		buf := make([]byte, 70_000)
		for _, want := range append(c.want, "") {
			here.SetReadDeadline(time.Now().Add(5 * time.Second))
			if want == "" {
				here.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			}
			if n, _, _ := here.ReadFrom(buf); string(buf[:n]) != want {
				t.Errorf("%s: %d bytes, want %d", c.flags, n, len(want))
			}
		}
	}
}

// TestTelnetWithoutTerminal: what moves is counted, and lively input is not silence.
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
