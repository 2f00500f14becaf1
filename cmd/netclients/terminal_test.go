//go:build linux

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/textlab"
)

// patience is for a machine that is busy with other tests.
const patience = 20 * time.Second

// glass is a terminal with a program at it: it collects what is shown.
type glass struct {
	t      *testing.T
	pty    *os.File
	tty    *os.File
	cmd    *exec.Cmd
	before unix.Termios
	ended  chan error
	ch     chan []byte
	all    bytes.Buffer // not waited for yet
	shown  bytes.Buffer
}

// atTerminal starts a program at a terminal of its own, 80 by 24.
func atTerminal(t *testing.T, name string, args ...string) *glass {
	t.Helper()
	far, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	s := &glass{t: t, pty: far, tty: tty, cmd: exec.Command(name, args...), ended: make(chan error, 1), ch: make(chan []byte, 100)}
	s.resize(80, 24)
	s.before = s.modes()
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = tty, tty, tty
	s.cmd.Env = append(os.Environ(), "TERM=vt220", "HOME="+t.TempDir(), "ENV=", "PS1=sh> ")
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.ended <- s.cmd.Wait() }()
	go s.collect()
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		tty.Close()
		far.Close()
	})
	return s
}

func (s *glass) collect() {
	defer close(s.ch)
	for {
		buf := make([]byte, 4096)
		n, err := s.pty.Read(buf)
		if err != nil {
			return
		}
		s.ch <- buf[:n]
	}
}

func (s *glass) resize(width, height int) {
	s.t.Helper()
	if err := pty.Setsize(s.pty, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		s.t.Fatal(err)
	}
}

// until waits for a text after what was waited for before.
func (s *glass) until(text string) {
	s.t.Helper()
	late := time.After(patience)
	for {
		if i := strings.Index(s.all.String(), text); i >= 0 {
			s.all.Next(i + len(text))
			return
		}
		select {
		case p := <-s.ch:
			s.all.Write(p)
			s.shown.Write(p)
		case <-late:
			s.t.Fatalf("no %q in %q", text, s.all.String())
		}
	}
}

func (s *glass) types(keys string) {
	s.t.Helper()
	if _, err := s.pty.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

func (s *glass) modes() unix.Termios {
	s.t.Helper()
	m, err := unix.IoctlGetTermios(int(s.tty.Fd()), unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	return *m
}

// asBefore checks that the terminal is as the program found it.
func (s *glass) asBefore(when string) {
	s.t.Helper()
	if now := s.modes(); now != s.before {
		s.t.Errorf("%s the terminal is not as before:\n%+v\n%+v", when, now, s.before)
	}
}

// raw waits until the terminal is raw.
func (s *glass) raw() {
	s.t.Helper()
	for end := time.Now().Add(patience); s.modes().Lflag&unix.ICANON != 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatal("the terminal does not become raw")
		}
	}
}

// ends waits for the program's end and checks its exit code.
func (s *glass) ends(code int) {
	s.t.Helper()
	select {
	case err := <-s.ended:
		got := 0
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			got = exit.ExitCode()
		} else if err != nil {
			s.t.Fatal(err)
		}
		if got != code {
			s.t.Errorf("exit code %d, want %d; shown: %q", got, code, s.all.String())
		}
	case <-time.After(patience):
		s.t.Fatalf("no end; shown: %q", s.all.String())
	}
}

func telnetServer(t *testing.T, o textlab.TelnetOptions) *textlab.TelnetServer {
	t.Helper()
	o.NoLogin = true
	server, err := textlab.StartTelnet(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return server
}

// TestOpenAtATerminal: keys go out one by one, and the menu works, with the
// terminal as it was before.
func TestOpenAtATerminal(t *testing.T) {
	server := telnetServer(t, textlab.TelnetOptions{})
	s := atTerminal(t, "netclients", "telnet", "open", server.Addr())
	s.until("lab$ ")
	s.raw()
	s.types("sizx\x7fe\r")
	s.until("80 24")
	s.until("lab$ ")
	s.resize(100, 40) // the kernel sends the signal
	for end := time.Now().Add(patience); server.Window() != [2]int{100, 40}; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the server knows of %v", server.Window())
		}
	}
	s.types("\x1d")
	s.until("telnet> ")
	s.asBefore("in the menu")
	s.types("status\n")
	s.until("echoes")
	s.types("nonsense\n")
	s.until("quit, close")
	s.types("options\n")
	s.until("are shown")
	s.types("send ayt\n")
	s.until("[sent AYT]")
	s.until("[lab: yes]")
	s.types("\x1d")
	s.until("telnet> ")
	s.types("help\n")
	s.until("telnet> ")
	s.types("\x04") // the end of input
	s.ends(0)
	s.asBefore("at the end")
}

