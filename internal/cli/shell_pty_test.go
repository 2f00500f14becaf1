//go:build linux

package cli

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// TestMainOfShell is the program that TestShellTerminal runs on a terminal.
func TestMainOfShell(t *testing.T) {
	url := os.Getenv("NETCLIENTS_TEST_SHELL")
	if url == "" {
		t.Skip("is run by TestShellTerminal")
	}
	os.Exit(Main(t.Context(), []string{"shell", url}, os.Stdin, os.Stdout, os.Stderr))
}

// screen is all that was printed on a terminal.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// after returns what was printed since the first n bytes.
func (s *screen) after(n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()[n:]
}

// TestShellTerminal types into a shell: names are completed, no pasted line is lost, Ctrl-C gives up a line and
// ends a transfer but not the shell, a deletion is asked for, Ctrl-D ends it.
func TestShellTerminal(t *testing.T) {
	url := withLogin(labURLs(t)["FTP"])
	cmd := exec.Command(os.Args[0], "-test.run=^TestMainOfShell$", "-test.timeout=5m")
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "NETCLIENTS_TEST_SHELL="+url, "XDG_STATE_HOME="+t.TempDir(), "TERM=xterm")
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 200})
	if err != nil {
		t.Skipf("no terminal: %v", err)
	}
	shown := &screen{}
	ended := make(chan error, 1)
	t.Cleanup(func() {
		cmd.Process.Kill()
		tty.Close()
	})
	go func() {
		_, _ = io.Copy(shown, tty) // ends with an error of the terminal
		ended <- cmd.Wait()
	}()
	seen := 0
	expect := func(want string, again string) {
		t.Helper()
		pressed := time.Now()
		for until := time.Now().Add(2 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
			if again != "" && time.Since(pressed) > 10*time.Second { // a completion gives up early on a slow machine
				pressed = time.Now()
				if _, err := tty.WriteString(again); err != nil {
					t.Fatal(err)
				}
			}
			now := shown.after(seen)
			if i := strings.Index(now, want); i >= 0 {
				seen += i + len(want)
				return
			}
			if time.Now().After(until) {
				t.Fatalf("no %q in %q", want, now)
			}
		}
	}
	for _, step := range []struct{ keys, want string }{
		{"", "/> "},
		{"cd pu\t", "cd pub/"},
		{"\r", "/pub/> "},
		{"cat two\t", `two\ words.txt`},
		{"\r", "a name with a space"},
		{"", "/pub/> "},
		{"nonsense\x03", "^C\r\n"},
		{"", "/pub/> "},
		{"get --limit-rate 20k large.bin\r", "KiB"}, // the bar moves
		{"\x03", "interrupted"},
		{"", "/pub/> "},
		{"rm dos.txt\r", "? [y/N] "},
		{"n\r", "not deleted"},
		{"", "/pub/> "},
		{"two\x12", `cat two\ words.txt`},
		{"\x03", "/pub/> "},
		{"pwd\r", "ftp://alice@"},
		{"", "/pub/> "},
		{"cd nested\rpwd\rcd ..\r", "/pub/nested/\r\n"}, // pasted: no line is lost
		{"", "/pub/> "},
	} {
		if _, err := tty.WriteString(step.keys); err != nil {
			t.Fatal(err)
		}
		expect(step.want, strings.TrimLeft(step.keys, "abcdefghijklmnopqrstuvwxyz -.0123456789\r\x03\x12"))
	}
	if _, err := tty.WriteString("\x04"); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the shell ends with %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("Ctrl-D does not end the shell")
	}
}
