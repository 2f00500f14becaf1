package verbs

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/exporter"
	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// serving holds the flags of probe --listen.
type serving struct {
	listen, modules, cert, key, users string
	most                              kit.Count
}

func (s *serving) flags(fs *pflag.FlagSet) {
	s.most = kit.NewCount(20, 10_000)
	fs.StringVar(&s.listen, "listen", "", "serve probes to Prometheus at `ADDR`: /probe?target=URL&module=NAME, and /metrics")
	fs.StringVar(&s.modules, "modules", "", "with --listen: read modules from `FILE` (TOML)")
	fs.StringVar(&s.cert, "listen-cert", "", "with --listen: serve by TLS with the certificate in `FILE` (PEM)")
	fs.StringVar(&s.key, "listen-key", "", "with --listen: its private key `FILE` (PEM), if --listen-cert does not contain it")
	fs.StringVar(&s.users, "listen-users", "", "with --listen: let only users of `FILE` in, which has lines NAME:HASH as htpasswd -B writes them")
	fs.Var(&s.most, "max-probes", "with --listen: most probes at a time")
}

// serve is probe --listen: it answers until it is stopped.
func (p *prober) serve(ctx context.Context, e *kit.Env, urls []string) error {
	if p.nagios || p.prometheus || p.chain != "" || p.trip.url != "" || p.expected.given() || p.login {
		return kit.Usage("--listen: what to expect, logins and round trips are set in modules (--modules FILE)")
	}
	modules, err := readModules(ctx, p.serving.modules)
	if err != nil {
		return err
	}
	conf, err := p.serving.tls(ctx)
	if err != nil {
		return err
	}
	x, err := p.exporter(ctx, e, modules)
	if err != nil {
		return err
	}
	targets, err := p.watched(ctx, e, urls, modules)
	if err != nil {
		return err
	}
	l, err := exporter.Listen(ctx, p.serving.listen)
	if err != nil {
		return &protocols.Error{Kind: protocols.KindConnect, Text: "--listen " + p.serving.listen, Err: err}
	}
	scheme := map[bool]string{true: "https", false: "http"}[conf != nil]
	e.Out.Say(fmt.Sprintf("serving probes at %s://%s/probe?target=URL", scheme, l.Addr()))
	inner, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); p.watch(inner, e, x, targets) }()
	err = x.Serve(ctx, l, conf)
	stop()
	<-done
	return kit.CauseOf(ctx, protocols.Wrap(err, "", "probe", ""))
}

// exporter makes what answers.
func (p *prober) exporter(ctx context.Context, e *kit.Env, modules map[string]*module) (*exporter.Exporter, error) {
	p.history = exporter.NewHistory()
	o := exporter.Options{
		Probe: func(ctx context.Context, name, text string) (*exporter.Outcome, error) {
			return probeModule(ctx, e, modules, name, text)
		},
		Timeout: func(name string) time.Duration {
			if m := modules[name]; m != nil {
				return m.within()
			}
			return 0
		},
		Most: p.serving.most.Value, History: p.history, Note: e.Out.Detail,
	}
	if p.serving.users != "" {
		text, err := file.ReadAll(ctx, p.serving.users, maxModules)
		if err != nil {
			return nil, err
		}
		if o.Users, err = exporter.ReadUsers(string(text)); err != nil {
			return nil, kit.Usage("--listen-users %s: %v", p.serving.users, err)
		}
	}
	return exporter.New(o), nil
}

