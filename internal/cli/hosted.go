package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/fleetcmd"
	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

// host runs verbs for a fleet: the same as a command line's, in this process.
type host struct{ reg *protocols.Registry }

// Target reads a URL.
func (h host) Target(text string) (*protocols.Target, error) { return h.reg.Parse(text, "") }

// Plan looks at a command line and runs nothing.
func (h host) Plan(ctx context.Context, args []string) (fleetcmd.Plan, error) {
	a := newApp(h.reg, strings.NewReader(""), io.Discard, io.Discard)
	a.plan = &fleetcmd.Plan{}
	err := a.run(ctx, args)
	if err == nil && a.plan.Verb == "" {
		err = kit.Usage("%s is not a verb: a job is one verb with its arguments", strings.Join(args[:min(len(args), 1)], " "))
	}
	return *a.plan, a.hidden.Error(err)
}

// Run runs a verb. Results go to stdout, the errors of single items to stderr.
func (h host) Run(ctx context.Context, args []string, with *kit.Hosted, stdout, stderr io.Writer) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &protocols.Error{Kind: protocols.KindInternal, Text: "internal error: " + show.Safe(fmt.Sprint(v))}
		}
	}()
	a := newApp(h.reg, strings.NewReader(""), stdout, stderr)
	a.hosted = with
	return a.hidden.Error(a.run(ctx, args))
}

// look notes what a command line would do.
func (a *app) look(cmd *cobra.Command, v *kit.Verb, spec *protocols.Spec, args []string) error {
	if err := checkArity(cmd, v, args); err != nil {
		return err
	}
	*a.plan = fleetcmd.Plan{Verb: v.Name}
	if spec != nil {
		a.plan.Protocol = spec.Name
	}
	cmd.Flags().Visit(func(f *pflag.Flag) { a.plan.Flags = append(a.plan.Flags, f.Name) })
	slices.Sort(a.plan.Flags)
	return nil
}
