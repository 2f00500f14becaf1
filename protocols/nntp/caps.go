package nntp

import (
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// parseCapability reads one line of CAPABILITIES (RFC 3977 9.5).
func parseCapability(line string) (protocols.Capability, bool) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return protocols.Capability{}, false
	}
	c := protocols.Capability{Name: strings.ToUpper(words[0])}
	if len(words) > 1 {
		c.Params = words[1:]
	}
	return c, true
}

// offers reports whether the server has a capability, with the parameter if one is
// named.
func (s *session) offers(name string, params ...string) bool {
	return slices.ContainsFunc(s.caps, func(c protocols.Capability) bool {
		return c.Name == name && (len(params) == 0 || hasFold(c.Params, params[0]))
	})
}

func hasFold(list []string, word string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, word) })
}

// params returns the parameters of all lines of a capability.
func (s *session) params(name string) (all []string) {
	for _, c := range s.caps {
		if c.Name == name {
			all = append(all, c.Params...)
		}
	}
	return all
}
