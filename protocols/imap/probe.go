package imap

import (
	"context"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/session"
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
	s, greeted, err := c.begin(ctx, conn)
	if s != nil {
		r.Banner, r.Greeting = s.Greeting(), greeted
	}
	if err != nil {
		return err
	}
	if c.opts.ProbeLogin {
		r.Phase = "login"
		start := time.Now()
		if err := c.logIn(ctx, s); err != nil {
			return err
		}
		r.Login = time.Since(start)
		if err := c.settle(s); err != nil {
			return err
		}
	}
	r.Phase = "caps"
	if err := s.LearnCaps(); err != nil {
		return err
	}
	r.Capabilities = s.Capabilities()
	s.Goodbye()
	return nil
}

// Capabilities returns what the server says it can do after the login.
func (c *Client) Capabilities(ctx context.Context) (list []protocols.Capability, err error) {
	err = c.do(ctx, "caps", "", func(s *session.Session) error {
		list = s.Capabilities()
		return nil
	})
	return list, err
}
