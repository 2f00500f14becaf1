package verbs

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/exporter"
	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/internal/roundtrip"
	"github.com/netclients/netclients/protocols"
)

// prober is the probe verb with its flags.
type prober struct {
	login, nagios, prometheus bool
	chain                     string
	every                     kit.Duration
	warn, crit                kit.Duration
	certDays                  days
	expected                  expectation
	trip                      tripFlags
	serving                   serving
	targets, html             string
	history                   *exporter.History // of the page; nil: there is none
}

func newProber() *prober { return &prober{certDays: days{warn: 14}} }

func probeVerb(p *prober) *kit.Verb {
	return &kit.Verb{
		Name: "probe", Args: "[URL...]", Short: "check a server: name, connection, TLS, greeting, login; with timings", Generic: true, Lasting: true,
		Works: kit.Is[protocols.Client], Flags: p.flags, Run: p.run,
		Examples: []string{"probe ftp://ftp.example.org", "probe --nagios -w 2s -c 5s --cert-days 21,7 ftps://ftp.example.org", "probe --expect-status 200 --expect-body 'in stock' https://shop.example.org/", "probe --every 30s --json ftp://a ftp://b", "probe 'tcp://host:{20-30}'", "probe --round-trip imap://bob@mail.example.org/INBOX smtp://mail.example.org", "probe --every 1m --targets servers.txt --html probes.html", "probe --listen :9720 --modules probe.toml"},
	}
}

func (p *prober) flags(fs *pflag.FlagSet) {
	fs.BoolVar(&p.login, "login", false, "log in too")
	fs.Var(&p.every, "every", "repeat the probe at this interval")
	fs.StringVar(&p.chain, "chain", "", "write the server's certificates to `FILE` (PEM), - for standard output")
	fs.BoolVar(&p.nagios, "nagios", false, "one line and exit code as monitoring plug-ins have them: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN")
	fs.BoolVar(&p.prometheus, "prometheus", false, "print metrics in the Prometheus text format")
	fs.VarP(&p.warn, "warn", "w", "with --nagios: warning when it takes longer")
	fs.VarP(&p.crit, "crit", "c", "with --nagios: critical when it takes longer")
	fs.Var(&p.certDays, "cert-days", "with --nagios: warning, and critical, when the certificate ends within so many days")
	fs.StringVar(&p.targets, "targets", "", "probe the URLs of `FILE` too, one a line; with --listen a module may follow each")
	fs.StringVar(&p.html, "html", "", "with --every: write a page with the timings of the last probes to `FILE` after each round")
	p.expected.flags(fs)
	p.trip.flags(fs)
	p.serving.flags(fs)
}

// probeJSON is a probe's result.
type probeJSON struct {
	URL          string   `json:"url"`
	Up           bool     `json:"up"`
	Phase        string   `json:"phase,omitempty"`
	Status       int      `json:"status,omitempty"`
	ResolveMs    *float64 `json:"resolve_ms,omitempty"`
	ConnectMs    *float64 `json:"connect_ms,omitempty"`
	TLSMs        *float64 `json:"tls_ms,omitempty"`
	GreetingMs   *float64 `json:"greeting_ms,omitempty"`
	LoginMs      *float64 `json:"login_ms,omitempty"`
	TotalMs      float64  `json:"total_ms"`
	RoundTripMs  *float64 `json:"round_trip_ms,omitempty"`
	TLSVersion   string   `json:"tls_version,omitempty"`
	CertNotAfter string   `json:"cert_not_after,omitempty"`
	// TokenNotAfter is when the token of the login ends.
	TokenNotAfter string `json:"token_not_after,omitempty"`
	*certJSON
	Address  string `json:"address,omitempty"`
	Greeting string `json:"greeting,omitempty"`
	Error    string `json:"error,omitempty"`
}

// result is a report with what went wrong.
type result struct {
	*protocols.Report
	err   error
	trip  []roundtrip.Step
	token time.Time // when the token of the login ends; zero: not known
}

