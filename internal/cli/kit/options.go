package kit

import (
	"context"
	"crypto/tls"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/doh"
	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
)

var tlsModes = map[string]protocols.TLSMode{
	"auto": protocols.TLSAuto, "require": protocols.TLSRequire, "off": protocols.TLSOff,
}

var tlsVersions = map[string]uint16{
	"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13,
}

// Options makes the flags that work everywhere into what clients are made with.
// Credentials and trace are the caller's to add.
func (g *Globals) Options(ctx context.Context) (*protocols.Options, error) {
	conf, err := g.tlsConfig(ctx)
	if err != nil {
		return nil, err
	}
	if g.Given("proxy") && g.proxyCommand != "" {
		return nil, Usage("--proxy and --proxy-command cannot be used together")
	}
	if g.ip4 && g.ip6 {
		return nil, Usage("-4 and -6 cannot be used together")
	}
	proxy, err := g.proxyFunc()
	if err != nil {
		return nil, err
	}
	proxyHeader, err := parseProxyHeader(g.ProxyHeaders)
	if err != nil {
		return nil, err
	}
	o := &protocols.Options{
		TLS:                protocols.TLS{Mode: tlsModes[g.tls.Value], Config: conf, ServerName: g.server, Pins: g.pins},
		AllowPlaintextAuth: g.allowPlaintext,
		Mechanism:          g.auth,
		ConnectTimeout:     g.connectTimeout.orNone(),
		IdleTimeout:        g.IdleTimeout.orNone(),
		Proxy:              proxy,
		ProxyHeader:        proxyHeader,
		Bind:               g.bind,
		Resolve:            g.resolve.m,
		ConnectTo:          g.connectTo.m,
		Stats:              new(protocols.Stats),
		Memory:             new(protocols.Memory),
	}
	if !g.Given("idle-timeout") {
		o.IdleTimeout = 0 // the default, or what the protocol says
	}
	if g.ip4 {
		o.Family = 4
	}
	if g.ip6 {
		o.Family = 6
	}
	if g.proxyCommand != "" {
		o.Dial, o.Proxy = commandDialer(g.proxyCommand), nil
	}
	if o.PreProxy, err = g.preProxyURL(); err != nil {
		return nil, err
	}
	if o.Resolver, err = g.resolver(o); err != nil {
		return nil, err
	}
	if g.limitRate > 0 {
		o.Limiter = transport.NewLimiter(int64(g.limitRate))
	}
	return o, nil
}

var (
	socksSchemes = []string{"socks5", "socks5h", "socks4", "socks4a"}
	proxySchemes = append([]string{"http", "https"}, socksSchemes...)
)

// preProxyURL reads --preproxy.
func (g *Globals) preProxyURL() (*url.URL, error) {
	if g.preProxy == "" {
		return nil, nil
	}
	if g.proxy == "" {
		return nil, Usage("--preproxy is for a proxy before another one, which --proxy names")
	}
	u, err := protocols.ParseURL(g.preProxy, "socks5")
	if err != nil {
		return nil, err
	}
	if !slices.Contains(socksSchemes, u.Scheme) || u.Host == "" {
		return nil, Usage("--preproxy: want a SOCKS proxy, as socks5://HOST:PORT, socks5h://, socks4:// or socks4a://")
	}
	return u, nil
}

// resolver returns what --doh-url asks for: names are resolved there, but for its own.
func (g *Globals) resolver(o *protocols.Options) (protocols.Resolver, error) {
	if g.dohURL == "" {
		return nil, nil
	}
	u, err := protocols.ParseURL(g.dohURL, "https")
	if err != nil {
		return nil, err
	}
	if u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && transport.IsLoopback(u.Hostname())) {
		return nil, Usage("--doh-url: want an https URL, such as https://dns.example.org/dns-query")
	}
	own := *o
	own.TLS.ServerName, own.TLS.Pins, own.Mechanism = "", nil, ""
	return doh.New(u, &own), nil
}

// proxyFunc returns the proxy of the flag, or the environment's.
func (g *Globals) proxyFunc() (func(*url.URL) (*url.URL, error), error) {
	if !g.Given("proxy") {
		return transport.NoProxy(g.noProxy, transport.EnvProxy(os.Getenv)), nil
	}
	if g.proxy == "" {
		return nil, nil
	}
	u, err := protocols.ParseURL(g.proxy, "http")
	if err != nil {
		return nil, err
	}
	if !slices.Contains(proxySchemes, u.Scheme) || u.Host == "" {
		return nil, Usage("--proxy: want socks5://, socks5h://, socks4://, socks4a://, http:// or https:// and a host")
	}
	if len(g.ProxyHeaders) > 0 && strings.HasPrefix(u.Scheme, "socks") {
		return nil, Usage("--proxy-header: a SOCKS proxy takes no headers")
	}
	return transport.NoProxy(g.noProxy, func(*url.URL) (*url.URL, error) { return u, nil }), nil
}

// parseProxyHeader reads the lines of --proxy-header. Errors do not show them: they may
// hold secrets.
func parseProxyHeader(lines []string) (map[string][]string, error) {
	if len(lines) == 0 {
		return nil, nil
	}
	fields := map[string][]string{}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, Usage("--proxy-header: want 'Name: value'")
		}
		fields[name] = append(fields[name], strings.TrimSpace(value))
	}
	_, err := transport.ProxyHeader(&protocols.Options{ProxyHeader: fields})
	return fields, err
}

// wholeTimeout ends a command that a server keeps alive by a byte now and then.
const wholeTimeout = 24 * time.Hour

// Deadline returns the context of the whole command. One that lasts until it is
// stopped has a limit only when the user sets one.
func (g *Globals) Deadline(ctx context.Context, lasting bool) (context.Context, context.CancelFunc) {
	d := time.Duration(g.timeout)
	if lasting && !g.Given("timeout") {
		d = 0
	}
	if d == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, d, &protocols.Error{Kind: protocols.KindTimeout, Text: "timed out after " + d.String() + " (--timeout)"})
}
