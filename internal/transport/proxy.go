package transport

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// tunnel asks the proxy at the other end of c.sock for a connection to address.
type tunnel func(ctx context.Context, c *Conn, proxy *url.URL, address string) error

// proxyKind describes how to talk to proxies of one URL scheme.
type proxyKind struct {
	port  string // default, as in curl
	tls   bool   // TLS to the proxy itself
	local bool   // the client resolves names
	v4    bool   // it takes IPv4 addresses only
	open  tunnel
}

var proxyKinds = map[string]proxyKind{
	"socks4":  {port: "1080", local: true, v4: true, open: socks4Tunnel},
	"socks4a": {port: "1080", open: socks4Tunnel},
	"socks5":  {port: "1080", local: true, open: socksTunnel},
	"socks5h": {port: "1080", open: socksTunnel},
	"http":    {port: "1080", open: connectTunnel},
	"https":   {port: "443", tls: true, open: connectTunnel},
}

// proxyFor gets the proxy and its password from the options, and checks that it
// is usable.
func (d *Dialer) proxyFor(ctx context.Context, network string) (*url.URL, error) {
	if d.o.Proxy == nil || network == "unix" {
		return nil, nil
	}
	u, err := d.o.Proxy(d.url)
	if err != nil || u == nil {
		return nil, err
	}
	if err := checkProxy(u); err != nil {
		return nil, err
	}
	if network == "udp" {
		return nil, protocols.UsageError(d.proto, "", "UDP does not work through a proxy; to send directly, add the host to no_proxy")
	}
	if u.Scheme == "http" || u.Scheme == "https" {
		return u, nil // the password is asked for when the proxy asks
	}
	return withPassword(ctx, d.o, u)
}

// withPassword returns the URL of a proxy with the user's password in it. It
// returns the URL unchanged if it already has a password or has no user.
func withPassword(ctx context.Context, o *protocols.Options, proxy *url.URL) (*url.URL, error) {
	user := proxy.User.Username()
	if _, has := proxy.User.Password(); has || user == "" || o.Credentials == nil {
		return proxy, nil
	}
	cred, err := o.Credentials(ctx, protocols.CredentialRequest{
		Protocol: proxy.Scheme, Scheme: proxy.Scheme, Host: proxy.Hostname(), Port: proxy.Port(), User: user, Proxy: true,
	})
	if err == nil && !cred.HasPassword() {
		err = protocols.NoPasswordError(user + " at the proxy " + proxy.Host)
	}
	if err != nil {
		return nil, protocols.Wrap(err, "", "login", "")
	}
	with := *proxy
	with.User = url.UserPassword(user, cred.Password)
	return &with, nil
}

func checkProxy(u *url.URL) error {
	if _, ok := proxyKinds[u.Scheme]; !ok {
		return protocols.UsageError("", "", "proxy scheme "+strconv.Quote(u.Scheme)+" is not supported; use socks5, socks5h, socks4, socks4a, http or https")
	}
	if u.Hostname() == "" {
		return protocols.UsageError("", "", "proxy "+strconv.Quote(protocols.Redact(u))+" has no host")
	}
	return nil
}

// throughProxy connects to the proxy and asks it to connect to host and port.
func (d *Dialer) throughProxy(ctx context.Context, c *Conn, proxy *url.URL, host, port string) error {
	kind := proxyKinds[proxy.Scheme]
	proxyHost, err := Host(proxy.Hostname())
	if err != nil {
		return err
	}
	proxyPort := proxy.Port()
	if proxyPort == "" {
		proxyPort = kind.port
	}
	addresses, err := d.proxyTargets(ctx, c, kind, host, port)
	if err != nil {
		return err
	}
	for _, address := range addresses {
		if err = d.tryProxy(ctx, c, proxy, proxyHost, proxyPort, address); err == nil || ctx.Err() != nil {
			break
		}
	}
	return err
}

// proxyTargets returns the targets to request from a proxy: the name, or at most
// four addresses.
func (d *Dialer) proxyTargets(ctx context.Context, c *Conn, kind proxyKind, host, port string) ([]string, error) {
	if len(host) > 255 {
		return nil, protocols.UsageError(d.proto, "", "host name is longer than 255 bytes, the maximum for a proxy")
	}
	if !kind.local {
		return []string{net.JoinHostPort(host, port)}, nil
	}
	all, err := d.addresses(ctx, c, "tcp", host, port)
	if kind.v4 {
		if all = slices.DeleteFunc(all, func(a string) bool { return strings.HasPrefix(a, "[") }); len(all) == 0 && err == nil {
			err = &protocols.Error{Kind: protocols.KindConnect, Text: host + " has no IPv4 address, and SOCKS4 knows no others", Hint: "socks4a:// or socks5h:// has the proxy resolve names"}
		}
	}
	return all[:min(len(all), 4)], err
}

