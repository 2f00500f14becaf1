package secret

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

// fromPrompt asks a person for the password of the user who is known.
func (s *search) fromPrompt() error {
	if s.Terminal == nil || s.cred.User == "" || s.cred.Token != "" {
		return nil
	}
	tty, ok := s.Terminal()
	if !ok {
		return nil
	}
	if tty != os.Stdin {
		defer tty.Close()
	}
	what := s.req.Protocol
	if s.req.Proxy {
		what = "proxy"
	}
	prompt := fmt.Sprintf("Password for %s@%s (%s): ", show.Safe(s.cred.User), show.Safe(s.askingHost()), what)
	secret, err := s.Shared.once(s.typedKey(), func() (string, error) { return askSecret(s.ctx, tty, prompt) })
	if err == nil {
		s.password(secret)
	}
	return err
}

// askingHost is the host that asks, with its port where that is not the scheme's.
func (s *search) askingHost() string {
	if s.DefaultPort == "" || s.req.Port == "" || s.req.Port == s.DefaultPort {
		return s.req.Host
	}
	return net.JoinHostPort(s.req.Host, s.req.Port)
}

// typedKey is the key of a password that a person typed: it is for one user at one
// server.
func (s *search) typedKey() string {
	key := url.URL{Scheme: s.req.Scheme, User: url.User(s.cred.User), Host: net.JoinHostPort(strings.ToLower(s.req.Host), s.req.Port)}
	return fmt.Sprint("typed ", s.req.Proxy, " ", key.String())
}

// OpenTerminal returns the terminal to ask on, for [Sources].Terminal: when standard
// input and standard error are one. It is opened anew, because a read from it
// must end with the context; the one who asks closes it.
func OpenTerminal() (*os.File, bool) {
	if !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil, false
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	return tty, err == nil
}

// askSecret prints a prompt on a terminal and reads a line that is not shown.
// Ctrl-C and Ctrl-D give an error of kind Interrupted. The terminal is as before
// when it returns, also when the context ends.
func askSecret(ctx context.Context, tty *os.File, prompt string) (string, error) {
	restore, err := show.MakeRaw(tty)
	if err != nil {
		return "", err
	}
	defer restore()
	type answer struct {
		secret string
		err    error
	}
	done := make(chan answer, 1)
	go func() {
		secret, err := term.NewTerminal(tty, "").ReadPassword(prompt)
		done <- answer{secret, err}
	}()
	select {
	case a := <-done:
		if errors.Is(a.err, io.EOF) {
			fmt.Fprint(tty, "\r\n")
			a.err = &protocols.Error{Kind: protocols.KindInterrupted, Text: "no password given"}
		}
		return a.secret, a.err
	case <-ctx.Done():
		if tty.SetReadDeadline(time.Now()) == nil {
			<-done
		}
		fmt.Fprint(tty, "\r\n")
		return "", ctx.Err()
	}
}
