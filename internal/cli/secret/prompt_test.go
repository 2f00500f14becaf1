package secret

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/term"

	"github.com/netclients/netclients/protocols"
)

// openPTY returns the two ends of a terminal.
func openPTY(t *testing.T) (person, tty *os.File) {
	t.Helper()
	person, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	// Opened anew, as openTerminal does: a file that knows deadlines.
	tty, err = os.OpenFile(slave.Name(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close(); slave.Close(); tty.Close() })
	return person, tty
}

// readUntil reads what the terminal shows up to a text.
func readUntil(t *testing.T, person io.Reader, want string) string {
	t.Helper()
	var seen []byte
	one := make([]byte, 1)
	for len(seen) < 4096 && !strings.HasSuffix(string(seen), want) {
		if _, err := person.Read(one); err != nil {
			t.Errorf("after %q: %v", seen, err)
			return string(seen)
		}
		seen = append(seen, one[0])
	}
	return string(seen)
}

func promptFor(ctx context.Context, tty *os.File) (protocols.Credential, error) {
	return NewCredentials(Sources{Getenv: noEnv, Terminal: func() (*os.File, bool) { return tty, true }})(ctx, ftpRequest("jo\x1be"))
}

func TestPrompt(t *testing.T) {
	person, tty := openPTY(t)
	shown := make(chan string)
	go func() {
		s := readUntil(t, person, "(ftp): ")
		io.WriteString(person, "sesamE\x7fe\r")
		shown <- s + readUntil(t, person, "\n")
	}()
	c, err := promptFor(t.Context(), tty)
	if err != nil || c.Password != "sesame" {
		t.Errorf("got %q, %v", c.Password, err)
	}
	if s := <-shown; !strings.Contains(s, "Password for jo\ufffde@h (ftp): ") || strings.Contains(s, "sesam") {
		t.Errorf("shown: %q", s)
	}
}

func TestPromptInterrupted(t *testing.T) {
	person, tty := openPTY(t)
	go func() {
		readUntil(t, person, "(ftp): ")
		io.WriteString(person, "half\x03")
	}()
	if c, err := promptFor(t.Context(), tty); protocols.KindOf(err) != protocols.KindInterrupted || c.Password != "" {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestPromptCancelledRestoresTheTerminal(t *testing.T) {
	person, tty := openPTY(t)
	before := state(t, person)
	ctx, cancel := context.WithCancel(t.Context())
	during := make(chan term.State, 1)
	go func() {
		readUntil(t, person, "(ftp): ")
		during <- state(t, person)
		cancel()
	}()
	if _, err := promptFor(ctx, tty); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if <-during == before {
		t.Error("terminal was not changed while asking: it would show the password")
	}
	if state(t, person) != before {
		t.Error("terminal is not as before")
	}
}

// TestTypedPasswordIsForOneServer: what a person typed for one port, scheme or user
// is not sent to another.
func TestTypedPasswordIsForOneServer(t *testing.T) {
	person, tty := openPTY(t)
	shared := NewStore()
	get := func(scheme, port, user string) protocols.Credential {
		c, err := NewCredentials(Sources{
			Getenv: noEnv, Shared: shared, DefaultPort: "21",
			Terminal: func() (*os.File, bool) { return reopened(t, tty), true },
		})(t.Context(), protocols.CredentialRequest{Protocol: "ftp", Scheme: scheme, Host: "h", Port: port, User: user})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	prompts := make(chan string, 4)
	go func() {
		for _, typed := range []string{"one\r", "two\r", "three\r", "four\r"} {
			prompts <- readUntil(t, person, "(ftp): ")
			io.WriteString(person, typed)
		}
	}()
	for _, c := range []struct{ scheme, port, user, want, prompt string }{
		{"ftp", "21", "joe", "one", "joe@h (ftp)"},
		{"ftp", "2121", "joe", "two", "joe@h:2121 (ftp)"},
		{"ftps", "21", "joe", "three", "joe@h (ftp)"},
		{"ftp", "21", "ann", "four", "ann@h (ftp)"},
		{"ftp", "21", "joe", "one", ""},
	} {
		if got := get(c.scheme, c.port, c.user); got.Password != c.want {
			t.Errorf("%+v: %q", c, got.Password)
		}
		if c.prompt != "" {
			if p := <-prompts; !strings.Contains(p, c.prompt) {
				t.Errorf("asked %q, want %q", p, c.prompt)
			}
		}
	}
}

// reopened is the terminal once more: the one who asks closes it.
func reopened(t *testing.T, tty *os.File) *os.File {
	f, err := os.OpenFile(tty.Name(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func state(t *testing.T, f *os.File) term.State {
	t.Helper()
	s, err := term.GetState(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return *s
}

func TestNoPromptWithoutATerminal(t *testing.T) {
	c, err := NewCredentials(Sources{Getenv: noEnv, Terminal: func() (*os.File, bool) { return nil, false }})(t.Context(), ftpRequest("joe"))
	if err != nil || c.User != "joe" || c.Password != "" {
		t.Errorf("got %+v, %v", c, err)
	}
}
