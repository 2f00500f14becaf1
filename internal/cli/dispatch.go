package cli

import (
	"cmp"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols"
)

// verbCommand makes the command of a verb: the generic one, or with a spec that
// of one protocol.
func (a *app) verbCommand(v *verb, spec *protocols.Spec) *cobra.Command {
	cmd := &cobra.Command{Use: v.name + " " + v.args, Short: v.short, Example: v.example}
	if spec == nil {
		cmd.GroupID = groupVerbs
	}
	chosen := v
	var active []*setup
	a.lazy[cmd] = func(args []string) {
		specs := a.mentioned(args, spec)
		chosen = a.choose(v, specs)
		cmd.Use, cmd.Short, cmd.Example = chosen.name+" "+chosen.args, chosen.short, chosen.example
		if chosen.flags != nil {
			chosen.flags(cmd.Flags())
		}
		active = a.setupsFor(specs)
		for _, s := range active {
			merge(cmd.Flags(), s.flags)
		}
	}
	cmd.Args = cobra.ArbitraryArgs
	cmd.ValidArgsFunction = a.completeTarget(v, spec)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.perform(cmd, chosen, spec, active, args)
	}
	return cmd
}

// mentioned returns the adapters that a command line is about: the one named, or
// those whose schemes its arguments have, or that of local files.
func (a *app) mentioned(args []string, spec *protocols.Spec) []*protocols.Spec {
	var out []*protocols.Spec
	if spec != nil {
		out = append(out, spec)
	}
	for _, arg := range args {
		scheme, _, ok := strings.Cut(arg, ":")
		if spec != nil {
			if _, taken := spec.Scheme(strings.ToLower(scheme)); taken { // borrowed ones too
				continue
			}
		}
		if s := specOf(a.reg, strings.ToLower(scheme)); ok && s != nil && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if file := a.reg.Spec("file"); len(out) == 0 && len(args) > 0 && file != nil {
		out = append(out, file)
	}
	return out
}

// choose returns the verb of that name which the adapters have, or else v: all of
// them, or one end of two where that is enough.
func (a *app) choose(v *verb, specs []*protocols.Spec) *verb {
	for _, other := range a.verbs {
		has := func(s *protocols.Spec) bool { return other.has(sample(s)) }
		lacks := func(s *protocols.Spec) bool { return !has(s) }
		if other.name == v.name && slices.ContainsFunc(specs, has) && (other.either || !slices.ContainsFunc(specs, lacks)) {
			return other
		}
	}
	return v
}

// lookup returns the verb that the adapter has under a name, or nil.
func (a *app) lookup(name string, s *protocols.Spec) *verb {
	c := sample(s)
	for _, v := range a.verbs {
		if v.name == name && v.has(c) {
			return v
		}
	}
	return nil
}

// verbsOf returns all verbs of an adapter in the order of the table, each name once.
func (a *app) verbsOf(s *protocols.Spec) []*verb {
	var out []*verb
	c := sample(s)
	for _, v := range a.verbs {
		if v.has(c) && !slices.ContainsFunc(out, func(o *verb) bool { return o.name == v.name }) {
			out = append(out, v)
		}
	}
	return out
}

func (a *app) setupsFor(specs []*protocols.Spec) []*setup {
	var out []*setup
	for _, s := range a.setups {
		if slices.ContainsFunc(specs, func(spec *protocols.Spec) bool { return s.has(sample(spec)) }) {
			out = append(out, s)
		}
	}
	return out
}

// merge adds flags; one that is there already sets both.
func merge(fs *pflag.FlagSet, add func(*pflag.FlagSet)) {
	more := pflag.NewFlagSet("", pflag.ContinueOnError)
	add(more)
	more.VisitAll(func(f *pflag.Flag) {
		if old := fs.Lookup(f.Name); old != nil {
			old.Value = twin{old.Value, f.Value}
			return
		}
		fs.AddFlag(f)
	})
}

type twin struct {
	pflag.Value
	other pflag.Value
}

func (t twin) Set(s string) error {
	if err := t.other.Set(s); err != nil {
		return err
	}
	return t.Value.Set(s)
}

// protocolCommand makes `netclients PROTOCOL`, with its verbs when it is called.
func (a *app) protocolCommand(s *protocols.Spec, called bool) *cobra.Command {
	cmd := &cobra.Command{
		Use: s.Name, Short: s.Summary, GroupID: groupProtocols, Args: cobra.ArbitraryArgs,
		FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && args[0] != "help" {
				return a.cannot(s, args[0])
			}
			return wrote(cmd.Help())
		},
	}
	if called {
		for _, v := range a.verbsOf(s) {
			cmd.AddCommand(a.verbCommand(v, s))
		}
	}
	return cmd
}

