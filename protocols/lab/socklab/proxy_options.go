package socklab

import (
	"errors"
	"net"
	"net/url"
	"slices"
	"sync"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// ProxyOptions configure StartSOCKS5 and StartConnectProxy. The zero value is a
// proxy on a free loopback port that needs no password.
type ProxyOptions struct {
	Addr      string // where to listen; empty is a free loopback port
	User      string // when set, user and password are required (RFC 1929, HTTP Basic)
	Password  string
	Authority *base.Authority // when set, a CONNECT proxy itself speaks TLS; SOCKS has none
	// Resolve maps a requested "host:port" to the one to connect to; nil is
	// the request itself. An empty answer refuses.
	Resolve func(target string) string
	Faults  base.Faults
}

// proxyURL writes a proxy's address with its credentials.
func proxyURL(scheme, user, password, addr string) string {
	u := url.URL{Scheme: scheme, Host: addr, Path: "/"}
	if user != "" {
		u.User = url.UserPassword(user, password)
	}
	return u.String()
}

// targets records what proxies were asked for.
type targets struct {
	targetsMu sync.Mutex
	seen      []string
}

func (t *targets) note(target string) {
	t.targetsMu.Lock()
	defer t.targetsMu.Unlock()
	t.seen = append(t.seen, target)
}

// Targets lists the "host:port" of every request so far, in order.
func (t *targets) Targets() []string {
	t.targetsMu.Lock()
	defer t.targetsMu.Unlock()
	return slices.Clone(t.seen)
}

// dial connects to a target after resolve had its say.
func dial(target string, resolve func(string) string) (net.Conn, error) {
	if resolve != nil {
		target = resolve(target)
	}
	if target == "" {
		return nil, errors.New("lab: target refused")
	}
	return net.DialTimeout("tcp", target, dialTimeout)
}

// endpoint is what all proxies can do.
type endpoint struct{ core *frame.Listener }

// Addr is the "host:port" the proxy listens on.
func (e endpoint) Addr() string { return e.core.Addr() }

// Close stops listening, cuts every connection and returns when all goroutines
// of the proxy have ended. It is safe to call twice.
func (e endpoint) Close() error { return e.core.Close() }

// Connections counts the connections accepted so far, refused ones included.
func (e endpoint) Connections() int { return e.core.Connections() }
