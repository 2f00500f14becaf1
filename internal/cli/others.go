package cli

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netclients/netclients/protocols"
)

// commands are those without a protocol.
func (a *app) commands() []*command {
	return append([]*command{
		{name: "version", short: "print the version", run: version},
		{name: "protocols", args: "[NAME...]", short: "the catalog of protocols: schemes, ports, TLS, verbs, RFCs", run: a.protocols},
		{name: "hostname", short: "print this machine's names", run: hostname},
		{name: "lookup", args: "NAME/SERVICE...", short: "addresses of a name, names of an address, port of a service", run: lookUp},
		urlCommand(),
		a.completionCommand(),
		{name: "man", args: "DIR", short: "write the manual pages to a folder", run: a.man},
	}, labCommands(Main)...)
}

// plain makes the command of one that is no verb.
func (a *app) plain(c *command) *cobra.Command {
	v := &verb{name: c.name, args: c.args}
	cmd := &cobra.Command{
		Use: strings.TrimSpace(c.name + " " + c.args), Short: c.short, Long: c.long, Example: c.example,
		ValidArgs: c.words, GroupID: groupOther, Args: cobra.ArbitraryArgs,
	}
	if c.flags != nil {
		c.flags(cmd.Flags())
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkArity(cmd, v, args); err != nil {
			return err
		}
		if err := timesFromEnvironment(cmd.Flags(), os.Getenv); err != nil {
			return err
		}
		e, done, err := a.env(cmd)
		if err != nil {
			return err
		}
		ctx, cancel := a.g.deadline(cmd.Context(), true)
		defer cancel()
		return done(causeOf(ctx, c.run(ctx, e, args)))
	}
	return cmd
}

// versionJSON is what version prints.
type versionJSON struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
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
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

func version(_ context.Context, e *env, _ []string) error {
	v := buildVersion()
	return e.out.record(v, func() string {
		return fmt.Sprintf("netclients %s %s %s", v.Version, v.Go, v.Platform)
	})
}

// hostname prints the machine's own name; with --json the parts of it.
func hostname(ctx context.Context, e *env, _ []string) error {
	name, err := os.Hostname()
	if err != nil {
		return &protocols.Error{Kind: protocols.KindLocal, Err: err}
	}
	h := struct {
		Hostname string   `json:"hostname"`
		FQDN     string   `json:"fqdn,omitempty"`
		Address  []string `json:"addresses,omitempty"`
	}{Hostname: name}
	if e.out.json || e.out.verbose {
		h.FQDN, h.Address = fullName(ctx, name)
	}
	return e.out.record(h, func() string {
		return strings.Join(append([]string{safe(name)}, h.Address...), " ")
	})
}