// TestTerminalIsGivenBack: whatever ends the session, the terminal is as before.
func TestTerminalIsGivenBack(t *testing.T) {
	for name, c := range map[string]struct {
		signal syscall.Signal
		keys   string
		code   int
	}{
		"SIGINT": {unix.SIGINT, "", 130}, "SIGTERM": {unix.SIGTERM, "", 130}, "SIGHUP": {unix.SIGHUP, "", 130}, "SIGQUIT": {unix.SIGQUIT, "", 130},
		"the server": {0, "exit\r", 0}, "a reset": {0, "reset\r", 3}, "the menu": {0, "\x1dq\r", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faults, err := lab.ParseFaults("reset:reset")
			if err != nil {
				t.Fatal(err)
			}
			server := telnetServer(t, textlab.TelnetOptions{ServerOptions: lab.ServerOptions{Faults: faults}})
			s := atTerminal(t, "netclients", "telnet", "open", server.Addr())
			s.until("lab$ ")
			s.raw()
			if menu, rest, ok := strings.Cut(c.keys, "\x1d"); ok {
				s.types(menu + "\x1d")
				s.until("telnet> ")
				s.types(rest)
			} else {
				s.types(c.keys)
			}
			if c.signal != 0 {
				s.cmd.Process.Signal(c.signal)
			}
			s.ends(c.code)
			s.asBefore("at the end")
		})
	}
}

// TestSuspend: stopped from the menu or by a signal, the program leaves a terminal
// that a shell can use, and goes on where it was.
func TestSuspend(t *testing.T) {
	if _, err := exec.LookPath("dash"); err != nil {
		t.Skip("dash is not installed (Debian: dash): a shell that leaves the modes of the terminal alone is needed")
	}
	server := telnetServer(t, textlab.TelnetOptions{})
	s := atTerminal(t, "dash", "-i")
	s.until("sh> ")
	s.types("netclients telnet open " + server.Addr() + "\r")
	s.until("lab$ ")
	s.raw()
	for _, stop := range []func(){
		func() { s.types("\x1d"); s.until("telnet> "); s.types("z\r") },
		func() { syscall.Kill(-s.foreground(), syscall.SIGTSTP) },
	} {
		stop()
		s.until("sh> ")
		s.asBefore("while the program is stopped")
		s.types("echo shell$((1+1))\r")
		s.until("shell2\r\n")
		s.resize(90, 30)
		s.types("fg\r")
		s.raw()
		s.types("echo on$((1+1))again\r") // the lab's shell does no sums
		s.until("on$((1+1))again\r\n")
		s.until("lab$ ")
		s.types("size\r")
		s.until("90 30")
		s.until("lab$ ")
	}
	s.types("exit\r")
	s.until("sh> ")
	s.asBefore("at the end")
	s.types("exit\r")
	s.ends(0)
}

// foreground returns the process group that has the terminal.
func (s *glass) foreground() int {
	s.t.Helper()
	group, err := unix.IoctlGetInt(int(s.pty.Fd()), unix.TIOCGPGRP)
	if err != nil {
		s.t.Fatal(err)
	}
	return group
}

// TestRunIsHarmlessOnATerminal: escape sequences of a server are not passed on by
// run: neither a title, nor the clipboard, nor the screen are its to change.
func TestRunIsHarmlessOnATerminal(t *testing.T) {
	server := telnetServer(t, textlab.TelnetOptions{Before: "\x1b]0;evil\x07\x1b[2J\x1b]52;c;ZXZpbA==\x1b\\\u009b31m\x9b31m\x90q\u202e "})
	s := atTerminal(t, "netclients", "telnet", "run", server.Addr(), "--expect", `lab\$ `)
	s.ends(0)
	s.until("evil")
	s.until("lab$ ")
	if shown := s.shown.String(); strings.ContainsAny(shown, "\x1b\x07\u009b\u202e") {
		t.Errorf("shown: %q", shown)
	}
}
