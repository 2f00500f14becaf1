package kit

import (
	"context"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/protocols"
)

// Apart returns an environment for targets that others name, such as those whom an
// exporter serves: with the settings of a profile on top of the flags of the command
// line, and without the login of those flags or of NETCLIENTS_PASSWORD. A login of the
// profile goes to the server of its URL and to no other. Nobody is asked. A nil profile
// has no settings.
func (e *Env) Apart(ctx context.Context, p *secret.Profile) (*Env, error) {
	if p == nil {
		p = &secret.Profile{}
	}
	g, fs := NewGlobals(), pflag.NewFlagSet("", pflag.ContinueOnError)
	g.Register(fs)
	if e.Flags.set != nil {
		e.Flags.set.Visit(func(f *pflag.Flag) {
			if to := fs.Lookup(f.Name); to != nil && to.Value.Type() != "stringArray" && !strings.HasPrefix(f.Name, "password") {
				_ = fs.Set(f.Name, f.Value.String()) // it was accepted before
			}
		})
	}
	g.pins, g.resolve, g.connectTo, g.ProxyHeaders = e.Flags.pins, e.Flags.resolve, e.Flags.connectTo, e.Flags.ProxyHeaders
	for name, value := range p.Flags() {
		if fs.Lookup(name) == nil {
			continue // of a protocol
		}
		if err := fs.Set(name, value); err != nil {
			return nil, Usage("%s: %v", name, err)
		}
	}
	g.Read(fs)
	o, err := g.Options(ctx)
	if err != nil {
		return nil, err
	}
	o.Trace, o.Limiter = e.Opts.Trace, e.Opts.Limiter
	return &Env{
		Reg: e.Reg, Flags: g, Setups: e.Setups, Verb: e.Verb, Opts: o, Out: e.Out, Shared: secret.NewStore(), Profile: p, Can: e.Can, Unknown: e.Unknown,
		Open: map[string]protocols.Client{}, PerHost: map[string]*protocols.Options{}, Idle: map[string][]protocols.Client{}, apart: true,
	}, nil
}
