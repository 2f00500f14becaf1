package ftp

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/netclients/netclients/internal/keeper"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// Probe connects, reads the greeting, brings TLS up and asks for the features
// (FEAT). It logs in when the options say ProbeLogin. It uses a connection of its
// own, so that each step is timed.
func (c *Client) Probe(ctx context.Context) (*protocols.Report, error) {
	r, err := transport.Probe(ctx, c.url, c.keeper.Enter, func(r *protocols.Report) error {
		err := c.probe(ctx, r)
		if errors.Is(err, errStalled) {
			err = c.probe(ctx, r)
		}
		return err
	})
	return r, c.wrap(err, "probe", "")
}

func (c *Client) probe(ctx context.Context, r *protocols.Report) error {
	host, port := protocols.HostPort(c.url, c.scheme)
	conn, err := c.dialer.Dial(ctx, "control", "tcp", host, port)
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
		r.Banner, r.Greeting = s.greeting.Text(), s.greeted
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
	if err := s.askFeatures(); err != nil { // servers answer before a login too
		return err
	}
	r.Capabilities = s.capabilities()
	keeper.Goodbye(ctx, s)
	return nil
}

// capabilities returns the features, sorted by name.
func (s *session) capabilities() []protocols.Capability {
	var list []protocols.Capability
	for name, params := range s.feats {
		c := protocols.Capability{Name: name}
		if params != "" {
			c.Params = strings.FieldsFunc(params, func(b rune) bool { return b == ' ' || b == ';' })
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b protocols.Capability) int { return strings.Compare(a.Name, b.Name) })
	return list
}