func (r *result) json() probeJSON {
	j := probeJSON{
		URL: r.URL, Up: r.Up, Phase: r.Phase, Status: r.Status, TotalMs: show.Millis(r.Total), TLSVersion: r.TLSVersion, Address: r.Address, Greeting: r.Banner,
		ResolveMs: show.KnownMillis(r.Resolve), ConnectMs: show.KnownMillis(r.Connect), TLSMs: show.KnownMillis(r.TLS), GreetingMs: show.KnownMillis(r.Greeting), LoginMs: show.KnownMillis(r.Login),
		certJSON: certOf(r.Session), RoundTripMs: show.KnownMillis(r.tripTime()),
	}
	if !r.CertNotAfter.IsZero() {
		j.CertNotAfter = r.CertNotAfter.UTC().Format(time.RFC3339)
	}
	if !r.token.IsZero() {
		j.TokenNotAfter = r.token.UTC().Format(time.RFC3339)
	}
	if r.err != nil {
		j.Error = r.err.Error()
	}
	return j
}

func (p *prober) run(ctx context.Context, e *kit.Env, urls []string) error {
	if err := p.conflict(e); err != nil {
		return err
	}
	if p.serving.listen != "" {
		return p.serve(ctx, e, urls)
	}
	targets, err := p.all(ctx, e, urls)
	if err != nil {
		return err
	}
	err = p.round(ctx, e, targets)
	for p.every > 0 && !kit.Final(ctx, err) {
		if err := e.Out.Flush(); err != nil {
			return err
		}
		if retry.Sleep(ctx, time.Duration(p.every)) != nil {
			return kit.CauseOf(ctx, protocols.Wrap(ctx.Err(), targets[0].Spec.Name, "probe", protocols.Redact(targets[0].URL)))
		}
		if err = e.Renew(ctx); err != nil { // a file that is just being replaced will be there again
			e.Tell(kit.Named(protocols.Wrap(err, "", "probe", ""), "probe"))
			continue
		}
		err = p.round(ctx, e, targets)
	}
	return err
}

// all are the targets of the arguments and of --targets.
func (p *prober) all(ctx context.Context, e *kit.Env, urls []string) ([]*protocols.Target, error) {
	urls, err := eachPort(urls)
	if err != nil {
		return nil, err
	}
	list, err := readTargets(ctx, p.targets)
	if err != nil {
		return nil, err
	}
	for _, l := range list {
		if l.module != "" {
			return nil, kit.Usage("--targets %s: modules are for --listen", p.targets)
		}
		urls = append(urls, l.url)
	}
	if len(urls) == 0 {
		return nil, kit.Usage("probe: URL is missing: netclients probe URL...; for example: netclients probe ftp://ftp.example.org")
	}
	return e.Targets(urls)
}

// conflict is the error for flags that would have no effect together.
func (p *prober) conflict(e *kit.Env) error {
	asJSON := e.Out.JSON
	switch {
	case p.nagios && p.prometheus:
		return kit.Usage("--nagios and --prometheus cannot be used together")
	case asJSON && (p.nagios || p.prometheus):
		return kit.Usage("--json and --jq cannot be used with --nagios or --prometheus, which have a format of their own")
	case p.nagios && p.every > 0:
		return kit.Usage("--every cannot be used with --nagios: a plug-in ends after one probe")
	case p.html != "" && p.every == 0:
		return kit.Usage("--html needs --every")
	}
	for _, flag := range []string{"warn", "crit", "cert-days"} {
		if !p.nagios && e.Flags.Given(flag) {
			return kit.Usage("--%s is for --nagios", flag)
		}
	}
	return nil
}

