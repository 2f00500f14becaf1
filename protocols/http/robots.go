package http

import (
	"context"
	"io"
	nethttp "net/http"
	"net/url"
	"time"

	"github.com/netclients/netclients/internal/retry"
	rules "github.com/netclients/netclients/protocols/http/internal/robots"
)

// Robots is what a robots.txt says to one robot (RFC 9309).
type Robots = rules.Rules

// ParseRobots reads a robots.txt. agent is the robot's product token, such as
// "netclients"; rules for "*" count where none are for it.
func ParseRobots(r io.Reader, agent string) *Robots { return rules.Parse(r, agent) }

// robots is Robots with what a client must remember.
type robots struct {
	*Robots
	last time.Time
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
		return &Robots{Closed: true}, nil
	case resp.Status != nethttp.StatusOK:
		return &Robots{}, nil
	}
	return ParseRobots(resp.Body, agent), nil
}

// askRobots begins to ask for the rules of the origin of u, over a connection of its own,
// so that the page they are for can be asked for meanwhile. got waits for them; without
// it, done ends the question. Rules that are known are not asked for again: then askRobots
// waits as long as they want between two pages.
func (c *Client) askRobots(ctx context.Context, u *url.URL) (got func() *robots, done func(), err error) {
	if r := c.robots[origin(u)]; r != nil {
		return func() *robots { return r }, func() {}, r.pause(ctx)
	}
	r := &robots{Robots: &Robots{}, last: time.Now()}
	ctx, cancel := context.WithCancel(ctx)
	answered := make(chan struct{})
	if c.Settings.NoRobots {
		close(answered)
	} else {
		side, root := c.beside(), (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}).String()
		go func() {
			defer close(answered)
			if rules, err := side.Robots(ctx, root, userAgent); err == nil {
				r.Robots = rules
			}
		}()
	}
	return func() *robots {
			<-answered
			if len(c.robots) >= maxConnections {
				clear(c.robots)
			}
			c.robots[origin(u)] = r
			return r
		}, func() {
			cancel()
			<-answered
		}, nil
}

func (r *robots) allows(path string) bool { return r.Allowed(path) }

// pause waits until the delay since the last page is over.
func (r *robots) pause(ctx context.Context) error {
	wait := time.Until(r.last.Add(r.Delay))
	if r.Delay > 0 && !r.last.IsZero() && wait > 0 {
		if err := retry.Sleep(ctx, wait); err != nil {
			return err
		}
	}
	r.last = time.Now()
	return nil
}
