// Package roundtrip lets programs of net/http send their requests with the clients of
// package http: with Digest and other logins, all kinds of proxies, time limits, traces,
// and HTTP/3:
//
//	t := roundtrip.New(roundtrip.Config{Options: o})
//	defer t.Close()
//	client := &nethttp.Client{Transport: t}
//
// The other way round, [http.Settings].Through sends the requests of package http over a
// RoundTripper of the caller's.
package roundtrip

import (
	"net"
	nethttp "net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
	"github.com/netclients/netclients/protocols/pool"
)

const (
	// DefaultMax is how many requests to one origin go on at the same time.
	DefaultMax = 32

	// maxOrigins is how many origins are remembered that nobody uses.
	maxOrigins = 64
)

// Config says how requests are sent. The zero value is all defaults.
type Config struct {
	Options *protocols.Options

	// Setup chooses the settings of a client before its first request. With Version HTTP2
	// or HTTP3 the requests share connections. Redirects, cookies and content codings
	// are for net/http: NoFollow is always set.
	Setup func(c *http.Client) error

	// Pool is for the clients of one origin; a Max of 0 is DefaultMax.
	Pool pool.Config
}

// Transport is a [nethttp.RoundTripper] for many goroutines. It does not follow redirects
// and keeps no cookies; it logs in with the credentials of the options, where a server
// asks for that and the request has no Authorization. Upgrades to other protocols and
// trailers of requests are refused.
type Transport struct {
	c     Config
	share http.Connections

	mu     sync.Mutex
	pools  map[string]*pool.Pool // by origin and user
	closed bool
}

var _ nethttp.RoundTripper = (*Transport)(nil)

// New makes a transport. It does no I/O. The caller closes it.
func New(c Config) *Transport {
	if c.Pool.Max <= 0 {
		c.Pool.Max = DefaultMax
	}
	return &Transport{c: c, pools: map[string]*pool.Pool{}}
}

// Close cuts all requests off, and frees the connections. It always returns nil.
func (t *Transport) Close() error {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.drop(func(*pool.Pool) bool { return true })
	return t.share.Close()
}

// CloseIdleConnections frees the connections to origins that nobody uses. Those that
// HTTP/2 and 3 share stay.
func (t *Transport) CloseIdleConnections() { t.drop(unused) }

func unused(p *pool.Pool) bool { s := p.Stats(); return s.InUse == 0 && s.Waiting == 0 }

// drop closes pools.
func (t *Transport) drop(which func(*pool.Pool) bool) {
	t.mu.Lock()
	var gone []*pool.Pool
	for key, p := range t.pools {
		if which(p) {
			gone = append(gone, p)
			delete(t.pools, key)
		}
	}
	t.mu.Unlock()
	for _, p := range gone {
		_ = p.Close() // always nil
	}
}

// pool returns the clients for the origin of a URL.
func (t *Transport) pool(u *url.URL) (*pool.Pool, error) {
	base := &url.URL{Scheme: u.Scheme, User: u.User, Host: strings.ToLower(u.Host), Path: "/"}
	if _, err := http.New(base, t.c.Options); err != nil {
		return nil, err
	}
	key := base.String()
	t.mu.Lock()
	p, crowded := t.pools[key], len(t.pools) >= maxOrigins
	t.mu.Unlock()
	if p != nil {
		return p, nil
	}
	if crowded {
		t.drop(unused)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, &protocols.Error{Kind: protocols.KindUsage, Sentinel: protocols.ErrClosed}
	}
	if p = t.pools[key]; p == nil {
		p = pool.New(t.open(base), t.c.Pool)
		t.pools[key] = p
	}
	return p, nil
}

// address is host and port, for errors.
func address(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	return net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
}
