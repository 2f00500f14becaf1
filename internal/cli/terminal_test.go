//go:build linux

package cli

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"github.com/netclients/netclients/protocols/lab"
)

// glass is the far end of a terminal: it collects what is shown.
type glass struct {
	t   *testing.T
	pty *os.File
	ch  chan []byte
	all bytes.Buffer
}

func newGlass(t *testing.T) (s *glass, tty *os.File) {
	t.Helper()
	far, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close(); far.Close() })
	s = &glass{t: t, pty: far, ch: make(chan []byte, 100)}
	go func() {
		defer close(s.ch)
		for {
			buf := make([]byte, 4096)
			n, err := far.Read(buf)
			if err != nil {
				return
			}
			s.ch <- buf[:n]
		}
	}()
	return s, tty
}

// until waits for a text behind what was waited for before.
func (s *glass) until(text string) {
	s.t.Helper()
	late := time.After(15 * time.Second)
	for {
		if i := strings.Index(s.all.String(), text); i >= 0 {
			s.all.Next(i + len(text))
			return
		}
		select {
		case p := <-s.ch:
			s.all.Write(p)
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

// modes gives what raw and cooked terminals differ in.
func modes(t *testing.T, tty *os.File) (lflag uint64) {
	t.Helper()
	s, err := unix.IoctlGetTermios(int(tty.Fd()), ioctlGetTermios)
	if err != nil {
		t.Fatal(err)
	}
	return uint64(s.Lflag)
}

// TestOpenAtATerminal: keys go out one by one, the menu works, and the terminal
// is as before in the menu and at the end, however the session ends.
func TestOpenAtATerminal(t *testing.T) {
	for name, leave := range map[string]string{"by the server": "exit\r", "by the menu": "\x1d", "by cancelling": ""} {
		t.Run(name, func(t *testing.T) {
			server, err := lab.StartTelnet(lab.TelnetOptions{NoLogin: true})
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			s, tty := newGlass(t)
			before := modes(t, tty)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			code := make(chan int)
			go func() {
				code <- Main(ctx, []string{"telnet", "open", server.Addr(), "--window", "90x30"}, tty, tty, tty)
			}()
			s.until("lab$ ")
			s.types("sizx\x7fe\r")
			s.until("90 30")
			s.until("lab$ ")
			if modes(t, tty) == before {
				t.Error("the terminal is not raw in the session")
			}
			s.types("\x1d")
			s.until("telnet> ")
			if modes(t, tty) != before {
				t.Error("the terminal is not as before in the menu")
			}
			s.types("status\n")
			s.until("echoes")
			s.types("send ayt\n")
			s.until("[lab: yes]")
			want := 0
			switch leave {
			case "\x1d":
				s.types(leave)
				s.until("telnet> ")
				s.types("quit\n")
			case "":
				cancel()
				want = 130
			default:
				s.types(leave)
			}
			select {
			case got := <-code:
				if got != want {
					t.Errorf("exit code %d, want %d", got, want)
				}
			case <-time.After(15 * time.Second):
				t.Fatal("the session does not end")
			}
			if modes(t, tty) != before {
				t.Error("the terminal is not as before")
			}
		})
	}
}

// TestRunIsHarmlessOnATerminal: escape sequences of a server are not passed on by
// run.
func TestRunIsHarmlessOnATerminal(t *testing.T) {
	server, err := lab.StartTelnet(lab.TelnetOptions{NoLogin: true, Before: "\x1b]0;evil\x07\x1b[2J"})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	s, tty := newGlass(t)
	code := make(chan int)
	go func() {
		code <- Main(t.Context(), []string{"telnet", "run", server.Addr(), "--expect", `lab\$ `}, strings.NewReader(""), tty, tty)
	}()
	if got := <-code; got != 0 {
		t.Errorf("exit code %d", got)
	}
	s.until("evil")
	if shown := s.all.String(); strings.ContainsAny(shown, "\x1b\x07") {
		t.Errorf("shown: %q", shown)
	}
}