// round probes each URL once. What was not done in time is a result as others are.
func (p *prober) round(ctx context.Context, e *kit.Env, targets []*protocols.Target) error {
	var results []*result
	var t kit.Tally
	show := p.printer(e.Out)
	for _, at := range targets {
		r, err := p.one(ctx, e, at)
		if err != nil {
			return err
		}
		late := protocols.KindOf(r.err) == protocols.KindTimeout
		if kit.Final(ctx, r.err) && !late {
			return r.err
		}
		t.Add(r.err)
		if err := p.writeChain(e.Out, r); err != nil {
			return err
		}
		if err := show(r); err != nil {
			return err
		}
		if !p.nagios && len(targets) > 1 {
			e.Tell(r.err)
		}
		results = append(results, r)
	}
	if err := p.draw(ctx, results); err != nil {
		return err
	}
	if p.nagios {
		return p.nagiosLine(e.Out, results)
	}
	if p.prometheus {
		if err := e.Out.Line(metrics(results)); err != nil {
			return err
		}
	}
	if len(targets) == 1 {
		return results[0].err
	}
	return t.Err()
}

// one probes one URL with a client of its own, so that each round connects anew.
// Its error is that of a URL that is wrong.
func (p *prober) one(ctx context.Context, e *kit.Env, t *protocols.Target) (*result, error) {
	o := *e.OptionsFor(t)
	o.ProbeLogin = p.login
	c, err := e.DialWith(t, &o)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := p.expected.set(c, t); err != nil {
		return nil, err
	}
	report, err := c.Probe(ctx)
	report.URL, report.Banner = protocols.Redact(t.URL), e.Out.Hidden.Text(report.Banner)
	r := &result{Report: report, token: e.TokenEnds(t)}
	op := "probe"
	if err == nil {
		r.trip, err = p.trip.run(ctx, e, t)
		if err != nil {
			r.Up, r.Phase, op = false, "round trip", "round trip"
		}
	}
	r.err = e.Out.Hidden.Error(kit.CauseOf(ctx, protocols.Wrap(err, t.Spec.Name, op, report.URL)))
	return r, nil
}

// printer returns what shows one result.
func (p *prober) printer(o *show.Output) func(*result) error {
	if p.nagios || p.prometheus { // all results together, at the end of the round
		return func(*result) error { return nil }
	}
	return func(r *result) error {
		return o.Record(r.json(), func() string { return probeText(o.Paint, r) + r.details(o.Verbose) })
	}
}

// phase is a timed step.
type phase struct {
	name string
	took time.Duration
}

// phases are the timed steps in their order.
func (r *result) phases() []phase {
	all := []phase{{"resolve", r.Resolve}, {"connect", r.Connect}, {"tls", r.TLS}, {"greeting", r.Greeting}, {"login", r.Login}}
	for _, s := range r.trip {
		all = append(all, phase{s.Name, s.Took})
	}
	return all
}

// tripTime is how long the round trip took.
func (r *result) tripTime() (d time.Duration) {
	for _, s := range r.trip {
		d += s.Took
	}
	return d
}

func probeText(paint show.Painter, r *result) string {
	state := paint.As(show.Green, "up")
	if !r.Up {
		state = paint.As(show.Red, "down")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s  %s", show.Safe(r.URL), state, r.Total.Round(10*time.Microsecond))
	for _, ph := range r.phases() {
		if ph.took > 0 {
			fmt.Fprintf(&b, "  %s %s", ph.name, ph.took.Round(10*time.Microsecond))
		}
	}
	if r.Status > 0 {
		fmt.Fprintf(&b, "  status %d", r.Status)
	}
	if r.TLSVersion != "" {
		fmt.Fprintf(&b, "  %s", show.Safe(r.TLSVersion))
	}
	if !r.CertNotAfter.IsZero() {
		fmt.Fprintf(&b, "  certificate until %s", r.CertNotAfter.Format(time.DateOnly))
	}
	if !r.token.IsZero() {
		fmt.Fprintf(&b, "  token until %s", r.token.Local().Format(time.DateTime))
	}
	switch {
	case !r.Up:
		fmt.Fprintf(&b, "  failed at %s", r.Phase)
	case r.Banner != "":
		fmt.Fprintf(&b, "  %s", show.Safe(strings.Join(strings.Fields(r.Banner), " ")))
	}
	return b.String()
}
