// Package hsts remembers which hosts want HTTPS only (RFC 6797), and reads and writes the
// file in which curl keeps that.
package hsts

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Store is what is known of hosts. Many clients may share one; a nil one knows nothing
// and learns nothing.
type Store struct {
	mu    sync.Mutex
	hosts map[string]policy
}

// policy is what a host has said.
type policy struct {
	ends  time.Time // zero: never
	below bool      // for the hosts below it too
}

const (
	maxHosts = 10_000
	maxLine  = 1024
	// longest is how long a policy is kept, whatever the host says.
	longest  = 2 * 366 * 24 * time.Hour
	timeForm = "20060102 15:04:05"
)

// New makes an empty store.
func New() *Store { return &Store{hosts: map[string]policy{}} }

// Learn takes what an answer from u says. The caller has verified the server's
// certificate. A host that is an address is not remembered (RFC 6797 8.1.1).
func (s *Store) Learn(u *url.URL, h http.Header, now time.Time) {
	values := h.Values("Strict-Transport-Security")
	host := transport.HostOf(u)
	if _, err := netip.ParseAddr(host); s == nil || err == nil || u.Scheme != "https" || len(values) == 0 {
		return
	}
	age, below, ok := parse(values[0]) // the first one counts (RFC 6797 8.1)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if age == 0 {
		delete(s.hosts, host)
		return
	}
	s.set(host, policy{now.Add(age).UTC().Truncate(time.Second), below})
}

// set makes room for a host where that is needed: a full store forgets the first to end.
func (s *Store) set(host string, p policy) {
	if _, known := s.hosts[host]; !known && len(s.hosts) >= maxHosts {
		first := slices.MinFunc(slices.Collect(maps.Keys(s.hosts)), func(a, b string) int { return s.hosts[a].ends.Compare(s.hosts[b].ends) })
		delete(s.hosts, first)
	}
	s.hosts[host] = p
}

// parse reads the field (RFC 6797 6.1): a directive that is not known is left out, one that
// stands twice spoils all.
func parse(field string) (age time.Duration, below, ok bool) {
	seen := map[string]bool{}
	for part := range strings.SplitSeq(field, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "" {
			continue
		}
		if seen[name] {
			return 0, false, false
		}
		seen[name] = true
		switch name {
		case "includesubdomains":
			below = true
		case "max-age":
			n, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 63)
			if err != nil {
				return 0, false, false
			}
			age = min(time.Duration(min(n, uint64(longest/time.Second)))*time.Second, longest)
			ok = true
		}
	}
	return age, below, ok
}

// Wants reports whether a host is to be asked by HTTPS only.
func (s *Store) Wants(host string, now time.Time) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, own := strings.TrimSuffix(strings.ToLower(host), "."), true; name != ""; own = false {
		if p, ok := s.hosts[name]; ok && (own || p.below) && (p.ends.IsZero() || now.Before(p.ends)) {
			return true
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return false
}

// Upgrade returns the URL to ask for in place of u: by HTTPS where the host wants that,
// with port 443 where the port was 80 (RFC 6797 8.3).
func (s *Store) Upgrade(u *url.URL, now time.Time) *url.URL {
	if s == nil || u.Scheme != "http" || !s.Wants(transport.HostOf(u), now) {
		return u
	}
	secure := *u
	secure.Scheme = "https"
	if u.Port() == "80" {
		secure.Host = net.JoinHostPort(u.Hostname(), "443")
	}
	return &secure
}

// Load adds what stands in a file of curl: a host on each line, with a dot before it where
// the hosts below are meant too, and in quotes when that ends, or "unlimited". A line that
// is none of that, and no comment, is an error of kind Usage.
func (s *Store) Load(r io.Reader, now time.Time) error {
	in := wire.NewLineReader(r, maxLine)
	for n := 1; ; n++ {
		line, err := in.ReadLine()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		text := strings.TrimSpace(string(line))
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		host, p, ok := entry(text)
		if !ok {
			return protocols.UsageError("http", "", fmt.Sprintf("line %d of the HSTS file is not a host and a time in quotes", n))
		}
		if !p.ends.IsZero() && !now.Before(p.ends) {
			continue
		}
		s.mu.Lock()
		s.set(host, p)
		s.mu.Unlock()
	}
}

func entry(text string) (host string, p policy, ok bool) {
	host, when, ok := strings.Cut(text, " ")
	when = strings.Trim(strings.TrimSpace(when), `"`)
	host, p.below = strings.CutPrefix(strings.ToLower(strings.TrimSuffix(host, ".")), ".")
	if !ok || host == "" {
		return "", p, false
	}
	if when == "unlimited" {
		return host, p, true
	}
	var err error
	p.ends, err = time.Parse(timeForm, when)
	return host, p, err == nil
}

// Save writes the hosts, in their order, as curl reads them.
func (s *Store) Save(w io.Writer, now time.Time) error {
	b := bufio.NewWriter(w)
	b.WriteString("# Your HSTS cache. https://curl.se/docs/hsts.html\n# Written by netclients; lines are changed by the next run.\n")
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, host := range slices.Sorted(maps.Keys(s.hosts)) {
		p := s.hosts[host]
		when := "unlimited"
		if !p.ends.IsZero() {
			if !now.Before(p.ends) {
				continue
			}
			when = p.ends.UTC().Format(timeForm)
		}
		dot := ""
		if p.below {
			dot = "."
		}
		fmt.Fprintf(b, "%s%s %q\n", dot, host, when)
	}
	return b.Flush()
}
