package kit

import (
	"context"

	"github.com/spf13/pflag"
)

// Command is a command that is not a verb: it has the output and the time limit of
// all commands, and no target.
type Command struct {
	Name, Args, Short, Long, Example string

	Sub   []*Command // the commands below this word; what follows is then theirs
	Uses  []string   // the flags that work everywhere and have an effect here too
	Words []string   // what the argument may be, for completions
	Flags func(*pflag.FlagSet)
	// Shadows, when set, adds flags whose names mean something else everywhere.
	Shadows func(*pflag.FlagSet)
	Run     func(ctx context.Context, e *Env, args []string) error
}
