package pop3

import (
	"context"
	"slices"
	"strings"

	"github.com/netclients/netclients/internal/keeper"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// Probe connects, reads the greeting, brings TLS up and asks for the capabilities
// (CAPA). It logs in when the options say ProbeLogin. It uses a connection of its
// own, so that each step is timed.
func (c *Client) Probe(ctx context.Context) (*protocols.Report, error) {
	r, err := transport.Probe(ctx, c.url, c.keeper.Enter, func(r *protocols.Report) error { return c.probe(ctx, r) })
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
	s, err := c.greet(ctx, conn)
	if s != nil {
		r.Banner, r.Greeting = s.greeting, s.greeted
	}
	if err == nil {
		err = s.secure(ctx)
	}
	if err != nil {
		return err
	}
	if c.opts.ProbeLogin {
		r.Phase = "login"
		if err := s.askCredential(ctx); err != nil {
			return err
		}
		if err := s.logIn(); err != nil {
			return err
		}
		r.Login, r.Phase = s.login, "caps"
		if err := s.askCaps(); err != nil {
			return err
		}
	}
	r.Capabilities = s.capabilities()
	keeper.Goodbye(ctx, s)
	return nil
}

func (s *session) capabilities() []protocols.Capability {
	var list []protocols.Capability
	for name, params := range s.caps {
		list = append(list, protocols.Capability{Name: name, Params: params})
	}
	slices.SortFunc(list, func(a, b protocols.Capability) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// Capabilities returns what the server says it can do after login (CAPA).
func (c *Client) Capabilities(ctx context.Context) ([]protocols.Capability, error) {
	var list []protocols.Capability
	err := c.do(ctx, "caps", "", nil, func(s *session) error {
		err := s.askCaps()
		list = s.capabilities()
		return err
	})
	return list, err
}

// Greeting returns the text of the server's greeting, with the time stamp for APOP
// where it has one.
func (c *Client) Greeting(ctx context.Context) (string, error) {
	var text string
	err := c.do(ctx, "banner", "", nil, func(s *session) error {
		text = s.greeting
		return nil
	})
	return text, err
}
