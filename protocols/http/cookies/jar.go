// Package cookies keeps the cookies of HTTP servers (RFC 6265), and reads and writes
// the files in which other programs keep theirs.
package cookies

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
)

// Cookie is one cookie of a [Jar].
type Cookie struct {
	Name, Value string
	Domain      string // in lower case, without a leading dot
	Path        string
	HostOnly    bool // for the domain itself, not for hosts below it
	Secure      bool
	HTTPOnly    bool
	Expires     time.Time // zero: until the end of the session
	Created     time.Time
}

// Jar keeps cookies as RFC 6265 and its successor say. Many clients may share one.
type Jar struct {
	// Allow and Block name domains whose cookies are taken, or are not; both hold
	// for the hosts below too. An empty Allow is all. They are set before use.
	Allow, Block []string

	mu  sync.Mutex
	all map[cookieKey]*Cookie
}

type cookieKey struct{ domain, path, name string }

// What a jar holds at most; the oldest make room.
const (
	maxCookies       = 3000
	maxDomainCookies = 180
	maxCookieLine    = 8000 // of one request
)

// NewJar makes an empty jar.
func NewJar() *Jar { return &Jar{all: map[cookieKey]*Cookie{}} }

// Store takes the cookies of an answer from u.
func (j *Jar) Store(u *url.URL, h http.Header, now time.Time) {
	for i, line := range h.Values("Set-Cookie") {
		if i >= maxDomainCookies {
			return
		}
		if set, ok := parseSetCookie(line); ok {
			j.store(u, &set, now)
		}
	}
}

// store takes a cookie that an answer from u sets. It reports whether u may set it.
func (j *Jar) store(u *url.URL, set *setCookie, now time.Time) bool {
	c, ok := newCookie(u, set, now)
	if !ok || !j.takes(c.Domain) {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if !c.Secure && u.Scheme != "https" && j.shadowsSecure(c) {
		return false
	}
	j.set(c, now)
	return true
}

// shadowsSecure reports whether a cookie would replace, delete or hide a Secure one. One
// that came unencrypted must not: anybody on the way could have sent it (RFC 6265bis
// 5.7).
func (j *Jar) shadowsSecure(c *Cookie) bool {
	for _, old := range j.all {
		if old.Secure && old.Name == c.Name && pathMatch(c.Path, old.Path) &&
			(domainMatch(c.Domain, old.Domain) || domainMatch(old.Domain, c.Domain)) {
			return true
		}
	}
	return false
}

// newCookie applies the rules for taking a cookie (RFC 6265 5.3).
func newCookie(u *url.URL, set *setCookie, now time.Time) (*Cookie, bool) {
	host := strings.TrimSuffix(transport.HostOf(u), ".")
	c := &Cookie{
		Name: set.name, Value: set.value, Domain: host, HostOnly: true, Path: set.path, Secure: set.secure, HTTPOnly: set.httpOnly,
		Expires: set.until(now), Created: now,
	}
	if d := set.domain; d != "" && d != host {
		if !domainMatch(host, d) || isPublic(d) {
			return nil, false
		}
		c.Domain, c.HostOnly = d, false
	} else if d != "" {
		c.HostOnly = isPublic(d) || net.ParseIP(d) != nil
	}
	if !strings.HasPrefix(c.Path, "/") {
		c.Path = defaultPath(u.Path)
	}
	secure := u.Scheme == "https"
	prefixed := strings.ToLower(c.Name)
	switch {
	case c.Secure && !secure && !transport.IsLoopback(host):
		return nil, false
	case strings.HasPrefix(prefixed, "__secure-") && !c.Secure:
		return nil, false
	case strings.HasPrefix(prefixed, "__host-") && (!c.Secure || !c.HostOnly || set.domain != "" || c.Path != "/"):
		return nil, false
	}
	return c, true
}

// domainMatch: RFC 6265 5.1.3. An address matches itself only.
func domainMatch(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain) && net.ParseIP(host) == nil
}

// isPublic reports whether a domain is one under which anybody may register.
func isPublic(domain string) bool {
	suffix, _ := publicsuffix.PublicSuffix(domain)
	return suffix == domain && domain != "localhost"
}

// defaultPath: RFC 6265 5.1.4.
func defaultPath(path string) string {
	i := strings.LastIndexByte(path, '/')
	if i <= 0 {
		return "/"
	}
	return path[:i]
}

// pathMatch: RFC 6265 5.1.4.
func pathMatch(path, cookie string) bool {
	if path == "" {
		path = "/"
	}
	return path == cookie || strings.HasPrefix(path, cookie) && (strings.HasSuffix(cookie, "/") || path[len(cookie)] == '/')
}

