package ftp

import (
	"context"
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
	r, err := transport.Probe(ctx, c.url, c.keeper.Enter, func(r *protocols.Report) error { return c.probe(ctx, r) })
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
	if err := s.askFeatures(r); err != nil {
		return err
	}
	keeper.Goodbye(ctx, s)
	return nil
}

// askFeatures asks with FEAT, which servers answer before a login too; one that
// does not know it has no features to tell.
func (s *session) askFeatures(r *protocols.Report) error {
	reply, err := s.cmd("FEAT")
	if err != nil {
		return err
	}
	if reply.Code == 211 {
		s.features(reply.Lines)
	}
	for name, params := range s.feats {
		c := protocols.Capability{Name: name}
		if params != "" {
			c.Params = strings.FieldsFunc(params, func(b rune) bool { return b == ' ' || b == ';' })
		}
		r.Capabilities = append(r.Capabilities, c)
	}
	slices.SortFunc(r.Capabilities, func(a, b protocols.Capability) int { return strings.Compare(a.Name, b.Name) })
	return nil
}
