package imap

import (
	"context"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// Probe connects, reads the greeting, brings TLS up and asks for the capabilities.
// It logs in when the options say ProbeLogin. It uses a connection of its own, so
// that each step is timed.
func (c *Client) Probe(ctx context.Context) (*protocols.Report, error) {
	return c.line.Probe(ctx, nil)
}

// Capabilities returns what the server says it can do after the login.
func (c *Client) Capabilities(ctx context.Context) (list []protocols.Capability, err error) {
	err = runOn(ctx, c, "caps", "", func(_ context.Context, s *session.Session) error {
		list = s.Capabilities()
		return nil
	})
	return list, err
}
