package nntp

import (
	"context"

	"github.com/netclients/netclients/protocols"
)

// Probe connects, reads the greeting, starts TLS and reads the capabilities. With
// ProbeLogin it also logs in, if there are credentials, and sends DATE. It uses a
// connection of its own.
func (c *Client) Probe(ctx context.Context) (*protocols.Report, error) { return c.line.Probe(ctx, nil) }

// capabilities returns the capabilities for Probe. With ProbeLogin it sends DATE to
// check that the login has an effect.
func (h hooks) capabilities(ctx context.Context, s *session) ([]protocols.Capability, error) {
	if !h.c.line.Opts.ProbeLogin {
		return s.caps, nil
	}
	_, err := s.need(ctx, []int{111}, "DATE")
	return s.caps, err
}

// CapsCommand returns the command that lists the server's capabilities (RFC 3977 5.2). Old
// servers refuse it.
func (c *Client) CapsCommand() string { return "CAPABILITIES" }
