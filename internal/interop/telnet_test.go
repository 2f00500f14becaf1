//go:build linux

package interop

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/netclients/netclients/internal/programtest"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
	"github.com/netclients/netclients/protocols/lab/textlab"
	"github.com/netclients/netclients/protocols/telnet"
)

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

// TestTelnetd: a scripted login, the terminal's type and size, and a line with
// the byte 255, with inetutils' telnetd.
func TestTelnetd(t *testing.T) {
	conn := telnetTo(t, telnet.Settings{Terminals: []string{"vt220"}, Width: 91, Height: 33})
	script, err := expect.Parse(strings.NewReader(`
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

// TestTelnetdWrongPassword: the refusal is read, and the session continues.
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
	if _, err := conn.ReadUntil(t.Context(), "login: ", 20*time.Second); protocols.KindOf(err) != protocols.KindOK {
		t.Error(err)
	}
}

func labTelnet(t *testing.T, o textlab.TelnetOptions) *textlab.TelnetServer {
	t.Helper()
	s, err := textlab.StartTelnet(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestTelnetProgram: inetutils' telnet on a terminal, with the lab's server, on
// which our own tests rely.
func TestTelnetProgram(t *testing.T) {
	path := requireProgram(t, "inetutils-telnet")
	s := labTelnet(t, textlab.TelnetOptions{})
	host, port, _ := net.SplitHostPort(s.Addr())
	cmd := exec.Command(path, host, port)
	cmd.Env = []string{"TERM=vt220", "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	far, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: 91, Rows: 33})
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	script, err := expect.Parse(strings.NewReader(`
timeout 20s
eol cr
expect "login: "
send alice
expect "assword: "
send secret
expect "lab$ "
send term
expect /(?i)vt220/
expect "lab$ "
send size
expect "91 33"
expect "lab$ "
send echo done
expect "\r\ndone"
expect "lab$ "
send exit
expect "bye"
end
`))
	if err != nil {
		t.Fatal(err)
	}
	if err := script.Run(t.Context(), expect.NewStream(far, 0), nil, nil); err != nil {
		t.Error(err)
	}
	if s.Logins() != 1 {
		t.Errorf("%d logins", s.Logins())
	}
}

// TestTmux: our session in a real terminal emulator. The server's escape
// sequences take effect, the window size is updated, and the terminal is usable
// afterwards.
func TestTmux(t *testing.T) {
	path := requireProgram(t, "tmux")
	dir := filepath.Dir(programtest.Build(t))
	s := labTelnet(t, textlab.TelnetOptions{NoLogin: true, Before: "\x1b[2J\x1b[5;10Hfifth line\x1b[8;1H"})
	tmux := func(args ...string) string {
		cmd := exec.Command(path, append([]string{"-S", filepath.Join(dir, "tmux"), "-f", "/dev/null"}, args...)...)
		cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C.UTF-8", "PS1=sh> ", "TERM=xterm"}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("tmux %q: %v: %s", args, err, out)
		}
		return string(out)
	}
	eventually := func(what string, is func() bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s; the screen:\n%s", what, tmux("capture-pane", "-p"))
			}
		}
	}
	shows := func(text string) {
		t.Helper()
		eventually("no "+text, func() bool { return strings.Contains(tmux("capture-pane", "-p"), text) })
	}
	tmux("new-session", "-d", "-x", "80", "-y", "24", "sh")
	defer tmux("kill-server")
	tmux("send-keys", "netclients telnet open "+s.Addr(), "Enter")
	shows("lab$")
	if lines := strings.Split(tmux("capture-pane", "-p"), "\n"); lines[4] != "         fifth line" {
		t.Errorf("the screen:\n%s", strings.Join(lines, "\n"))
	}
	tmux("resize-window", "-x", "100", "-y", "30")
	eventually("the size", func() bool { return s.Window() == [2]int{100, 30} })
	tmux("send-keys", "size", "Enter")
	shows("100 30")
	tmux("send-keys", "C-]")
	shows("telnet>")
	tmux("send-keys", "z", "Enter")
	shows("Stopped")
	tmux("send-keys", "stty -a | grep -o ' icanon'; fg", "Enter")
	shows(" icanon")
	tmux("send-keys", "Enter", "exit", "Enter")
	shows("connection closed")
	tmux("send-keys", fmt.Sprintf("echo shell$((%d+%d))", 40, 2), "Enter")
	shows("shell42")
}