// tls reads the certificate to serve with; without one it returns nil.
func (s *serving) tls(ctx context.Context) (*tls.Config, error) {
	if s.cert == "" {
		if s.key != "" {
			return nil, kit.Usage("--listen-key needs --listen-cert")
		}
		return nil, nil
	}
	cert, err := file.ReadAll(ctx, s.cert, maxModules)
	if err != nil {
		return nil, err
	}
	key := cert
	if s.key != "" {
		if key, err = file.ReadAll(ctx, s.key, maxModules); err != nil {
			return nil, err
		}
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, kit.Usage("--listen-cert %s: %v", s.cert, err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// probeModule probes a target that somebody has asked for. Errors are about the request.
func probeModule(ctx context.Context, e *kit.Env, modules map[string]*module, name, text string) (*exporter.Outcome, error) {
	m := modules[name]
	if m == nil {
		known := slices.DeleteFunc(slices.Sorted(maps.Keys(modules)), func(n string) bool { return n == "" })
		return nil, fmt.Errorf("no module %q; there is %s", name, strings.Join(known, ", "))
	}
	t, err := remoteTarget(e, m, text)
	if err != nil {
		return nil, err
	}
	p, env, err := m.prober(ctx, e)
	if err != nil {
		return nil, err
	}
	r, err := p.one(ctx, env, t)
	if err != nil {
		return nil, err
	}
	return r.outcome(), nil
}

// remoteTarget reads a target of a request: a server, not a file of this machine, and
// without a password, which logs would show.
func remoteTarget(e *kit.Env, m *module, text string) (*protocols.Target, error) {
	if !strings.Contains(text, "://") && m.Scheme != "" {
		text = m.Scheme + "://" + text
	}
	t, err := e.Reg.Parse(text, "")
	switch {
	case err != nil:
		return nil, err
	case t.URL.Host == "" || t.Spec.Hidden:
		return nil, fmt.Errorf("target: want the URL of a server")
	}
	if _, has := t.URL.User.Password(); has {
		return nil, fmt.Errorf("target: a password does not belong into a URL; modules have logins")
	}
	return t, nil
}

// outcome is a result as the exporter takes it.
func (r *result) outcome() *exporter.Outcome {
	o := &exporter.Outcome{Report: r.Report, Err: r.err, Token: r.token}
	for _, s := range r.trip {
		o.Trip = append(o.Trip, exporter.Phase{Name: s.Name, Took: s.Took})
	}
	return o
}

// watched are the targets that are probed at the interval.
func (p *prober) watched(ctx context.Context, e *kit.Env, urls []string, modules map[string]*module) ([]target, error) {
	list, err := readTargets(ctx, p.targets)
	if err != nil {
		return nil, err
	}
	for _, u := range urls {
		list = append(list, target{url: u})
	}
	if (len(list) > 0) != (p.every > 0) {
		return nil, kit.Usage("--listen: URLs and --targets need --every, which says how often they are probed, and --every needs them")
	}
	for _, t := range list {
		if modules[t.module] == nil {
			return nil, kit.Usage("--targets %s: no module %q", p.targets, t.module)
		}
		if _, err := remoteTarget(e, modules[t.module], t.url); err != nil {
			return nil, kit.Usage("--targets: %s: %v", protocols.RedactText(t.url), err)
		}
	}
	return list, nil
}

// watch probes the targets at the interval until the context ends.
func (p *prober) watch(ctx context.Context, e *kit.Env, x *exporter.Exporter, targets []target) {
	for len(targets) > 0 && ctx.Err() == nil {
		start := time.Now()
		turns := make(chan struct{}, p.serving.most.Value)
		var all sync.WaitGroup
		for _, t := range targets {
			turns <- struct{}{}
			all.Go(func() {
				defer func() { <-turns }()
				p.look(ctx, x, t)
			})
		}
		all.Wait()
		if err := p.write(ctx); err != nil {
			e.Tell(err)
		}
		if retry.Sleep(ctx, max(time.Duration(p.every)-time.Since(start), time.Millisecond)) != nil {
			return
		}
	}
}

// look probes one target and notes it.
func (p *prober) look(ctx context.Context, x *exporter.Exporter, t target) {
	out, err := x.MeasureWithin(ctx, t.module, t.url)
	if err == nil && ctx.Err() == nil {
		p.history.Add(time.Now(), show.Safe(out.Report.URL), out, reason(out.Err))
	}
}

func reason(err error) string {
	if err == nil {
		return ""
	}
	return show.Safe(strings.Join(strings.Fields(err.Error()), " "))
}

// draw notes the results of a round and writes the page, where there is to be one.
func (p *prober) draw(ctx context.Context, results []*result) error {
	if p.html == "" {
		return nil
	}
	if p.history == nil {
		p.history = exporter.NewHistory()
	}
	for _, r := range results {
		p.history.Add(time.Now(), show.Safe(r.URL), r.outcome(), reason(r.err))
	}
	return p.write(ctx)
}

// write replaces the page.
func (p *prober) write(ctx context.Context) error {
	if p.html == "" {
		return nil
	}
	text, err := p.history.Page(time.Now())
	if err != nil {
		return err
	}
	return file.Replace(ctx, p.html, text, 0o644)
}