// Set puts a cookie into the jar, or takes it out when its time is over.
func (j *Jar) Set(c *Cookie, now time.Time) {
	if !j.takes(c.Domain) {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.set(c, now)
}

// set is Set for callers that hold the lock and have asked whether the user wants it.
func (j *Jar) set(c *Cookie, now time.Time) {
	key := cookieKey{c.Domain, c.Path, c.Name}
	old := j.all[key]
	if c.expired(now) {
		delete(j.all, key)
		return
	}
	if old != nil {
		c.Created = old.Created
	} else {
		j.makeRoom(c.Domain, now)
	}
	j.all[key] = c
}

// takes reports whether the user wants cookies of a domain.
func (j *Jar) takes(domain string) bool {
	of := func(d string) bool { return domainMatch(domain, normalDomain(d)) }
	return !slices.ContainsFunc(j.Block, of) && (len(j.Allow) == 0 || slices.ContainsFunc(j.Allow, of))
}

func (c *Cookie) expired(now time.Time) bool { return !c.Expires.IsZero() && !c.Expires.After(now) }

// makeRoom keeps the jar and each domain within bounds.
func (j *Jar) makeRoom(domain string, now time.Time) {
	var oldest, oldestHere *Cookie
	here := 0
	for key, c := range j.all {
		if c.expired(now) {
			delete(j.all, key)
			continue
		}
		if oldest == nil || c.goesBefore(oldest) {
			oldest = c
		}
		if c.Domain == domain {
			if here++; oldestHere == nil || c.goesBefore(oldestHere) {
				oldestHere = c
			}
		}
	}
	if here >= maxDomainCookies {
		oldest = oldestHere
	} else if len(j.all) < maxCookies {
		return
	}
	delete(j.all, cookieKey{oldest.Domain, oldest.Path, oldest.Name})
}

// goesBefore reports whether a cookie makes room rather than another one: those that are not
// Secure first, so that answers without TLS cannot push out the others; then the older.
func (c *Cookie) goesBefore(d *Cookie) bool {
	if c.Secure != d.Secure {
		return !c.Secure
	}
	return c.Created.Before(d.Created)
}

// Line returns the value of Cookie for a request to u, or nothing.
func (j *Jar) Line(u *url.URL, now time.Time) string {
	host := strings.TrimSuffix(transport.HostOf(u), ".")
	var fit []*Cookie
	j.mu.Lock()
	for _, c := range j.all {
		if c.fits(u, host, now) {
			fit = append(fit, c)
		}
	}
	j.mu.Unlock()
	slices.SortFunc(fit, func(a, b *Cookie) int { // RFC 6265 5.4: longer paths, then older ones first
		return cmp.Or(len(b.Path)-len(a.Path), a.Created.Compare(b.Created), strings.Compare(a.Name, b.Name))
	})
	var b strings.Builder
	for _, c := range fit {
		if b.Len()+len(c.Name)+len(c.Value) > maxCookieLine {
			break
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(c.Name + "=" + c.Value)
	}
	return b.String()
}

func (c *Cookie) fits(u *url.URL, host string, now time.Time) bool {
	if c.expired(now) || c.Secure && u.Scheme != "https" && !transport.IsLoopback(host) || !pathMatch(u.Path, c.Path) {
		return false
	}
	return host == c.Domain || !c.HostOnly && domainMatch(host, c.Domain)
}

// SetLine takes a cookie written as in Set-Cookie, "a=b; Path=/; Secure", as if an
// answer from u had brought it. One that u may not set is an error of kind Usage.
func (j *Jar) SetLine(u *url.URL, line string, now time.Time) error {
	set, ok := parseSetCookie(line)
	if !ok {
		return usage("cookie %q is not NAME=VALUE with attributes after it", line)
	}
	if !j.store(u, &set, now) {
		return usage("%s may not set the cookie %s", u.Host, set.name)
	}
	return nil
}

// Clear takes out the cookies that which chooses, and returns how many these were.
func (j *Jar) Clear(which func(*Cookie) bool) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	before := len(j.all)
	maps.DeleteFunc(j.all, func(_ cookieKey, c *Cookie) bool { return which(c) })
	return before - len(j.all)
}

// Is reports whether a cookie is of that domain, path and name; an empty one of
// them is any.
func (c *Cookie) Is(domain, path, name string) bool {
	domain = normalDomain(domain)
	return (domain == "" || c.Domain == domain) && (path == "" || c.Path == path) && (name == "" || c.Name == name)
}

// Cookies returns copies of all cookies, by domain, path and name.
func (j *Jar) Cookies() []Cookie {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]Cookie, 0, len(j.all))
	for _, c := range j.all {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b Cookie) int {
		return cmp.Or(strings.Compare(a.Domain, b.Domain), strings.Compare(a.Path, b.Path), strings.Compare(a.Name, b.Name))
	})
	return out
}

func usage(format string, args ...any) error {
	return protocols.UsageError("http", "", fmt.Sprintf(format, args...))
}
