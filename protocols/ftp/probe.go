package ftp

import (
	"context"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// Probe connects, reads the greeting, brings TLS up and asks for the features
// (FEAT). It logs in when the options say ProbeLogin. It uses a connection of its
// own, so that each step is timed.
func (c *Client) Probe(ctx context.Context) (*protocols.Report, error) { return c.line.Probe(ctx, nil) }

// capabilities returns the features, sorted by name.
func (s *session) capabilities() []protocols.Capability {
	var list []protocols.Capability
	for name, params := range s.feats {
		c := protocols.Capability{Name: name}
		if params != "" {
			c.Params = strings.FieldsFunc(params, func(b rune) bool { return b == ' ' || b == ';' })
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b protocols.Capability) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// CapsCommand returns the command that lists the server's capabilities (RFC 2389). Old
// servers refuse it.
func (c *Client) CapsCommand() string { return "FEAT" }
