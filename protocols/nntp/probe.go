package nntp

import (
	"context"

	"github.com/netclients/netclients/internal/keeper"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// Probe connects, reads the greeting, brings TLS up and asks for the
// capabilities. When the options say ProbeLogin it logs in, as far as somebody is
// named, and asks for the server's time. It uses a connection of its own.
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
	if s != nil {
		r.Banner, r.Greeting = s.greeting.Text(), s.greeted
	}
	if err != nil {
		return err
	}
	r.Phase = "login"
	if err := s.introduce(ctx); err != nil {
		return err
	}
	r.Login, r.Phase, r.Capabilities = s.login, "caps", s.caps
	if c.opts.ProbeLogin {
		if _, err := s.need(ctx, []int{111}, "DATE"); err != nil {
			return err
		}
	}
	keeper.Goodbye(ctx, s)
	return nil
}

// introduce is settle for a probe: a login only when it is asked for.
func (s *session) introduce(ctx context.Context) error {
	if err := s.becomeReader(ctx); err != nil || !s.c.opts.ProbeLogin {
		return err
	}
	return s.logInEarly()
}
