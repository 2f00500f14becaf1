// Package robots reads robots.txt (RFC 9309).
package robots

import (
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/wire"
)

// Rules is what a robots.txt says to one robot.
type Rules struct {
	Delay    time.Duration // between requests, from Crawl-delay and Request-rate, no parts of the standard; 0: none
	Requests int           // Request-rate: so many requests in Per; 0: none
	Per      time.Duration
	Sitemaps []string
	Closed   bool // the server could not answer: nothing may be fetched

	rules []rule
}

type rule struct {
	pattern string
	allow   bool
}

const (
	maxBytes = 500 << 10 // that are looked at (RFC 9309 2.5)
	maxRules = 10_000
	maxDelay = 30 * time.Second
)

// Parse reads a robots.txt. agent is the robot's product token, such as
// "netclients"; rules for "*" count where none are for it.
func Parse(r io.Reader, agent string) *Rules {
	agent = strings.ToLower(agent)
	var own, all Rules
	found, named := false, false // a group for agent exists; the lines now are a group's head
	var to []*Rules
	out := &Rules{}
	in := wire.NewLineReader(io.LimitReader(r, maxBytes), 16<<10)
	for {
		line, err := in.ReadLine()
		if err != nil {
			break
		}
		text, _, _ := strings.Cut(strings.TrimPrefix(string(line), "\ufeff"), "#")
		key, value, ok := strings.Cut(text, ":")
		if !ok {
			continue
		}
		key, value = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value)
		switch key {
		case "user-agent":
			if !named {
				to = nil
			}
			named = true
			switch value = strings.ToLower(value); {
			case value == "*":
				to = append(to, &all)
			case value != "" && strings.HasPrefix(agent, value):
				to, found = append(to, &own), true
			}
		case "sitemap":
			if len(out.Sitemaps) < 1000 {
				out.Sitemaps = append(out.Sitemaps, value)
			}
		default:
			named = false
			for _, t := range to {
				t.line(key, value)
			}
		}
	}
	chosen := all
	if found {
		chosen = own
	}
	out.Delay, out.rules, out.Requests, out.Per = chosen.Delay, chosen.rules, chosen.Requests, chosen.Per
	if out.Requests > 0 {
		out.Delay = min(max(out.Delay, out.Per/time.Duration(out.Requests)), maxDelay)
	}
	return out
}

// line takes a line of a group.
func (r *Rules) line(key, value string) {
	switch key {
	case "allow", "disallow":
		if value != "" && len(r.rules) < maxRules {
			r.rules = append(r.rules, rule{normalPath(value), key == "allow"})
		}
	case "crawl-delay":
		if s, err := strconv.ParseFloat(value, 64); err == nil && s > 0 {
			r.Delay = min(time.Duration(min(s, 1e6)*float64(time.Second)), maxDelay)
		}
	case "request-rate":
		requests, seconds, _ := strings.Cut(value, "/")
		n, err := strconv.ParseUint(strings.TrimSpace(requests), 10, 31)
		s, err2 := strconv.ParseUint(strings.TrimSpace(seconds), 10, 31)
		if err == nil && err2 == nil && n > 0 {
			r.Requests, r.Per = int(n), time.Duration(s)*time.Second
		}
	}
}

// normalPath brings encoded characters to one form: what needs no encoding has none.
func normalPath(p string) string {
	u, err := url.PathUnescape(p)
	if err != nil {
		return p
	}
	return u
}

// Allowed reports whether a path, with its query, may be fetched: the longest rule
// that matches says so, and of equal ones the one that allows.
func (r *Rules) Allowed(path string) bool {
	if r.Closed {
		return false
	}
	path = normalPath(path)
	if path == "/robots.txt" {
		return true
	}
	allow, longest := true, -1
	for _, line := range r.rules {
		n := len(line.pattern)
		if (n > longest || n == longest && line.allow) && match(line.pattern, path) {
			allow, longest = line.allow, n
		}
	}
	return allow
}

// match: * is any text, $ at the end the path's own end (RFC 9309 2.2.3).
func match(pattern, path string) bool {
	pattern, anchored := strings.CutSuffix(pattern, "$")
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(path, parts[0])
	if !ok {
		return false
	}
	for i, part := range parts[1:] {
		if anchored && i == len(parts)-2 {
			return strings.HasSuffix(rest, part)
		}
		at := strings.Index(rest, part)
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	return !anchored || rest == ""
}
