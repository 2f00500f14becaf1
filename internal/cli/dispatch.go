package cli

import (
	"cmp"
	"context"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/httpcmd"
	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/cli/trace"
	"github.com/netclients/netclients/protocols"
)

// verbCommand makes the command of a verb: the generic one, or with a spec that
// of one protocol.
func (a *app) verbCommand(v *kit.Verb, spec *protocols.Spec) *cobra.Command {
	cmd := &cobra.Command{Use: v.Name + " " + v.Args, Short: v.Short, Example: v.Example()}
	own := func(word string) bool { return spec != nil && a.lookup(word, spec) != nil }
	cmd.Aliases = a.aliases(v.Name, own)
	if spec == nil {
		cmd.GroupID = groupVerbs
	}
	chosen := v
	var active []*kit.Setup
	var specs []*protocols.Spec
	a.lazy[cmd] = func(args []string) {
		specs = a.mentioned(args, spec)
		chosen = a.choose(v, specs)
		cmd.Use, cmd.Short, cmd.Example = chosen.Name+" "+chosen.Args, chosen.Short, chosen.Example()
		if chosen.Flags != nil {
			chosen.Flags(cmd.Flags())
		}
		active = a.setupsFor(specs)
		for _, s := range active {
			s.Own = merge(cmd.Flags(), s.Flags)
		}
		takeDefaults(cmd.Flags(), chosen.Name)
		if a.kept != nil {
			cmd.InitDefaultHelpFlag()
			cmd.InheritedFlags()                   // makes cmd.Flags know them
			_ = a.g.Base(cmd.Flags(), a.kept.Line) // was read when the shell began
		}
		if chosen.Words != nil {
			a.words = func(args []string) []string {
				cmd.InitDefaultHelpFlag()
				cmd.InheritedFlags() // makes cmd.Flags know them
				return chosen.Words(cmd.Flags(), args)
			}
		}
	}
	cmd.Args = cobra.ArbitraryArgs
	cmd.ValidArgsFunction = a.completeTarget(v, spec)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		can := func(verb string) bool {
			return slices.ContainsFunc(specs, func(s *protocols.Spec) bool { return a.lookup(verb, s) != nil })
		}
		if err := kit.CheckFlags(cmd.Flags(), chosen.Name, active, can); err != nil {
			return err
		}
		effect := kit.Effective(chosen.Name, active, can)
		if a.plan != nil || a.hosted != nil {
			effect = kit.TimesOnly
		}
		if err := kit.FlagsFromEnvironment(cmd.Flags(), os.Getenv, effect); err != nil {
			return err
		}
		if a.kept != nil {
			a.apart = a.g.SetsClients(cmd.Flags(), a.root.PersistentFlags(), active)
			a.traced = cmd.Flags().Changed("trace")
		}
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
	} else if a.kept != nil {
		out = append(out, a.kept.Spec)
	}
	for _, arg := range args {
		scheme, _, ok := strings.Cut(arg, ":")
		if spec != nil {
			if _, taken := spec.Scheme(strings.ToLower(scheme)); taken { // borrowed ones too
				continue
			}
		}
		if s := kit.SpecOf(a.reg, strings.ToLower(scheme)); ok && s != nil && !slices.Contains(out, s) {
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
func (a *app) choose(v *kit.Verb, specs []*protocols.Spec) *kit.Verb {
	for _, other := range a.verbs {
		has := func(s *protocols.Spec) bool { return other.Works(kit.Sample(s)) }
		lacks := func(s *protocols.Spec) bool { return !has(s) }
		if other.Name == v.Name && slices.ContainsFunc(specs, has) && (other.Either || !slices.ContainsFunc(specs, lacks)) {
			return other
		}
	}
	return v
}

// lookup returns the verb that the adapter has under a name, or nil.
func (a *app) lookup(name string, s *protocols.Spec) *kit.Verb {
	c := kit.Sample(s)
	for _, v := range a.verbs {
		if v.Name == name && v.Works(c) {
			return v
		}
	}
	return nil
}

// verbsOf returns all verbs of an adapter in the order of the table, each name once.
func (a *app) verbsOf(s *protocols.Spec) []*kit.Verb {
	var out []*kit.Verb
	c := kit.Sample(s)
	for _, v := range a.verbs {
		if v.Works(c) && !slices.ContainsFunc(out, func(o *kit.Verb) bool { return o.Name == v.Name }) {
			out = append(out, v)
		}
	}
	return out
}

func (a *app) setupsFor(specs []*protocols.Spec) []*kit.Setup {
	var out []*kit.Setup
	for _, s := range a.setups {
		if slices.ContainsFunc(specs, func(spec *protocols.Spec) bool { return s.Has(kit.Sample(spec)) }) {
			out = append(out, s)
		}
	}
	return out
}

// merge adds flags; one that is there already sets both. It returns their names.
func merge(fs *pflag.FlagSet, add func(*pflag.FlagSet)) (names []string) {
	more := pflag.NewFlagSet("", pflag.ContinueOnError)
	add(more)
	more.VisitAll(func(f *pflag.Flag) {
		names = append(names, f.Name)
		if old := fs.Lookup(f.Name); old != nil {
			old.Value = twin{old.Value, f.Value}
			return
		}
		fs.AddFlag(f)
	})
	return names
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
		Use: s.Name, Short: s.Summary, Long: introOf(s), GroupID: groupProtocols, Args: cobra.ArbitraryArgs,
		FParseErrWhitelist: cobra.FParseErrWhitelist{UnknownFlags: true},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && args[0] != "help" {
				return a.cannot(s, args[0])
			}
			return show.Wrote(cmd.Help())
		},
	}
	if called {
		for _, v := range a.verbsOf(s) {
			cmd.AddCommand(a.verbCommand(v, s))
		}
	}
	return cmd
}

