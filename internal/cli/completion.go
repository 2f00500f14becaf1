package cli

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
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
func (a *app) completionCommand() *kit.Command {
	names := slices.Sorted(maps.Keys(shells))
	return &kit.Command{
		Name: "completion", Args: "SHELL", Short: "print completions for bash, zsh, fish or powershell", Words: names,
		Example: "  source <(netclients completion bash)\n  netclients completion zsh > ~/.zfunc/_netclients\n  netclients completion fish > ~/.config/fish/completions/netclients.fish",
		Run: func(_ context.Context, e *kit.Env, args []string) error {
			generate := shells[args[0]]
			if generate == nil {
				return kit.Usage("completion: no shell %q; there are %s", args[0], strings.Join(names, ", "))
			}
			return show.Wrote(generate(a.root, e.Out.W))
		},
	}
}

// completeTarget offers the schemes of the protocols that have the verb, and file
// names where no scheme begins so.
func (a *app) completeTarget(v *kit.Verb, spec *protocols.Spec) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		var out []string
		for _, s := range a.reg.Specs() {
			if begun == "" || spec != nil && s != spec || a.lookup(v.Name, s) == nil {
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
		if c, ok := f.Value.(*kit.Choice); ok {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(c.Words, cobra.ShellCompDirectiveNoFileComp))
		}
	}
	cmd.LocalNonPersistentFlags().VisitAll(add)
	cmd.PersistentFlags().VisitAll(add)
	for _, sub := range cmd.Commands() {
		completeFlags(sub)
	}
}
