package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols"
)

// prober is the probe verb with its flags.
type prober struct {
	login, nagios, prometheus bool
	chain                     string
	every                     duration
	warn, crit                duration
	certDays                  count
}

func newProber() *prober { return &prober{certDays: count{14, 10_000}} }

func probeVerb(p *prober) *verb {
	v := on[protocols.Client]("probe", "URL...", "is it up: name, connection, TLS, greeting, login; with timings", nil)
	v.run = p.run
	return v.with(func(fs *pflag.FlagSet) {
		fs.BoolVar(&p.login, "login", false, "log in too")
		fs.Var(&p.every, "every", "probe again and again, with this pause")
		fs.StringVar(&p.chain, "chain", "", "write the server's certificates to `FILE` (PEM), - for standard output")
		fs.BoolVar(&p.nagios, "nagios", false, "one line and exit code as monitoring plug-ins have them: 0 ok, 1 warning, 2 critical")
		fs.BoolVar(&p.prometheus, "prometheus", false, "print metrics in the Prometheus text format")
		fs.Var(&p.warn, "warn", "with --nagios: warning when it takes longer")
		fs.Var(&p.crit, "crit", "with --nagios: critical when it takes longer")
		fs.Var(&p.certDays, "cert-days", "with --nagios: warning when the certificate ends within N days")
	}).lasts().eg("probe ftp://ftp.example.org", "probe --nagios --warn 2s --crit 5s ftps://ftp.example.org", "probe --every 30s --json ftp://a ftp://b")
}

// probeJSON is a probe's result.
type probeJSON struct {
	URL          string   `json:"url"`
	Up           bool     `json:"up"`
	Phase        string   `json:"phase,omitempty"`
	ResolveMs    *float64 `json:"resolve_ms,omitempty"`
	ConnectMs    *float64 `json:"connect_ms,omitempty"`
	TLSMs        *float64 `json:"tls_ms,omitempty"`
	GreetingMs   *float64 `json:"greeting_ms,omitempty"`
	LoginMs      *float64 `json:"login_ms,omitempty"`
	TotalMs      float64  `json:"total_ms"`
	TLSVersion   string   `json:"tls_version,omitempty"`
	CertNotAfter string   `json:"cert_not_after,omitempty"`
	*certJSON
	Address  string `json:"address,omitempty"`
	Greeting string `json:"greeting,omitempty"`
	Error    string `json:"error,omitempty"`
}

// result is a report with what went wrong.
type result struct {
	*protocols.Report
	err error
}

func (r *result) json() probeJSON {
	j := probeJSON{
		URL: r.URL, Up: r.Up, Phase: r.Phase, TotalMs: ms(r.Total), TLSVersion: r.TLSVersion, Address: r.Address, Greeting: r.Banner,
		ResolveMs: known(r.Resolve), ConnectMs: known(r.Connect), TLSMs: known(r.TLS), GreetingMs: known(r.Greeting), LoginMs: known(r.Login),
		certJSON: certOf(r.Session),
	}
	if !r.CertNotAfter.IsZero() {
		j.CertNotAfter = r.CertNotAfter.UTC().Format(time.RFC3339)
	}
	if r.err != nil {
		j.Error = r.err.Error()
	}
	return j
}

func (p *prober) run(ctx context.Context, e *env, urls []string) error {
	if p.nagios && p.prometheus {
		return usage("--nagios and --prometheus exclude each other")
	}
	targets, err := e.targets(urls)
	if err != nil {
		return err
	}
	err = p.round(ctx, e, targets)
	for p.every > 0 && !final(ctx, err) {
		if err := e.out.flush(); err != nil {
			return err
		}
		if !sleep(ctx, time.Duration(p.every)) {
			return causeOf(ctx, protocols.Wrap(ctx.Err(), targets[0].Spec.Name, "probe", protocols.Redact(targets[0].URL)))
		}
		if err = e.renew(); err != nil { // a file that is just being replaced will be there again
			e.tell(named(protocols.Wrap(err, "", "probe", ""), "probe"))
			continue
		}
		err = p.round(ctx, e, targets)
	}
	return err
}

// round probes each URL once. What was not done in time is a result as others are.
func (p *prober) round(ctx context.Context, e *env, targets []*protocols.Target) error {
	var results []*result
	var t tally
	show := p.printer(e.out)
	for _, at := range targets {
		r, err := p.one(ctx, e, at)
		if err != nil {
			return err
		}
		late := protocols.KindOf(r.err) == protocols.KindTimeout
		if final(ctx, r.err) && !late {
			return r.err
		}
		t.add(r.err)
		if err := p.writeChain(e.out, r); err != nil {
			return err
		}
		if err := show(r); err != nil {
			return err
		}
		if !p.nagios && len(targets) > 1 {
			e.tell(r.err)
		}
		results = append(results, r)
	}
	if p.nagios {
		return p.nagiosLine(e.out, results)
	}
	if len(targets) == 1 {
		return results[0].err
	}
	return t.err()
}

// one probes one URL with a client of its own, so that each round connects anew.
// Its error is that of a URL that is wrong.
func (p *prober) one(ctx context.Context, e *env, t *protocols.Target) (*result, error) {
	o := *e.optionsFor(t)
	o.ProbeLogin = p.login
	c, err := e.dialWith(t, &o)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	report, err := c.Probe(ctx)
	report.URL = protocols.Redact(t.URL)
	return &result{report, causeOf(ctx, protocols.Wrap(err, t.Spec.Name, "probe", report.URL))}, nil
}

// printer returns what shows one result.
func (p *prober) printer(o *output) func(*result) error {
	switch {
	case p.nagios:
		return func(*result) error { return nil }
	case p.prometheus:
		return func(r *result) error { return o.line(metrics(r)) }
	}
	return func(r *result) error {
		return o.record(r.json(), func() string { return probeText(o.paint, r) + r.details(o.verbose) })
	}
}

// phases are the timed steps in their order.
func (r *result) phases() []struct {
	name string
	took time.Duration
} {
	return []struct {
		name string
		took time.Duration
	}{{"resolve", r.Resolve}, {"connect", r.Connect}, {"tls", r.TLS}, {"greeting", r.Greeting}, {"login", r.Login}}
}

func probeText(paint painter, r *result) string {
	state := paint.as(green, "up")
	if !r.Up {
		state = paint.as(red, "down")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s  %s", safe(r.URL), state, r.Total.Round(10*time.Microsecond))
	for _, ph := range r.phases() {
		if ph.took > 0 {
			fmt.Fprintf(&b, "  %s %s", ph.name, ph.took.Round(10*time.Microsecond))
		}
	}
	if r.TLSVersion != "" {
		fmt.Fprintf(&b, "  %s", safe(r.TLSVersion))
	}
	if !r.CertNotAfter.IsZero() {
		fmt.Fprintf(&b, "  certificate until %s", r.CertNotAfter.Format(time.DateOnly))
	}
	switch {
	case !r.Up:
		fmt.Fprintf(&b, "  failed at %s", r.Phase)
	case r.Banner != "":
		fmt.Fprintf(&b, "  %s", safe(strings.Join(strings.Fields(r.Banner), " ")))
	}
	return b.String()
}
