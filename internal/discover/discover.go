// Package discover finds the servers of a mail account: by the SRV records of its domain
// (RFC 6186, RFC 8314) and by the configuration that the domain publishes for mail programs
// (autoconfig). It guesses nothing.
package discover

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
)

// Resolver looks up records; *net.Resolver is one.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
}

// Fetch returns the content of a URL, at most limit bytes. What is not there is an error of
// kind Refused.
type Fetch func(ctx context.Context, u string, limit int64) ([]byte, error)

// Service is one server of an account.
type Service struct {
	URL      string   // with the user, as clients take it; TLS is required where it is an upgrade
	Protocol string   // imap, pop3 or smtp
	TLS      string   // implicit, upgrade, or none
	Source   string   // srv or autoconfig
	From     string   // the record or URL that says so
	Auth     []string // ways to log in, as autoconfig names them
	Note     string   // what to look at before it is used
}

// Finder finds accounts.
type Finder struct {
	Resolver Resolver
	Fetch    Fetch
}

// records are the SRV records of mail, the better one of each protocol first.
var records = []struct{ service, scheme, protocol, tls string }{
	{"imaps", "imaps", "imap", "implicit"},
	{"imap", "imap", "imap", "upgrade"},
	{"pop3s", "pop3s", "pop3", "implicit"},
	{"pop3", "pop3", "pop3", "upgrade"},
	{"submissions", "smtps", "smtp", "implicit"},
	{"submission", "submission", "smtp", "upgrade"},
}

// defaultPorts are those that a URL need not name.
var defaultPorts = map[string]int{"imaps": 993, "imap": 143, "pop3s": 995, "pop3": 110, "smtps": 465, "submission": 587, "smtp": 25}

// Account splits an address into its parts. The domain is in ASCII.
func Account(address string) (local, domain string, err error) {
	i := strings.LastIndexByte(address, '@')
	if i < 1 || strings.ContainsAny(address, " \t\r\n\x00<>") {
		return "", "", protocols.UsageError("", "discover", strconv.Quote(address)+" is not a mail address: want NAME@DOMAIN")
	}
	domain, err = transport.Host(address[i+1:])
	if err != nil || !strings.Contains(domain, ".") {
		return "", "", protocols.UsageError("", "discover", strconv.Quote(address[i+1:])+" is not the domain of a mail address")
	}
	return address[:i], domain, nil
}

// Find returns the servers of an account, those of one source after the other, the ones to
// try first at the beginning. An account of which nothing is published is an error of kind
// Refused; when nothing could be asked, it is the error of that.
func (f *Finder) Find(ctx context.Context, address string) ([]Service, error) {
	local, domain, err := Account(address)
	if err != nil {
		return nil, err
	}
	found, failure := f.bySRV(ctx, local, domain)
	more, err := f.byConfig(ctx, local, domain)
	found, failure = append(found, more...), cmp.Or(failure, err)
	if len(found) > 0 {
		return found, nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if failure != nil {
		return nil, failure
	}
	return nil, &protocols.Error{
		Op: "discover", Kind: protocols.KindRefused, Text: domain + " publishes no servers of mail: no SRV records (RFC 6186), no autoconfig",
		Hint: "ask the provider; netclients doctor URL finds what works with a server",
	}
}

// bySRV asks for the records of all protocols. The error is one that says nothing about the
// account: no name server has answered.
func (f *Finder) bySRV(ctx context.Context, local, domain string) (found []Service, err error) {
	for _, r := range records {
		_, hosts, bad := f.Resolver.LookupSRV(ctx, r.service, "tcp", domain)
		if d, ok := errors.AsType[*net.DNSError](bad); ok && d.IsNotFound {
			continue
		}
		if bad != nil && len(hosts) == 0 {
			err = cmp.Or(err, error(&protocols.Error{Op: "discover", Kind: protocols.KindConnect, Retryable: true, Text: "SRV records of " + domain, Err: bad}))
			continue
		}
		for _, h := range hosts {
			host := strings.ToLower(strings.TrimSuffix(h.Target, "."))
			if host == "" { // the protocol is not offered (RFC 6186 3.4)
				continue
			}
			s := Service{Protocol: r.protocol, TLS: r.tls, Source: "srv", From: "_" + r.service + "._tcp." + domain, URL: serviceURL(r.scheme, local+"@"+domain, host, int(h.Port))}
			s.Note = elsewhere(host, domain)
			found = append(found, s)
		}
	}
	return found, err
}

// elsewhere is a warning for a host that does not belong to the domain: anybody who can
// forge answers of DNS could have named it (RFC 6186 6).
func elsewhere(host, domain string) string {
	if host == domain || strings.HasSuffix(host, "."+domain) {
		return ""
	}
	return "the host is not below " + domain + ": confirm that it is the provider's"
}

// serviceURL makes the URL of a server; a port is there when it is not the scheme's own.
func serviceURL(scheme, user, host string, port int) string {
	u := url.URL{Scheme: scheme, Host: host, Path: "/"}
	if strings.Contains(host, ":") {
		u.Host = "[" + host + "]"
	}
	if port > 0 && port != defaultPorts[scheme] {
		u.Host = net.JoinHostPort(host, strconv.Itoa(port))
	}
	if user != "" {
		u.User = url.User(user)
	}
	return u.String()
}

// byConfig asks for the configuration where the domain would publish it.
func (f *Finder) byConfig(ctx context.Context, local, domain string) ([]Service, error) {
	query := "?emailaddress=" + url.QueryEscape(local+"@"+domain)
	var failure error
	for _, at := range []string{
		"https://autoconfig." + domain + "/mail/config-v1.1.xml" + query,
		"https://" + domain + "/.well-known/autoconfig/mail/config-v1.1.xml" + query,
	} {
		b, err := f.Fetch(ctx, at, maxConfig)
		if err != nil {
			if kind := protocols.KindOf(err); kind != protocols.KindRefused && kind != protocols.KindConnect && kind != protocols.KindTLS {
				failure = cmp.Or(failure, err)
			}
			continue
		}
		where, _, _ := strings.Cut(at, "?")
		found, err := parseConfig(b, local, domain, where)
		if err == nil && len(found) > 0 {
			return found, nil
		}
		failure = cmp.Or(failure, err)
	}
	return nil, failure
}

// order puts TLS from the start before an upgrade, that before none; IMAP before POP3
// before SMTP, otherwise as published.
func order(found []Service) {
	rank := func(s Service) int {
		return 3*slices.Index([]string{"imap", "pop3", "smtp"}, s.Protocol) + slices.Index([]string{"implicit", "upgrade", "none"}, s.TLS)
	}
	slices.SortStableFunc(found, func(a, b Service) int { return rank(a) - rank(b) })
}
