package socketcmd

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols/socket"
)

// executor is `listen --exec`: a command for each connection. The command line is
// the user's own, and nothing of the peer's gets into it.
type executor struct {
	argv []string
	env  []string
	log  io.Writer
}

// passedOn are the variables that the command inherits, beside those of the
// locale. Secrets of the user's, as NETCLIENTS_PASSWORD, are not among them.
var passedOn = []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TERM", "TMPDIR"}

// newExecutor takes the command apart, and finds its program.
func newExecutor(command string, shell bool, extra map[string]string, log io.Writer) (*executor, error) {
	x := &executor{argv: []string{"sh", "-c", command}, log: log}
	if !shell {
		var err error
		if x.argv, err = splitWords(command); err != nil {
			return nil, kit.Usage("--exec: %v", err)
		}
	}
	if _, err := exec.LookPath(x.argv[0]); err != nil {
		return nil, kit.Usage("--exec: %v", err)
	}
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if _, given := extra[name]; !given && (slices.Contains(passedOn, name) || strings.HasPrefix(name, "LC_")) {
			x.env = append(x.env, variable)
		}
	}
	for name, value := range extra {
		x.env = append(x.env, name+"="+value)
	}
	return x, nil
}

// splitWords splits at spaces. Quotes of both kinds hold words together, and a
// backslash takes the next character as it is, but not inside of single quotes.
func splitWords(line string) (words []string, err error) {
	var word []byte
	in, quote := false, byte(0)
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && quote != '\'' && i+1 < len(line):
			i++
			word, in = append(word, line[i]), true
		case c == quote && quote != 0:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, in = c, true
		case quote == 0 && (c == ' ' || c == '\t' || c == '\n'):
			if in {
				words = append(words, string(word))
			}
			word, in = word[:0], false
		default:
			word, in = append(word, c), true
		}
	}
	if in {
		words = append(words, string(word))
	}
	if quote != 0 {
		return nil, errors.New("a quote has no end")
	}
	if len(words) == 0 {
		return nil, errors.New("there is no command")
	}
	return words, nil
}

const (
	execEnd   = 2 * time.Second // for a command to end after SIGTERM, and for its last output
	execClose = time.Second     // for a peer to close after the end of the command
	execPipe  = 1 << 20         // bytes that a pipe holds at most, unless the command is root's
)

// serve runs the command, joined with a connection, and ends it and all it has
// started together with that. The end of the peer's stream alone is only the end
// of the command's input: a peer may wait for the answer.
func (x *executor) serve(ctx context.Context, p *socket.Peer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cmd := exec.CommandContext(ctx, x.argv[0], x.argv[1:]...)
	cmd.Stderr, cmd.WaitDelay = x.log, execEnd
	cmd.Env = append(slices.Clone(x.env), "NETCLIENTS_REMOTE="+remote(p), "NETCLIENTS_LOCAL="+p.LocalAddr().String())
	kit.OwnGroup(cmd)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	output, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer output.Close()
	cmd.Stdout = w
	err = cmd.Start()
	w.Close()
	if err != nil {
		stdin.Close()
		return err
	}
	fed, sent, watched := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		err := feedCommand(stdin, p)
		close(fed)
		if err == nil {
			err = p.Gone()
		}
		if err != nil {
			cancel(err)
		}
	}()
	go func() {
		defer close(sent)
		if err := forward(p, output); err != nil {
			cancel(err)
		}
	}()
	err = cmd.Wait()
	kit.EndGroup(cmd)
	output.SetReadDeadline(time.Unix(1, 0))
	<-sent
	if gone := context.Cause(ctx); gone != nil {
		err = gone
	}
	p.CloseWrite()
	select {
	case <-fed:
	case <-time.After(execClose):
	case <-ctx.Done():
	}
	p.Close()
	<-watched
	return err
}

// feedCommand returns the peer's bytes to the command. What one does not want to
// read is thrown away: bytes left unread would make a reset of the close.
func feedCommand(stdin io.WriteCloser, p *socket.Peer) error {
	_, err := io.Copy(stdin, p)
	stdin.Close()
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrClosed) {
		_, err = io.Copy(io.Discard, p)
	}
	return err
}

// forward returns the command's output to the peer, however slow that one is. The
// deadline of the output says that the command has ended: then it is what the pipe
// still holds. Of processes that have left the command's group no more is taken.
func forward(p *socket.Peer, output *os.File) error {
	_, err := io.Copy(p, output)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	output.SetReadDeadline(time.Now().Add(execEnd))
	rest, _ := io.ReadAll(io.LimitReader(output, execPipe))
	_, err = p.Write(rest)
	return err
}