// can returns nil if a protocol has a verb, else the error of cannot.
func (a *app) can(s *protocols.Spec, verb string) error {
	if a.lookup(verb, s) != nil {
		return nil
	}
	return a.cannot(s, verb)
}

// cannot says that a protocol has not that verb, and what it has.
func (a *app) cannot(s *protocols.Spec, verb string) error {
	var names []string
	for _, v := range a.verbsOf(s) {
		names = append(names, v.Name)
	}
	return protocols.UsageError(s.Name, "", "no verb "+verb+didYouMean(verb, names)+"; "+s.Name+" can "+strings.Join(names, ", "))
}

// perform runs a verb with its flags read.
func (a *app) perform(cmd *cobra.Command, v *kit.Verb, spec *protocols.Spec, active []*kit.Setup, args []string) error {
	a.g.Read(cmd.Flags())
	if a.plan != nil {
		return a.look(cmd, v, spec, args)
	}
	ctx, cancel := a.g.Deadline(cmd.Context(), v.Lasting)
	defer func() { cancel() }()
	if err := a.profile(ctx, cmd.Flags(), v, &args); err != nil {
		return kit.CauseOf(ctx, err)
	}
	if a.chosen != nil { // it may have set another time limit
		cancel()
		ctx, cancel = a.g.Deadline(cmd.Context(), v.Lasting)
	}
	if a.kept == nil {
		if err := checkArity(cmd, v, args); err != nil {
			return err
		}
	}
	e, done, err := a.env(ctx, cmd)
	if err != nil {
		return kit.CauseOf(ctx, err)
	}
	e.Verb, e.Setups = v.Name, active
	if spec != nil {
		e.Proto = spec.Name
	}
	if a.kept != nil {
		if args, err = a.kept.Names(ctx, e, v, args); err == nil {
			err = checkArity(cmd, v, args)
		}
		if err != nil {
			return done(kit.CauseOf(ctx, err))
		}
	}
	return done(kit.CauseOf(ctx, v.Run(ctx, e, args)))
}

func checkArity(cmd *cobra.Command, v *kit.Verb, args []string) error {
	low, high := v.Arity()
	name := strings.TrimPrefix(cmd.CommandPath(), "netclients ")
	switch {
	case len(args) < low:
		missing := strings.Trim(strings.Fields(v.Args)[len(args)], ".[]")
		text := name + ": " + missing + " is missing: netclients " + name + " " + v.Args
		if len(v.Examples) > 0 {
			text += "; for example: netclients " + v.Examples[0]
		}
		return kit.Usage("%s", text)
	case high >= 0 && len(args) > high:
		return kit.Usage("%s: too many arguments: netclients %s %s", name, name, v.Args)
	}
	return nil
}

