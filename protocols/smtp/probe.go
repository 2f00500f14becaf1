package smtp

import (
	"context"

	"github.com/netclients/netclients/protocols"
)

// Probe connects, reads the greeting, says hello and brings TLS up. It logs in
// when the options say ProbeLogin. It uses a connection of its own, so that each
// step is timed, and waits no longer than other protocols do.
func (c *Client) Probe(ctx context.Context) (*protocols.Report, error) {
	return c.line.Probe(ctx, func(s *session) { s.patience(protocols.DefaultIdleTimeout) })
}
