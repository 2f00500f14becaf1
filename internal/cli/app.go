// Package cli is the command line of netclients: it turns arguments into calls
// of the adapters' capabilities, and what comes back into text, JSON lines and
// exit codes.
//
// The verb table (verbs.go, and a file for each protocol with verbs of its own)
// says what there is to call; both forms of the command line, the help, the
// completions and docs/verbs.md are made from it.
package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/fleetcmd"
	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/internal/mask"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/all"
)

// Main runs one command line and returns its exit code. args lack the program's
// name. It ends early, with the exit code of kind interrupted, when ctx does.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	reg, err := all.All()
	if err != nil {
		show.PrintError(stderr, false, err)
		return show.ExitCode(err)
	}
	return MainWith(ctx, reg, args, stdin, stdout, stderr)
}

// MainWith is Main with the adapters of a catalog.
func MainWith(ctx context.Context, reg *protocols.Registry, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	// A closed pipe is an error of a write, not the end of the process.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	defer signal.Stop(pipe)
	return guarded(stderr, func() int { return newApp(reg, stdin, stdout, stderr).main(ctx, args) })
}

// guarded makes a panic one line and the exit code of kind internal.
func guarded(stderr io.Writer, do func() int) (code int) {
	defer func() {
		if v := recover(); v != nil {
			fmt.Fprintf(stderr, "netclients: internal error: %s\n", show.Safe(fmt.Sprint(v)))
			code = protocols.KindInternal.Exit()
		}
	}()
	return do()
}

// app is one run of the program.
type app struct {
	g      *kit.Globals
	reg    *protocols.Registry
	verbs  []*kit.Verb
	setups []*kit.Setup
	root   *cobra.Command
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	chosen *secret.Profile
	hidden *mask.Mask
	hosted *kit.Hosted                            // of a job of a fleet; nil: a person waits
	kept   *kit.Kept                              // of the shell that the line is of; nil: none
	line   []string                               // the words of the command line
	apart  bool                                   // the line has clients of its own
	traced bool                                   // and its own trace
	plan   *fleetcmd.Plan                         // nil unless the command line is only to be looked at
	whole  bool                                   // all commands are wanted, not only the called one
	first  string                                 // the first word of the command line that is not a flag
	wrote  error                                  // of writing the help
	lazy   map[*cobra.Command]func(args []string) // adds a command's flags when it is called
	words  func(args []string) []string           // of the called verb; nil: its words are as they were typed
}

func newApp(reg *protocols.Registry, stdin io.Reader, stdout, stderr io.Writer) *app {
	return &app{
		g: kit.NewGlobals(), hidden: &mask.Mask{}, reg: reg, verbs: verbTable(reg), setups: setupTable(), stdin: stdin, stdout: stdout, stderr: stderr,
		lazy: map[*cobra.Command]func([]string){},
	}
}

// main runs one command line, reports its error, and returns the exit code.
func (a *app) main(ctx context.Context, args []string) int {
	a.hidden.Arguments(args)
	err := a.run(ctx, args)
	if verbs.IsPlugin(args) {
		err = verbs.PluginEnd(a.stdout, a.hidden.Error(err))
	}
	// Flags that were not read, because others are wrong, count here too.
	asJSON := a.g.JSON || a.g.JQ != "" || a.g.Template != "" || slices.ContainsFunc(args, asksJSON)
	show.PrintError(a.stderr, asJSON, a.hidden.Error(err))
	return show.ExitCode(err)
}

// asksJSON reports whether an argument is a flag that makes the output JSON.
func asksJSON(arg string) bool {
	name, _, _ := strings.Cut(arg, "=")
	return name == "--json" && arg != "--json=false" || name == "--jq"
}

func (a *app) run(ctx context.Context, args []string) error {
	if len(args) == 1 && args[0] == "--version" { // people try it
		args = []string{"version"}
	}
	if len(args) > 0 && !strings.HasPrefix(args[0], "__complete") {
		var err error
		if args, err = expandRemotes(ctx, a, args); err != nil {
			return err
		}
	}
	a.line = args
	a.build(args)
	args = a.complete(args)
	cmd, rest, err := a.root.Find(args)
	if err != nil {
		return kit.Usage("%v", err)
	}
	if add := a.lazy[cmd]; add != nil {
		add(rest)
	}
	if a.words != nil {
		args = a.words(args)
	}
	a.root.SetArgs(args)
	return cmp.Or(a.root.ExecuteContext(ctx), a.wrote)
}

