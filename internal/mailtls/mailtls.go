// Package mailtls finds out what the domain of a recipient asks of TLS: MTA-STS, a policy
// that is fetched over HTTPS (RFC 8461), and DANE, records that DNSSEC protects (RFC 7672).
// Where both say something about a host DANE decides.
package mailtls

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
)

// System is what is asked where no [Server] is trusted; *net.Resolver is one.
type System interface {
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupTXT(ctx context.Context, name string) ([]string, error)
}

// Finder finds what domains ask for.
type Finder struct {
	Trusted *Server // nil: there is no DANE
	System  System
	// Fetch returns the text at an HTTPS address whose server is verified. It follows no
	// redirects and returns an error for what is not text/plain.
	Fetch func(ctx context.Context, url string, limit int64) ([]byte, error)
	Cache *Cache
	Now   func() time.Time
	Tell  func(text string) // for those who want the details
}

// Route is what is known of the way to a domain.
type Route struct {
	f      *Finder
	domain string
	given  bool // by an address: nobody publishes anything about it
	secure bool // the names of the hosts are validated
	policy *Policy
}

// Route finds the policy of a domain. It looks up no hosts.
func (f *Finder) Route(ctx context.Context, domain string) (*Route, error) {
	r := &Route{f: f, domain: domain, secure: f.Trusted != nil}
	name, err := transport.Host(domain)
	if _, bad := netip.ParseAddr(name); err != nil || bad == nil || strings.HasPrefix(domain, "[") {
		r.given = true
		return r, nil
	}
	r.domain = name
	r.policy, err = f.policy(ctx, name)
	return r, err
}

// LookupMX returns the hosts of the domain, and notes whether they are validated.
func (r *Route) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	if r.f.Trusted == nil {
		return r.f.System.LookupMX(ctx, name)
	}
	a, err := r.f.Trusted.ask(ctx, name, dnsmessage.TypeMX)
	if err != nil {
		return nil, err
	}
	r.secure = a.secure
	var list []*net.MX
	for _, rr := range a.records {
		if mx, ok := rr.Body.(*dnsmessage.MXResource); ok {
			list = append(list, &net.MX{Host: mx.MX.String(), Pref: mx.Pref})
		}
	}
	if len(list) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: name, Server: r.f.Trusted.addr, IsNotFound: true}
	}
	return list, nil
}

// policy returns the policy of a domain in its cache or at its web server, or nil. Where
// a new one cannot be had the kept one holds on (RFC 8461 3.3).
func (f *Finder) policy(ctx context.Context, domain string) (*Policy, error) {
	kept := f.Cache.get(domain, f.Now())
	texts, err := f.texts(ctx, "_mta-sts."+domain)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	id := policyID(texts)
	if err != nil || id == "" || kept != nil && kept.ID == id {
		return kept, nil
	}
	text, err := f.Fetch(ctx, "https://mta-sts."+domain+"/.well-known/mta-sts.txt", maxPolicy)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var p *Policy
	if err == nil {
		p, err = parsePolicy(text)
	}
	if err != nil {
		f.Tell("the MTA-STS policy of " + domain + " cannot be had: " + err.Error())
		return kept, nil
	}
	p.ID, p.Until = id, f.Now().Add(p.MaxAge).UTC().Truncate(time.Second)
	if err := f.Cache.put(ctx, domain, p); err != nil {
		f.Tell(err.Error())
	}
	return p, nil
}

// texts returns the TXT records of a name.
func (f *Finder) texts(ctx context.Context, name string) ([]string, error) {
	if f.Trusted == nil {
		return f.System.LookupTXT(ctx, name)
	}
	a, err := f.Trusted.ask(ctx, name, dnsmessage.TypeTXT)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, rr := range a.records {
		if txt, ok := rr.Body.(*dnsmessage.TXTResource); ok {
			all = append(all, strings.Join(txt.TXT, ""))
		}
	}
	return all, nil
}

