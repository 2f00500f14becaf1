package smtpcmd

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/mailtls"
	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http/roundtrip"
	"github.com/netclients/netclients/protocols/smtp"
)

// mxFlags are those of messages that go to the hosts of a domain.
func (m *mailer) mxFlags(fs *pflag.FlagSet) {
	m.mxPolicy = kit.OneOf("auto", "auto", "off")
	fs.StringVar(&m.dns, "dns", "", "name server `ADDR` to ask for MX records; its word on DNSSEC is trusted")
	fs.Var(&m.mxPolicy, "mx-policy", "keep what the recipients' domain asks of TLS (MTA-STS, DANE): auto, off")
}

// route is the way to the hosts of a domain.
type route struct {
	hosts []string
	*mailtls.Route
}

// exchangers finds the hosts of a domain's MX records, and what the domain asks of TLS.
func (m *mailer) exchangers(ctx context.Context, e *kit.Env, domain string) (*route, error) {
	system := transport.NameServer(m.dns, e.Opts)
	if m.mxPolicy.Value == "off" || e.Opts.TLS.Mode == protocols.TLSOff {
		hosts, err := smtp.Exchangers(ctx, system, domain)
		return &route{hosts: hosts}, err
	}
	kept, err := kit.StateDir("mta-sts")
	if err != nil {
		return nil, err
	}
	web := roundtrip.New(roundtrip.Config{Options: e.Opts})
	defer web.Close()
	f := &mailtls.Finder{System: system, Fetch: policyFrom(web), Cache: mailtls.NewCache(kept), Now: time.Now, Tell: e.Out.Detail, Trusted: m.trusted(e)}
	r, err := f.Route(ctx, domain)
	if err != nil {
		return nil, err
	}
	hosts, err := smtp.Exchangers(ctx, r, domain)
	return &route{hosts, r}, err
}

// trusted returns the name server whose word on DNSSEC counts: that of --dns, or the
// system's where it is on this machine.
func (m *mailer) trusted(e *kit.Env) *mailtls.Server {
	if m.dns != "" {
		return mailtls.NewServer(m.dns, e.Opts)
	}
	conf, err := os.Open("/etc/resolv.conf")
	if err != nil {
		return nil // a system without one: no DANE
	}
	defer conf.Close()
	return mailtls.Local(conf, e.Opts)
}

// policyFrom fetches policies by our own HTTP, without redirects (RFC 8461 3.3).
func policyFrom(web http.RoundTripper) func(ctx context.Context, u string, limit int64) ([]byte, error) {
	return func(ctx context.Context, u string, limit int64) ([]byte, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
		if err != nil {
			return nil, err
		}
		resp, err := web.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		if resp.StatusCode != http.StatusOK || kind != "text/plain" {
			return nil, fmt.Errorf("%s: the answer is %s, %s", u, resp.Status, cmp.Or(kind, "without a type"))
		}
		b, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
		if err == nil && int64(len(b)) > limit {
			err = fmt.Errorf("%s: longer than %d bytes", u, limit)
		}
		return b, err
	}
}

// demand returns what is asked of the connection to one host.
func (r *route) demand(ctx context.Context, e *kit.Env, at *protocols.Target, host string) (mailtls.Demand, error) {
	if r.Route == nil {
		return mailtls.Demand{}, nil
	}
	_, port := protocols.HostPort(at.URL, at.Scheme)
	d, err := r.Demand(ctx, host, port)
	switch {
	case err != nil:
	case d.Warn != "":
		e.Out.Warn(d.Warn)
	case d.Text != "":
		e.Out.Detail(d.Text)
	}
	return d, err
}

// direct sends to the hosts of a domain's MX records.
func (m *mailer) direct(ctx context.Context, e *kit.Env, at *protocols.Target, domain string, x *smtp.Mail) error {
	var by way
	var r *protocols.Receipt
	err := e.Again(ctx, func() (err error) {
		by, r, err = m.viaMX(ctx, e, at, domain, x)
		return err
	})
	return m.tell(e, by, r, err)
}

// viaMX makes one attempt at the hosts of a domain.
func (m *mailer) viaMX(ctx context.Context, e *kit.Env, at *protocols.Target, domain string, x *smtp.Mail) (by way, r *protocols.Receipt, err error) {
	by.url = protocols.Redact(at.URL)
	to, err := m.exchangers(ctx, e, domain)
	if err != nil {
		return by, nil, err
	}
	e.Out.Detail("hosts of " + domain + ": " + strings.Join(to.hosts, " "))
	host, r, err := smtp.SendVia(ctx, to.hosts, func(host string) (*smtp.Client, error) {
		d, err := to.demand(ctx, e, at, host)
		if err != nil {
			return nil, err
		}
		by.policy = d.By
		return m.clientOf(e, *at, host, d)
	}, x)
	by.url = at.URL.Scheme + "://" + host
	return by, r, err
}

// test is quit, with --mx at the preferred host of the domain.
func (m *mailer) test(ctx context.Context, e *kit.Env, c *smtp.Client, at *protocols.Target) error {
	if !m.mx {
		return m.quit(ctx, e, c)
	}
	to, err := m.exchangers(ctx, e, at.URL.Hostname())
	if err != nil {
		return err
	}
	d, err := to.demand(ctx, e, at, to.hosts[0])
	if err != nil {
		return err
	}
	first, err := m.clientOf(e, *at, to.hosts[0], d)
	if err != nil {
		return err
	}
	defer first.Close()
	return m.quit(ctx, e, first)
}

// clientOf makes the client of one host in place of the target's, as the demand of the
// domain wants it. Nobody logs in
// there: the password is for the target, and the host is what DNS says.
func (m *mailer) clientOf(e *kit.Env, at protocols.Target, host string, d mailtls.Demand) (*smtp.Client, error) {
	u := *at.URL
	port := u.Port()
	u.Host = host
	if strings.Contains(host, ":") {
		u.Host = "[" + host + "]"
	}
	if port != "" {
		u.Host = net.JoinHostPort(host, port)
	}
	u.User = nil
	at.URL = &u
	o := *e.OptionsFor(&at)
	o.Credentials = func(context.Context, protocols.CredentialRequest) (protocols.Credential, error) {
		return protocols.Credential{}, nil
	}
	d.Apply(&o)
	c, err := e.DialWith(&at, &o)
	if err != nil {
		return nil, err
	}
	x, _ := protocols.As[*smtp.Client](c)
	return x, nil
}
