package socketcmd

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols/socket"
)

// execFlags are the flags of `listen` that say which command is run.
type execFlags struct {
	command string
	shell   bool
	env     []string
}

func (f *execFlags) flags(fs *pflag.FlagSet, usage string) {
	fs.StringVar(&f.command, "exec", "", usage)
	fs.BoolVar(&f.shell, "shell", false, "of --exec: let sh -c run the command")
	fs.StringArrayVar(&f.env, "env", nil, "of --exec: variable for the command, `NAME=VALUE`, or NAME to pass one on; else it gets PATH, HOME, the locale and their like")
}

// executor returns what runs the command; nil without one.
func (f *execFlags) executor(e *kit.Env) (*executor, error) {
	if f.command == "" {
		return nil, nil
	}
	extra, err := kit.Variables(f.env)
	if err != nil {
		return nil, err
	}
	return newExecutor(f.command, f.shell, extra, e.Out.Words)
}

// answerTime is how long a command may take for one datagram: the next ones wait.
const answerTime = 10 * time.Second

// answer runs the command with a datagram as its input, and returns its output, which must
// go into one datagram. It ends all that the command has started.
func (x *executor) answer(ctx context.Context, data []byte, remote, local string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, answerTime, errors.New("the command took longer than "+answerTime.String()))
	defer cancel()
	cmd := exec.CommandContext(ctx, x.argv[0], x.argv[1:]...)
	var out datagramBuffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = bytes.NewReader(data), &out, x.log, execEnd
	cmd.Env = append(slices.Clone(x.env), "NETCLIENTS_REMOTE="+remote, "NETCLIENTS_LOCAL="+local)
	kit.OwnGroup(cmd)
	err := cmd.Run()
	kit.EndGroup(cmd)
	if late := context.Cause(ctx); late != nil {
		err = late
	}
	return out.data, err
}

// datagramBuffer takes what goes into a datagram, and no more.
type datagramBuffer struct{ data []byte }

func (b *datagramBuffer) Write(p []byte) (int, error) {
	if len(b.data)+len(p) > socket.MaxDatagram {
		return 0, errors.New("the command's output does not go into one datagram")
	}
	b.data = append(b.data, p...)
	return len(p), nil
}
