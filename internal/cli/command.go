package cli

import (
	"context"

	"github.com/spf13/pflag"
)

// command is a command that is no verb: it has the output and the time limit of
// all commands, and no target.
type command struct {
	name, args, short, long, example string

	words []string // what the argument may be, for completions
	flags func(*pflag.FlagSet)
	run   func(ctx context.Context, e *env, args []string) error
}
