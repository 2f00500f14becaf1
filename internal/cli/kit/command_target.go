package kit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os/exec"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/protocols"
)

// commandScheme begins the destination of messages that a command takes.
const commandScheme = "exec:"

// CommandTarget returns the target of a command line that gets each message on its standard
// input: exec:COMMAND. What the command prints goes to words. ok is false for other targets.
func CommandTarget(text string, words io.Writer) (t *protocols.Target, ok bool) {
	line, ok := strings.CutPrefix(text, commandScheme)
	if !ok {
		return nil, false
	}
	scheme := protocols.Scheme{Name: "exec", TLS: protocols.TLSNone}
	spec := &protocols.Spec{
		Name: "exec", Summary: "a command that takes messages", Hidden: true, Schemes: []protocols.Scheme{scheme},
		New: func(*url.URL, *protocols.Options) (protocols.Client, error) {
			if strings.TrimSpace(line) == "" {
				return nil, Usage("exec: which command? exec:COMMAND")
			}
			return &commandSender{line, words}, nil
		},
	}
	return &protocols.Target{Spec: spec, Scheme: scheme, URL: &url.URL{Scheme: "exec", Opaque: line}}, true
}

// IsCommand reports whether a target is a command.
func IsCommand(t *protocols.Target) bool {
	_, is := Sample(t.Spec).(*commandSender)
	return is
}

// commandSender hands messages to a command: one run of it for each message.
type commandSender struct {
	line  string
	words io.Writer
}

// commandEnd is how long a command may take to end once it was asked to.
const commandEnd = 2 * time.Second

// Exit codes of a shell that could not run a command.
const (
	notExecutable = 126
	notFound      = 127
)

// Send runs the command. Its exit code decides: 0 has taken the message.
func (c *commandSender) Send(ctx context.Context, m *protocols.Message) (*protocols.Receipt, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", c.line)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = secret.Environ(), m.Body, c.words, c.words
	OwnGroup(cmd)
	cmd.WaitDelay = commandEnd
	err := cmd.Run()
	if ctx.Err() != nil {
		EndGroup(cmd)
		return &protocols.Receipt{}, context.Cause(ctx)
	}
	ended, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return &protocols.Receipt{Bytes: m.Size}, nil
	case !ok:
		return &protocols.Receipt{}, &protocols.Error{Kind: protocols.KindLocal, Err: err}
	case ended.ExitCode() == notFound || ended.ExitCode() == notExecutable:
		return &protocols.Receipt{}, &protocols.Error{Kind: protocols.KindLocal, Text: fmt.Sprintf("the command cannot be run: exit code %d", ended.ExitCode())}
	}
	return &protocols.Receipt{}, &protocols.Error{Kind: protocols.KindRefused, Text: "the command did not take the message: " + ended.String()}
}

// Delivers says that the command keeps what it has taken.
func (c *commandSender) Delivers() {}

// Probe does nothing: the command is run for messages only.
func (c *commandSender) Probe(context.Context) (*protocols.Report, error) {
	return &protocols.Report{URL: commandScheme, Up: true}, nil
}

// Close has nothing to free.
func (c *commandSender) Close() error { return nil }