// onLine returns what sees the objects that a command prints, nil for nobody. Only the
// tests of this package have another one, to compare all objects with their schemas.
var onLine = func(*cobra.Command) func(line []byte) { return nil }

// env makes what a command runs with. done frees it, writes what is held, and
// returns the error that the command ends with.
func (a *app) env(ctx context.Context, cmd *cobra.Command) (e *kit.Env, done func(error) error, err error) {
	e = &kit.Env{
		Reg: a.reg, Profile: a.chosen, Can: a.can, Unknown: a.unknownScheme, Flags: a.g, Stdin: a.stdin, Open: map[string]protocols.Client{}, PerHost: map[string]*protocols.Options{}, Idle: map[string][]protocols.Client{},
	}
	if e.Out, err = show.New(a.stdout, a.stderr, a.g.Output(a.hidden)); err != nil {
		return nil, nil, err
	}
	e.Out.Seen = onLine(cmd)
	if a.g.KeyLog, err = kit.OpenKeyLog(ctx, os.Getenv); err != nil {
		return nil, nil, err
	}
	e.Hosted, e.Kept, e.Line = a.hosted, a.kept, a.line
	httpcmd.LearnHeaders(a.hidden, a.g.ProxyHeaders)
	if e.Opts, err = a.g.Options(ctx); err != nil {
		return nil, nil, err
	}
	a.hosted.Options(e.Opts)
	closeTrace, err := a.connect(ctx, e)
	if err != nil {
		return nil, nil, err
	}
	if a.g.KeyLog != nil {
		e.Out.Detail("the keys of TLS go to the file that SSLKEYLOGFILE names: who reads it can read all that is sent")
	}
	return e, func(err error) error {
		if a.kept != nil {
			a.kept.TakeBack(e, a.apart)
		}
		e.Close()
		err = cmp.Or(err, e.Out.Flush(), closeTrace())
		if a.g.KeyLog != nil {
			err = cmp.Or(err, a.g.KeyLog.Close())
		}
		return err
	}, nil
}

// profile reads the profile that the command line names, if it names one: its
// settings stand for flags that were not given, its URL for a target that was not.
func (a *app) profile(ctx context.Context, fs *pflag.FlagSet, v *kit.Verb, args *[]string) error {
	if a.g.Profile == "" {
		return nil
	}
	conf, err := secret.LoadConfig(ctx, "", os.Getenv)
	if err != nil {
		return err
	}
	p, err := conf.Profile(a.g.Profile)
	if err != nil {
		return err
	}
	a.chosen = p
	for name, value := range p.Flags() {
		f := fs.Lookup(name)
		if f == nil || f.Changed || a.g.Given(name) {
			continue
		}
		if err := fs.Set(name, value); err != nil {
			return kit.Usage("profile %s: %s: %v", a.g.Profile, name, err)
		}
	}
	if low, _ := v.Arity(); len(*args) < low && p.URL != "" {
		*args = append([]string{string(p.URL)}, *args...)
	}
	return nil
}

// connect returns the command's options what the session has: the trace, and with
// --verbose its main steps.
func (a *app) connect(ctx context.Context, e *kit.Env) (closeTrace func() error, err error) {
	e.Shared = secret.NewStore()
	if a.kept != nil {
		if a.kept.Lend(e, a.apart); a.kept.Trace != nil && !a.traced {
			e.Opts.Trace = a.kept.Trace
			return func() error { return nil }, nil
		}
	}
	if a.g.Trace == "" {
		if a.g.Verbose {
			e.Opts.Trace = e.Out.Hidden.Trace(e.TellStep)
		}
		return func() error { return nil }, nil
	}
	sink, closeTrace, err := trace.Open(ctx, a.g.Trace, a.stderr, show.PainterOf(a.stderr, a.g.Output(a.hidden).Colour))
	if err != nil {
		return nil, err
	}
	e.Opts.Trace = a.hidden.Trace(sink)
	return closeTrace, nil
}
