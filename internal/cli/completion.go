package cli

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

// shells are those that completions exist for.
var shells = map[string]func(*cobra.Command, io.Writer) error{
	"bash":       bashCompletion,
	"zsh":        (*cobra.Command).GenZshCompletion,
	"fish":       func(c *cobra.Command, w io.Writer) error { return c.GenFishCompletion(w, true) },
	"powershell": (*cobra.Command).GenPowerShellCompletionWithDesc,
}

// bashWords is the line of the script of bash that needs the package bash-completion.
const bashWords = `_get_comp_words_by_ref "$@" cur prev words cword`

// bashCompletion says at the first Tab what is missing, where bash-completion is.
func bashCompletion(c *cobra.Command, w io.Writer) error {
	var b bytes.Buffer
	if err := c.GenBashCompletionV2(&b, true); err != nil {
		return err
	}
	checked := `if ! declare -F _get_comp_words_by_ref >/dev/null; then
        printf '\nnetclients: completion needs the package bash-completion; install it and open a new shell\n' >&2
        return 1
    fi
    ` + bashWords
	_, err := io.WriteString(w, strings.Replace(b.String(), bashWords, checked, 1))
	return err
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

// completeTarget offers the schemes of the protocols that have the verb, names of
// profiles, and what is in a folder behind a URL; file names where nothing begins so.
func (a *app) completeTarget(v *kit.Verb, spec *protocols.Spec) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		if far := remoteNames(cmd.Context(), a, begun); far != nil {
			return far, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
		}
		out := profilesWith(cmd.Context(), begun)
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

// profilesWith returns the profiles with a URL whose names begin so, as NAME:.
func profilesWith(ctx context.Context, begun string) (out []string) {
	if begun == "" || strings.ContainsAny(begun, ":/") {
		return nil
	}
	conf, err := secret.LoadConfig(ctx, "", os.Getenv)
	if err != nil {
		return nil
	}
	for _, name := range profileNames(conf) {
		if strings.HasPrefix(name, begun) && conf.Profiles[name].URL != "" {
			out = append(out, name+":")
		}
	}
	return out
}

// remoteWithin is how long a completion may ask a server.
const remoteWithin = 2 * time.Second

// openSchemes are those of servers that are listed without a login.
var openSchemes = []string{"ftp", "ftpes", "ftps", "http", "https", "gopher", "gophers", "nntp", "nntps"}

// remoteNames lists the folder that a URL, or NAME:PATH of a profile, is begun in. Only
// servers that need no login, or those of a profile, are asked. Nil: none.
func remoteNames(ctx context.Context, a *app, begun string) []string {
	scheme, rest, ok := strings.Cut(begun, "://")
	folder := begun[:strings.LastIndexByte(begun, '/')+1]
	m := remoteForm.Re().FindStringSubmatch(begun)
	switch {
	case ok && slices.Contains(openSchemes, scheme) && strings.Contains(rest, "/") && !strings.Contains(rest, "@"):
	case !ok && m != nil && isProfile(ctx, m[1]):
		if folder == "" {
			folder = m[1] + ":"
		}
	default:
		return nil
	}
	var list, words bytes.Buffer
	args := []string{"ls", "--timeout", remoteWithin.String(), "--retries", "0", "--jq", `.name + (if .type == "dir" or .type == "menu" then "/" else "" end)`, "--", folder}
	if !ok {
		args = slices.DeleteFunc(args, func(s string) bool { return s == "--" })
	}
	if MainWith(ctx, a.reg, args, strings.NewReader(""), &list, &words) != 0 {
		return nil
	}
	var out []string
	for name := range strings.Lines(list.String()) {
		plain := url.URL{Path: strings.TrimSuffix(name, "\n")}
		if full := folder + strings.TrimPrefix(plain.EscapedPath(), "./"); strings.HasPrefix(full, begun) {
			out = append(out, full)
		}
	}
	return out
}

func isProfile(ctx context.Context, name string) bool {
	conf, err := secret.LoadConfig(ctx, "", os.Getenv)
	return err == nil && conf.Profiles[name] != nil && conf.Profiles[name].URL != ""
}

// completeNames offers the names of profiles and mechanisms for the flags that take them.
func completeNames(a *app) {
	_ = a.root.RegisterFlagCompletionFunc("profile", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		conf, err := secret.LoadConfig(cmd.Context(), "", os.Getenv)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return profileNames(conf), cobra.ShellCompDirectiveNoFileComp
	})
	var known []string
	for _, s := range a.setups {
		for _, name := range s.Mechanisms {
			if !slices.Contains(known, name) {
				known = append(known, name)
			}
		}
	}
	_ = a.root.RegisterFlagCompletionFunc("auth", cobra.FixedCompletions(known, cobra.ShellCompDirectiveNoFileComp))
}

// plainUsage takes the marks of the flags' values out of their texts, which a completion
// shows as they are.
func plainUsage(cmd *cobra.Command) {
	strip := func(f *pflag.Flag) { f.Usage = strings.ReplaceAll(f.Usage, "`", "") }
	cmd.LocalNonPersistentFlags().VisitAll(strip)
	cmd.PersistentFlags().VisitAll(strip)
	for _, sub := range cmd.Commands() {
		plainUsage(sub)
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
