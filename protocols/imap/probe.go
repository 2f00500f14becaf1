package imap

import (
	"context"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// Probe connects, reads the greeting, brings TLS up and asks for the capabilities.
// It logs in when the options say ProbeLogin. It uses a connection of its own, so
// that each step is timed.
func (c *Client) Probe(ctx context.Context) (*protocols.Report, error) {
	r, err := transport.Probe(ctx, c.url, c.enter, func(r *protocols.Report) error { return c.probe(ctx, r) })
	return r, c.wrap(err, "probe", "")
}

func (c *Client) probe(ctx context.Context, r *protocols.Report) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	done := conn.Use(ctx)
	defer done()
	defer conn.Measure(r)
	r.Address, r.Phase = conn.RemoteAddr().String(), "greeting"
	s, err := c.begin(ctx, conn)
	if s != nil && s.greeting != nil {
		r.Banner, r.Greeting = s.greeting.Text, s.greeted
	}
	if err != nil {
		return err
	}
	if c.opts.ProbeLogin {
		r.Phase = "login"
		if err := s.logIn(ctx); err != nil {
			return err
		}
		r.Login = s.login
	}
	r.Phase = "caps"
	if err := s.learnCaps(); err != nil {
		return err
	}
	r.Capabilities = s.capabilities()
	if _, _, err := s.send("LOGOUT"); err == nil {
		s.flush() // a courtesy: nobody waits for the answer
	}
	return nil
}

// Capabilities returns what the server says it can do after the login.
func (c *Client) Capabilities(ctx context.Context) (list []protocols.Capability, err error) {
	err = c.do(ctx, "caps", "", func(s *session) error {
		list = s.capabilities()
		return nil
	})
	return list, err
}

// capabilities groups "AUTH=PLAIN" and its like under their name.
func (s *session) capabilities() []protocols.Capability {
	params := map[string][]string{}
	for text := range s.caps {
		name, param, has := strings.Cut(text, "=")
		list := params[name]
		if has {
			list = append(list, param)
		}
		params[name] = list
	}
	var out []protocols.Capability
	for name, list := range params {
		slices.Sort(list)
		out = append(out, protocols.Capability{Name: name, Params: list})
	}
	slices.SortFunc(out, func(a, b protocols.Capability) int { return strings.Compare(a.Name, b.Name) })
	return out
}
