package nntp

import (
	"context"

	"github.com/netclients/netclients/protocols"
)

// Probe connects, reads the greeting, brings TLS up and asks for the
// capabilities. When the options say ProbeLogin it logs in, as far as somebody is
// named, and asks for the server's time. It uses a connection of its own.
func (c *Client) Probe(ctx context.Context) (*protocols.Report, error) { return c.line.Probe(ctx, nil) }

// probed returns the capabilities, and shows that a login is good for something.
func (c *Client) probed(ctx context.Context, s *session) ([]protocols.Capability, error) {
	if !c.line.Opts.ProbeLogin {
		return s.caps, nil
	}
	_, err := s.need(ctx, []int{111}, "DATE")
	return s.caps, err
}
