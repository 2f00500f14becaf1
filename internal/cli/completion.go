package cli

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols"
)

// shells are those that completions exist for.
var shells = map[string]func(*cobra.Command, io.Writer) error{
	"bash":       func(c *cobra.Command, w io.Writer) error { return c.GenBashCompletionV2(w, true) },
	"zsh":        (*cobra.Command).GenZshCompletion,
	"fish":       func(c *cobra.Command, w io.Writer) error { return c.GenFishCompletion(w, true) },
	"powershell": (*cobra.Command).GenPowerShellCompletionWithDesc,
}

// completionCommand is `netclients completion SHELL`.
func (a *app) completionCommand() *command {
	names := slices.Sorted(maps.Keys(shells))
	return &command{
		name: "completion", args: "SHELL", short: "print completions for bash, zsh, fish or powershell", words: names,
		example: "  source <(netclients completion bash)\n  netclients completion zsh > ~/.zfunc/_netclients\n  netclients completion fish > ~/.config/fish/completions/netclients.fish",
		run: func(_ context.Context, e *env, args []string) error {
			generate := shells[args[0]]
			if generate == nil {
				return usage("completion: no shell %q; there are %s", args[0], strings.Join(names, ", "))
			}
			return wrote(generate(a.root, e.out.w))
		},
	}
}

// completeTarget offers the schemes of the protocols that have the verb, and file
// names where no scheme begins so.
func (a *app) completeTarget(v *verb, spec *protocols.Spec) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		var out []string
		for _, s := range a.reg.Specs() {
			if begun == "" || spec != nil && s != spec || a.lookup(v.name, s) == nil {
				continue
			}
			for _, sc := range s.Schemes {
				if strings.HasPrefix(sc.Name, begun) {
					out = append(out, sc.Name+"://")
				}
			}
		}
		if len(out) == 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return out, cobra.ShellCompDirectiveNoSpace
	}
}

// completeFlags offers the words of flags that take one of a few.
func completeFlags(cmd *cobra.Command) {
	add := func(f *pflag.Flag) {
		if c, ok := f.Value.(*choice); ok {
			cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(c.words, cobra.ShellCompDirectiveNoFileComp))
		}
	}
	cmd.LocalNonPersistentFlags().VisitAll(add)
	cmd.PersistentFlags().VisitAll(add)
	for _, sub := range cmd.Commands() {
		completeFlags(sub)
	}
}