// build makes the tree of commands. Only the called command gets its flags, and
// only the called protocol its verbs: registering all takes longer than most
// commands.
func (a *app) build(args []string) {
	a.first = calledWord(args)
	whole := len(args) > 0 && (strings.HasPrefix(args[0], "__complete") || slices.Contains([]string{"man", "help"}, args[0]))
	a.whole = whole
	a.root = a.rootCommand()
	seen := map[string]bool{}
	for _, v := range a.verbs {
		if v.Generic && !seen[v.Name] {
			seen[v.Name] = true
			a.root.AddCommand(a.verbCommand(v, nil))
		}
	}
	for _, s := range a.reg.Specs() {
		if !s.Hidden {
			a.root.AddCommand(a.protocolCommand(s, whole || slices.Contains(args, s.Name)))
		}
	}
	for _, c := range a.commands() {
		a.root.AddCommand(a.plain(c))
	}
	a.root.SetHelpCommand(a.helpCommand())
	if whole {
		for _, add := range a.lazy {
			add(nil)
		}
		completeFlags(a.root)
		if strings.HasPrefix(args[0], "__complete") {
			completeNames(a)
			plainUsage(a.root)
		}
	}
}

// calledWord returns the first argument that does not begin as a flag.
func calledWord(args []string) string {
	i := slices.IndexFunc(args, func(arg string) bool { return !strings.HasPrefix(arg, "-") })
	if i < 0 {
		return ""
	}
	return args[i]
}

// The groups of the help.
const (
	groupVerbs     = "verbs"
	groupProtocols = "protocols"
	groupOther     = "other"
)

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "netclients",
		Short:         "Speak every classic internet protocol from one program",
		Long:          "netclients speaks every classic internet protocol as a client.\n\n  netclients VERB [flags] URL [ARG...]                 the URL's scheme picks the protocol\n  netclients PROTOCOL VERB [flags] TARGET [ARG...]     TARGET may lack its scheme",
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return a.noSuchVerb(args[0])
			}
			_, err := io.WriteString(a.stdout, firstScreen(a))
			return show.Wrote(err)
		},
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddGroup(&cobra.Group{ID: groupVerbs, Title: "Verbs for any URL that can do them:"},
		&cobra.Group{ID: groupProtocols, Title: "Protocols, with verbs of their own:"},
		&cobra.Group{ID: groupOther, Title: "Other:"})
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(flagError)
	root.SetUsageTemplate(usageTemplate)
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { a.wrote = a.helpOf(cmd) })
	a.g.Register(root.PersistentFlags())
	root.PersistentFlags().SortFlags = false
	return root
}

// flagError makes the flag parser's errors one line of kind usage, with a
// suggestion for a name that is not known.
func flagError(cmd *cobra.Command, err error) error {
	text := err.Error()
	if here := flagElsewhere(text); here != "" {
		flag, _, _ := strings.Cut(text, " in -")
		text = strings.Replace(flag, "flag: ", "flag ", 1) + "; here it is " + here
	} else if unknown, ok := strings.CutPrefix(text, "unknown flag: --"); ok {
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		text = fmt.Sprintf("unknown flag --%s%s", unknown, didYouMean(unknown, known))
	}
	if verb, ok := strings.CutPrefix(cmd.CommandPath(), "netclients "); ok {
		text = verb + ": " + text
	}
	return kit.Usage("%s", text)
}

// noSuchVerb reports a first word that is neither a verb, protocol nor command.
func (a *app) noSuchVerb(word string) error {
	if kit.HasScheme(word) {
		return a.missingVerb(word)
	}
	var known []string
	for _, c := range a.root.Commands() {
		known = append(known, c.Name())
	}
	if here := hereIs(word); here != "" {
		return kit.Usage("no verb %s; here it is netclients %s", word, here)
	}
	for _, s := range a.reg.Specs() {
		if v := a.lookup(word, s); v != nil && !v.Generic {
			return kit.Usage("%s is a verb of %s: netclients %s %s", word, s.Name, s.Name, word)
		}
	}
	return kit.Usage("unknown verb or protocol %q%s (netclients help lists them)", word, didYouMean(word, known))
}

// usageTemplate is cobra's without the flags that work everywhere, which have a
// page of their own.
const usageTemplate = `Usage:{{if .Runnable}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} VERB [flags] TARGET [ARG...]{{end}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}{{$cmds := .Commands}}{{if eq (len .Groups) 0}}

Verbs:{{range $cmds}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{else}}{{range $group := .Groups}}

{{.Title}}{{range $cmds}}{{if (and (eq .GroupID $group.ID) .IsAvailableCommand)}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{end}}{{end}}{{end}}{{if and .HasParent .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}

{{if .HasParent}}The flags that work everywhere: netclients help flags{{else}}More: netclients help flags|urls|login|config|json|faults|exit{{end}}
`

// familyTemplate is the usageTemplate of commands that have a word in common and are not verbs.
func familyTemplate() string {
	return strings.NewReplacer("{{if .Runnable}}", "{{if not .HasAvailableSubCommands}}",
		"VERB [flags] TARGET [ARG...]", "COMMAND [ARG...] [flags]", "\nVerbs:", "\nCommands:").Replace(usageTemplate)
}
