package cli

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols"
)

// others are the commands without a protocol.
func (a *app) others() []*cobra.Command {
	return []*cobra.Command{
		a.plain("version", "", "print the version", a.version),
		a.plain("protocols", "[NAME...]", "the catalog of protocols: schemes, ports, TLS, verbs, RFCs", a.protocols),
		a.plain("hostname", "", "print this machine's names", a.hostname),
		a.plain("lookup", "NAME/SERVICE...", "addresses of a name, names of an address, port of a service", a.lookUp),
		a.urlCommand(),
		a.completionCommand(),
		a.plain("man", "DIR", "write the manual pages to a folder", a.man),
		a.labCommand(),
		a.tourCommand(),
	}
}

// plain makes a command that is no verb: it has the output and the time limit of
// all commands, and no target. A flags function may follow.
func (a *app) plain(name, args, short string, do func(cmd *cobra.Command, e *env, args []string) error, flags ...func(*pflag.FlagSet)) *cobra.Command {
	v := &verb{name: name, args: args}
	cmd := &cobra.Command{Use: strings.TrimSpace(name + " " + args), Short: short, GroupID: groupOther, Args: cobra.ArbitraryArgs}
	for _, add := range flags {
		add(cmd.Flags())
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkArity(cmd, v, args); err != nil {
			return err
		}
		if err := timesFromEnvironment(cmd.Flags(), getenv); err != nil {
			return err
		}
		e, done, err := a.env(cmd)
		if err != nil {
			return err
		}
		ctx, cancel := a.g.deadline(cmd.Context(), true)
		defer cancel()
		cmd.SetContext(ctx)
		return done(causeOf(ctx, do(cmd, e, args)))
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

func (a *app) version(_ *cobra.Command, e *env, _ []string) error {
	v := buildVersion()
	return e.out.record(v, func() string {
		return fmt.Sprintf("netclients %s %s %s", v.Version, v.Go, v.Platform)
	})
}

// hostname prints the machine's own name; with --json the parts of it.
func (a *app) hostname(cmd *cobra.Command, e *env, _ []string) error {
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
		h.FQDN, h.Address = fullName(cmd.Context(), name)
	}
	return e.out.record(h, func() string {
		return strings.Join(append([]string{safe(name)}, h.Address...), " ")
	})
}
