package smtp

import (
	"context"

	"github.com/netclients/netclients/internal/keeper"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// Probe connects, reads the greeting, says hello and brings TLS up. It logs in
// when the options say ProbeLogin. It uses a connection of its own, so that each
// step is timed, and waits no longer than other protocols do.
func (c *Client) Probe(ctx context.Context) (*protocols.Report, error) {
	r, err := transport.Probe(ctx, c.url, c.keeper.Enter, func(r *protocols.Report) error { return c.probe(ctx, r) })
	return r, c.wrap(err, "probe")
}

func (c *Client) probe(ctx context.Context, r *protocols.Report) error {
	s, err := c.dial(ctx)
	if err != nil {
		return err
	}
	s.patience(protocols.DefaultIdleTimeout)
	defer s.conn.Close()
	defer s.conn.Use(ctx)()
	defer s.conn.Measure(r)
	r.Address, r.Phase = s.conn.RemoteAddr().String(), "greeting"
	err = s.begin(ctx, c.opts.ProbeLogin)
	if s.greeting != nil {
		r.Banner, r.Greeting = textOf(s.greeting), s.greeted
	}
	if err != nil {
		return err
	}
	if c.opts.ProbeLogin {
		r.Phase = "login"
		if err := s.logIn(); err != nil {
			return err
		}
		r.Login = s.login
	}
	for _, name := range s.order {
		r.Capabilities = append(r.Capabilities, protocols.Capability{Name: name, Params: s.caps[name]})
	}
	keeper.Goodbye(ctx, s)
	return nil
}
