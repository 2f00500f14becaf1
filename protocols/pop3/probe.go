package pop3

import (
	"context"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// Probe connects, reads the greeting, brings TLS up and asks for the capabilities
// (CAPA). It logs in when the options say ProbeLogin. It uses a connection of its
// own, so that each step is timed.
func (c *Client) Probe(ctx context.Context) (*protocols.Report, error) {
	return c.line.Probe(ctx, nil)
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
	err := c.do(ctx, "caps", "", nil, func(_ context.Context, s *session) error {
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
	err := c.do(ctx, "banner", "", nil, func(_ context.Context, s *session) error {
		text = s.Banner
		return nil
	})
	return text, err
}

// CapsCommand returns the command that lists the server's capabilities (RFC 2449). Old
// servers refuse it.
func (c *Client) CapsCommand() string { return "CAPA" }
