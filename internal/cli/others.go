package cli

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netclients/netclients/internal/cli/discovercmd"
	"github.com/netclients/netclients/internal/cli/fleetcmd"
	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/labcmd"
	"github.com/netclients/netclients/internal/cli/logincmd"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/tracecmd"
	"github.com/netclients/netclients/protocols"
)

// commands are those without a protocol.
func (a *app) commands() []*kit.Command {
	return append([]*kit.Command{
		{Name: "version", Short: "print the version", Run: version},
		{Name: "protocols", Args: "[NAME...]", Short: "the catalog of protocols: schemes, ports, TLS, verbs, RFCs", Run: a.protocols},
		{Name: "hostname", Short: "print this machine's names", Run: hostname},
		lookupCommand(),
		{Name: "profiles", Short: "list the servers that the configuration file names", Run: profiles},
		urlCommand(),
		schemaCommand(),
		a.completionCommand(),
		{Name: "man", Args: "DIR", Short: "write the manual pages to a folder", Run: func(_ context.Context, e *kit.Env, args []string) error { return writeManPages(a, e, args) }},
	}, slices.Concat(logincmd.Commands(), labcmd.Commands(Main), []*kit.Command{discovercmd.Command()}, tracecmd.Commands(), []*kit.Command{fleetcmd.Command(host{a.reg})})...)
}

// plain makes the command of one that is not a verb.
func (a *app) plain(c *kit.Command) *cobra.Command {
	v := &kit.Verb{Name: c.Name, Args: c.Args}
	cmd := &cobra.Command{
		Use: strings.TrimSpace(c.Name + " " + c.Args), Short: c.Short, Long: c.Long, Example: c.Example,
		ValidArgs: c.Words, GroupID: groupOther, Args: cobra.ArbitraryArgs,
	}
	if len(c.Sub) > 0 {
		return a.family(cmd, c)
	}
	if c.Shadows != nil {
		c.Shadows(cmd.Flags())
	}
	if c.Flags != nil {
		a.lazy[cmd] = func([]string) { c.Flags(cmd.Flags()) }
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if a.plan != nil || a.hosted != nil {
			return kit.Usage("%s is not a verb: a job is one verb with its arguments", c.Name)
		}
		if err := checkArity(cmd, v, args); err != nil {
			return err
		}
		if err := kit.CheckPlain(cmd.InheritedFlags(), c.Name, c.Uses); err != nil {
			return err
		}
		if err := kit.FlagsFromEnvironment(cmd.Flags(), os.Getenv, kit.PlainEffective(cmd.InheritedFlags(), c.Uses)); err != nil {
			return err
		}
		a.g.Read(cmd.Flags())
		ctx, cancel := a.g.Deadline(cmd.Context(), true)
		defer cancel()
		e, done, err := a.env(ctx, cmd)
		if err != nil {
			return kit.CauseOf(ctx, err)
		}
		return done(kit.CauseOf(ctx, c.Run(ctx, e, args)))
	}
	return cmd
}

// family makes the command of several that have a word in common: its own when it is
// called, since most command lines are not about it.
func (a *app) family(cmd *cobra.Command, c *kit.Command) *cobra.Command {
	cmd.Use = c.Name
	cmd.SetUsageTemplate(familyTemplate())
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return show.Wrote(cmd.Help())
		}
		var names []string
		for _, sub := range c.Sub {
			names = append(names, sub.Name)
		}
		return kit.Usage("%s: no command %q%s; there are %s", c.Name, args[0], didYouMean(args[0], names), strings.Join(names, ", "))
	}
	if a.whole || a.first == c.Name {
		for _, sub := range c.Sub {
			child := a.plain(sub)
			child.GroupID = ""
			cmd.AddCommand(child)
		}
	}
	return cmd
}

// versionJSON is what version prints.
type versionJSON struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Date     string `json:"date,omitempty"` // of the commit, RFC 3339
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func buildVersion() versionJSON {
	v := versionJSON{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.time":
			v.Date = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

func version(_ context.Context, e *kit.Env, _ []string) error {
	v := buildVersion()
	return e.Out.Record(v, func() string {
		return fmt.Sprintf("netclients %s %s %s", v.Version, v.Go, v.Platform)
	})
}

// hostJSON is what hostname prints.
type hostJSON struct {
	Hostname string   `json:"hostname"`
	FQDN     string   `json:"fqdn,omitempty"`
	Address  []string `json:"addresses,omitempty"`
}

// hostname prints the machine's own name; with --json the parts of it.
func hostname(ctx context.Context, e *kit.Env, _ []string) error {
	name, err := os.Hostname()
	if err != nil {
		return &protocols.Error{Kind: protocols.KindLocal, Err: err}
	}
	h := hostJSON{Hostname: name}
	if e.Out.JSON || e.Out.Verbose {
		h.FQDN, h.Address = fullName(ctx, name)
	}
	return e.Out.Record(h, func() string {
		return strings.Join(append([]string{show.Safe(name)}, h.Address...), " ")
	})
}
