package cli

import (
	"context"
	"io"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
)

// shellLine runs the words of one command of a shell.
func shellLine(ctx context.Context, e *kit.Env, k *kit.Kept, words []string, stdin io.Reader) int {
	return guarded(e.Out.Words, func() int {
		a := newApp(e.Reg, stdin, e.Out.Raw, e.Out.Words)
		a.kept, a.hidden = k, e.Out.Hidden
		return a.main(ctx, words)
	})
}

// shellVerbs returns the verbs that a protocol has.
func shellVerbs(reg *protocols.Registry, s *protocols.Spec) []*kit.Verb {
	return newApp(reg, nil, io.Discard, io.Discard).verbsOf(s)
}
