package session

import (
	"cmp"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// caps are the capabilities of a server.
type caps struct {
	known map[string]bool // in upper case, "AUTH=PLAIN" too; nil: not known
}

// forget drops the capabilities: what was said before TLS or before the login counts
// no more. Those that st brings, if any, take their place.
func (c *caps) forget(st *imapwire.Status) {
	c.known = nil
	if st != nil {
		c.note(st)
	}
}

// note takes the capabilities from a status.
func (c *caps) note(st *imapwire.Status) {
	if st.Code == "CAPABILITY" {
		c.set(st.Args)
	}
}

// What is remembered of a server's names: how many capabilities, and how long a name
// of any kind may be.
const (
	maxCaps = 1000
	maxName = 1000
)

func (c *caps) set(list string) {
	c.known = map[string]bool{}
	for name := range strings.FieldsSeq(list) {
		if len(c.known) < maxCaps {
			c.known[strings.ToUpper(name)] = true
		}
	}
}

// inRev2 are the extensions that IMAP4rev2 includes (RFC 9051 appendix E): servers
// need not advertise them again.
var inRev2 = map[string]bool{
	"ENABLE": true, "ESEARCH": true, "IDLE": true, "LIST-STATUS": true, "LITERAL-": true, "MOVE": true, "NAMESPACE": true,
	"SASL-IR": true, "SPECIAL-USE": true, "STATUS=SIZE": true, "UIDPLUS": true, "UNSELECT": true,
}

// Has reports whether the server has one of the capabilities.
func (c *caps) Has(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return c.known[n] || inRev2[n] && c.known["IMAP4REV2"] })
}

// Capabilities returns all capabilities by name; "AUTH=PLAIN" and its like are
// parameters of "AUTH".
func (c *caps) Capabilities() []protocols.Capability {
	params := map[string][]string{}
	for text := range c.known {
		name, param, has := strings.Cut(text, "=")
		list := params[name]
		if has {
			list = append(list, param)
		}
		params[name] = list
	}
	var out []protocols.Capability
	for name, list := range params {
		slices.Sort(list)
		out = append(out, protocols.Capability{Name: name, Params: list})
	}
	slices.SortFunc(out, func(a, b protocols.Capability) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// mechanisms returns those that the server offers.
func (c *caps) mechanisms() []string {
	var out []string
	for name := range c.known {
		if m, ok := strings.CutPrefix(name, "AUTH="); ok {
			out = append(out, m)
		}
	}
	slices.Sort(out)
	return out
}
