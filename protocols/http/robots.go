package http

import (
	"context"
	"io"
	nethttp "net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/wire"
)

// Robots is what a robots.txt says to one robot (RFC 9309).
type Robots struct {
	Delay    time.Duration // Crawl-delay, no part of the standard; 0: none
	Sitemaps []string
	rules    []robotRule
	closed   bool // the server could not tell: nothing may be fetched
}

type robotRule struct {
	pattern string
	allow   bool
}

const (
	mostRobots     = 500 << 10 // bytes that are looked at (RFC 9309 2.5)
	mostRobotRules = 10_000
	mostDelay      = 30 * time.Second
)

// robots is Robots with what a client must remember.
type robots struct {
	*Robots
	last time.Time
}

// ParseRobots reads a robots.txt. agent is the robot's product token, such as
// "netclients"; rules for "*" count where none are for it.
func ParseRobots(r io.Reader, agent string) *Robots {
	agent = strings.ToLower(agent)
	var own, all Robots
	found, named := false, false // a group for agent exists; the lines now are a group's head
	var to []*Robots
	out := &Robots{}
	in := wire.NewLineReader(io.LimitReader(r, mostRobots), 16<<10)
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
	out.Delay, out.rules = chosen.Delay, chosen.rules
	return out
}

// line takes a line of a group.
func (r *Robots) line(key, value string) {
	switch key {
	case "allow", "disallow":
		if value != "" && len(r.rules) < mostRobotRules {
			r.rules = append(r.rules, robotRule{normalPath(value), key == "allow"})
		}
	case "crawl-delay":
		if s, err := strconv.ParseFloat(value, 64); err == nil && s > 0 {
			r.Delay = min(time.Duration(min(s, 1e6)*float64(time.Second)), mostDelay)
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
func (r *Robots) Allowed(path string) bool {
	if r.closed {
		return false
	}
	path = normalPath(path)
	if path == "/robots.txt" {
		return true
	}
	allow, longest := true, -1
	for _, rule := range r.rules {
		n := len(rule.pattern)
		if (n > longest || n == longest && rule.allow) && matchRobot(rule.pattern, path) {
			allow, longest = rule.allow, n
		}
	}
	return allow
}

// matchRobot: * is any text, $ at the end the path's own end (RFC 9309 2.2.3).
func matchRobot(pattern, path string) bool {
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

// Robots fetches the robots.txt of the server of name, and reads it for a robot. A
// server without one, or that refuses it, allows all; one that fails allows
// nothing (RFC 9309 2.3.1).
func (c *Client) Robots(ctx context.Context, name, agent string) (*Robots, error) {
	u, err := c.urlOf(name)
	if err != nil {
		return nil, c.wrap(err, "robots", name)
	}
	resp, err := c.do(ctx, &Request{URL: &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/robots.txt"}, bare: true})
	if err != nil {
		return nil, c.wrap(err, "robots", name)
	}
	defer resp.Body.Close()
	switch {
	case resp.Status >= 500:
		return &Robots{closed: true}, nil
	case resp.Status != nethttp.StatusOK:
		return &Robots{}, nil
	}
	return ParseRobots(resp.Body, agent), nil
}

// robotsFor returns the rules of the origin of u for us, fetched once.
func (c *Client) robotsFor(ctx context.Context, u *url.URL) *robots {
	key := origin(u)
	if r := c.robots[key]; r != nil {
		return r
	}
	r := &robots{Robots: &Robots{}}
	if !c.Settings.NoRobots {
		got, err := c.beside().Robots(ctx, (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}).String(), userAgent)
		if err == nil {
			r.Robots = got
		}
	}
	if len(c.robots) >= maxConnections {
		clear(c.robots)
	}
	c.robots[key] = r
	return r
}

func (r *robots) allows(path string) bool { return r.Allowed(path) }

// pause waits until the delay since the last page is over.
func (r *robots) pause(ctx context.Context) error {
	wait := time.Until(r.last.Add(r.Delay))
	if r.Delay > 0 && !r.last.IsZero() && wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	r.last = time.Now()
	return nil
}