// Demand is what is asked of the connection to one host. The zero value asks for nothing.
type Demand struct {
	By     string // "dane", "mta-sts"; empty: nobody
	Text   string // for people
	Warn   string // what a policy that is only tested would have refused
	verify func(tls.ConnectionState) error
	any    bool // TLS is asked for, whatever the certificate is
}

// Demand returns what is asked of the connection to a host of the domain. An error is of
// kind TLS where the host must not be used, else another attempt may help.
func (r *Route) Demand(ctx context.Context, host, port string) (Demand, error) {
	if r.given {
		return Demand{}, nil
	}
	d, err := r.dane(ctx, host, port)
	if err != nil || d.By != "" || r.policy == nil {
		return d, err
	}
	allowed := r.policy.allows(host)
	switch {
	case r.policy.Mode == modeEnforce && !allowed:
		return d, &protocols.Error{Kind: protocols.KindTLS, Text: host + " is not among the hosts that the MTA-STS policy of " + r.domain + " allows (" + strings.Join(r.policy.MX, ", ") + ")",
			Hint: "the MX records and the policy of the domain do not belong together: tell its postmaster, or send with --mx-policy off"}
	case r.policy.Mode == modeEnforce:
		d.By, d.Text = "mta-sts", host+": the MTA-STS policy of "+r.domain+" asks for a verified certificate"
	case r.policy.Mode == modeTesting && !allowed:
		d.Warn = host + " is not among the hosts that the MTA-STS policy of " + r.domain + " allows; the policy is in testing, so that the message is sent"
	}
	return d, nil
}

// dane looks up the records of a host, where all names on the way to it are validated
// (RFC 7672 2.2).
func (r *Route) dane(ctx context.Context, host, port string) (Demand, error) {
	name, err := transport.Host(host)
	if _, ip := netip.ParseAddr(name); err != nil || ip == nil || !r.secure {
		return Demand{}, nil
	}
	bases, err := r.f.bases(ctx, name)
	if err != nil {
		return Demand{}, err
	}
	for _, base := range bases {
		a, err := r.f.Trusted.ask(ctx, "_"+port+"._tcp."+base, typeTLSA)
		if err != nil {
			return Demand{}, err // one who can suppress the records must not win
		}
		records, any := tlsaOf(a)
		if !a.secure || !any {
			continue
		}
		if len(records) == 0 {
			return Demand{By: "dane", Text: host + ": DANE, but no TLSA record that can be used: TLS is required, the certificate is not checked", any: true}, nil
		}
		check := &dane{host: host, records: records, names: []string{name, base, r.domain}, now: r.f.Now}
		return Demand{By: "dane", Text: host + ": DANE, TLSA " + forms(records), verify: check.verify}, nil
	}
	return Demand{}, nil
}

// bases returns the names at which TLSA records of a host may stand: where its aliases
// end, and the host itself. None where its addresses are not validated.
func (f *Finder) bases(ctx context.Context, name string) ([]string, error) {
	end := name
	for _, t := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA} {
		a, err := f.Trusted.ask(ctx, name, t)
		if err != nil {
			return nil, err
		}
		if !a.secure {
			return nil, nil
		}
		end = a.canonical(end)
	}
	if end != name {
		return []string{end, name}, nil
	}
	return []string{name}, nil
}

func forms(records []tlsa) string {
	var all []string
	for _, r := range records {
		all = append(all, r.String())
	}
	return strings.Join(all, ", ")
}

// Apply makes the options of a client as the demand wants them.
func (d Demand) Apply(o *protocols.Options) {
	if d.By == "" {
		return
	}
	o.TLS.Mode = protocols.TLSRequire
	if d.verify == nil && !d.any {
		return
	}
	cfg := &tls.Config{}
	if o.TLS.Config != nil {
		cfg = o.TLS.Config.Clone()
	}
	cfg.InsecureSkipVerify = true // the records say which certificate is right
	cfg.ClientSessionCache = nil
	cfg.VerifyConnection = d.verify
	o.TLS.Config = cfg
}