// maxProxyLogins limits how often a proxy is asked for one connection: without a login,
// with one, and with a new nonce.
const maxProxyLogins = 3

// tryProxy connects to the proxy and requests address; when the proxy wants a login, again
// over another connection, because many close the first one.
func (d *Dialer) tryProxy(ctx context.Context, c *Conn, proxy *url.URL, host, port, address string) error {
	for attempt := 1; ; attempt++ {
		err := d.requestTunnel(ctx, c, proxy, host, port, address)
		asks, ok := errors.AsType[*proxyAsks](err)
		if !ok {
			return err
		}
		again, lerr := d.challenged(ctx, proxy, asks)
		if lerr != nil || !again || attempt == maxProxyLogins {
			return cmp.Or(lerr, err)
		}
	}
}

// requestTunnel opens one connection to the proxy and requests address.
func (d *Dialer) requestTunnel(ctx context.Context, c *Conn, proxy *url.URL, host, port, address string) error {
	if err := d.reachProxy(ctx, c, host, port); err != nil {
		return d.proxyError(ctx, proxy, err)
	}
	kind, start := proxyKinds[proxy.Scheme], time.Now()
	done := c.Use(ctx)
	var err error
	if kind.tls {
		err = d.proxyTLS(c, host)
	}
	if err == nil {
		err = kind.open(ctx, c, proxy, address)
	}
	done()
	if broken := c.sock.err(); broken != nil {
		err = broken
	}
	took := time.Since(start)
	c.timings.Connect += took
	if err != nil {
		c.sock.Close()
		return d.proxyError(ctx, proxy, err)
	}
	c.to.proxied = true
	c.to.dialHost, _, _ = net.SplitHostPort(address)
	c.emit(protocols.Event{Kind: protocols.EventProxy, Text: protocols.Redact(proxy) + " connected to " + address, Took: took})
	return nil
}

// reachProxy connects to a proxy, through the one before it where there is one.
func (d *Dialer) reachProxy(ctx context.Context, c *Conn, host, port string) error {
	first := d.o.PreProxy
	if first == nil {
		return d.direct(ctx, c, "tcp", host, port)
	}
	kind := proxyKinds[first.Scheme]
	if !strings.HasPrefix(first.Scheme, "socks") || kind.open == nil {
		return protocols.UsageError("", "", "the proxy before another one must be a SOCKS proxy: socks5, socks5h, socks4 or socks4a")
	}
	first, err := withPassword(ctx, d.o, first)
	if err != nil {
		return err
	}
	targets, err := d.proxyTargets(ctx, c, kind, host, port)
	if err != nil {
		return err
	}
	if err := d.direct(ctx, c, "tcp", first.Hostname(), cmp.Or(first.Port(), kind.port)); err != nil {
		return named(first, err)
	}
	done := c.Use(ctx)
	err = kind.open(ctx, c, first, targets[0])
	done()
	if err = cmp.Or(c.sock.err(), err); err != nil {
		c.sock.Close()
		return named(first, err)
	}
	c.emit(protocols.Event{Kind: protocols.EventProxy, Text: protocols.Redact(first) + " connected to " + targets[0]})
	return nil
}

// named says of which proxy an error is.
func named(proxy *url.URL, err error) error {
	return &brief{"through " + proxy.Host + ": " + err.Error(), err}
}

// proxyTLS starts TLS with the proxy. Its certificate is always verified, with
// the options' root CAs; a client certificate is sent only to the server.
func (d *Dialer) proxyTLS(c *Conn, host string) error {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if base := d.o.TLS.Config; base != nil {
		cfg.RootCAs, cfg.MinVersion = base.RootCAs, max(base.MinVersion, tls.VersionTLS12)
	}
	name, err := serverName(host)
	if err != nil {
		return err
	}
	cfg.ServerName = name
	inner := c.sock
	inner.records = newRecords()
	conn := tls.Client(inner, cfg)
	if err := conn.Handshake(); err != nil {
		if broken := inner.err(); broken != nil {
			return broken
		}
		return tlsError(err, host)
	}
	// The inner socket enforces the idle timeout.
	c.sock = newSocket(conn, 0)
	return nil
}

// proxyError adds the name of the proxy to an error, and where the proxy comes from.
func (d *Dialer) proxyError(ctx context.Context, proxy *url.URL, err error) error {
	if ctx.Err() != nil {
		return causeError(ctx)
	}
	if ours := protocols.KindOf(err); ours == protocols.KindUsage {
		return err
	}
	out := &protocols.Error{Kind: protocols.KindConnect, Err: &brief{"proxy " + proxy.Host + ": " + err.Error(), err}}
	if e, ok := errors.AsType[*protocols.Error](err); ok {
		out.Kind, out.Retryable, out.Hint = e.Kind, e.Retryable, e.Hint
	}
	if out.Hint == "" {
		out.Hint = ProxyHint(d.url, proxy)
	}
	return out
}