// cannot says that a protocol has not that verb, and what it has.
func (a *app) cannot(s *protocols.Spec, verb string) error {
	var names []string
	for _, v := range a.verbsOf(s) {
		names = append(names, v.name)
	}
	return protocols.UsageError(s.Name, "", "no verb "+verb+didYouMean(verb, names)+"; "+s.Name+" can "+strings.Join(names, " "))
}

// perform runs a verb with its flags read.
func (a *app) perform(cmd *cobra.Command, v *verb, spec *protocols.Spec, active []*setup, args []string) error {
	if err := timesFromEnvironment(cmd.Flags(), os.Getenv); err != nil {
		return err
	}
	if err := a.profile(cmd.Flags(), v, &args); err != nil {
		return err
	}
	if err := checkArity(cmd, v, args); err != nil {
		return err
	}
	e, done, err := a.env(cmd)
	if err != nil {
		return err
	}
	e.setups = active
	if spec != nil {
		e.proto = spec.Name
	}
	ctx, cancel := a.g.deadline(cmd.Context(), v.lasting)
	defer cancel()
	return done(causeOf(ctx, v.run(ctx, e, args)))
}

func checkArity(cmd *cobra.Command, v *verb, args []string) error {
	low, high := v.arity()
	name := strings.TrimPrefix(cmd.CommandPath(), "netclients ")
	switch {
	case len(args) < low:
		return usage("%s: want %s", name, v.args)
	case high >= 0 && len(args) > high:
		return usage("%s: too many arguments, want %s", name, v.args)
	}
	return nil
}

// env makes what a command runs with. done frees it, writes what is held, and
// gives the error that the command ends with.
func (a *app) env(cmd *cobra.Command) (e *env, done func(error) error, err error) {
	a.g.proxySet, a.g.idleSet = cmd.Flags().Changed("proxy"), cmd.Flags().Changed("idle-timeout")
	e = &env{
		reg: a.reg, profile: a.chosen, hidden: a.hidden, cannot: a.cannot, flags: a.g, stdin: a.stdin, open: map[string]protocols.Client{}, perHost: map[string]*protocols.Options{}, idle: map[string][]protocols.Client{},
	}
	if e.out, err = newOutput(a.stdout, a.stderr, a.g.output()); err != nil {
		return nil, nil, err
	}
	if a.g.keyLog, err = openKeyLog(os.Getenv); err != nil {
		return nil, nil, err
	}
	if e.opts, err = a.g.options(); err != nil {
		return nil, nil, err
	}
	closeTrace, err := a.connect(e)
	if err != nil {
		return nil, nil, err
	}
	if a.g.keyLog != nil {
		e.out.detail("the keys of TLS go to the file that SSLKEYLOGFILE names: who reads it can read all that is sent")
	}
	return e, func(err error) error {
		e.close()
		err = cmp.Or(err, e.out.flush(), closeTrace())
		if a.g.keyLog != nil {
			err = cmp.Or(err, a.g.keyLog.Close())
		}
		return err
	}, nil
}

// profile reads the profile that the command line names, if it names one: its
// settings stand for flags that were not given, its URL for a target that was not.
func (a *app) profile(fs *pflag.FlagSet, v *verb, args *[]string) error {
	if a.g.profile == "" {
		return nil
	}
	conf, err := loadConfig("", os.Getenv)
	if err != nil {
		return err
	}
	p, err := conf.Profile(a.g.profile)
	if err != nil {
		return err
	}
	a.chosen = p
	for name, value := range p.Flags() {
		f := fs.Lookup(name)
		if f == nil || f.Changed {
			continue
		}
		if err := fs.Set(name, value); err != nil {
			return usage("profile %s: %s: %v", a.g.profile, name, err)
		}
	}
	if low, _ := v.arity(); len(*args) < low && p.URL != "" {
		*args = append([]string{string(p.URL)}, *args...)
	}
	return nil
}

// connect returns the command's options what the session has: the trace, and with
// --verbose its main steps.
func (a *app) connect(e *env) (closeTrace func() error, err error) {
	e.shared = newSecretStore()
	if a.g.trace == "" {
		if a.g.verbose {
			e.opts.Trace = a.hidden.trace(e.tellStep)
		}
		return func() error { return nil }, nil
	}
	sink, closeTrace, err := openTrace(a.g.trace, a.stderr)
	if err != nil {
		return nil, err
	}
	e.opts.Trace = a.hidden.trace(sink)
	return closeTrace, nil
}
