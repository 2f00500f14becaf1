package shellcmd

import (
	"context"
	"fmt"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
)

// mostListed bounds the entries of a folder that are held to find names in them.
const mostListed = 50_000

// listing is what was in a folder when it was looked at.
type listing struct {
	url     string
	entries []protocols.Entry
}

// lister lists folders with the clients of an environment, and remembers the last one.
func (s *shell) lister(e *kit.Env) finder {
	return func(ctx context.Context, at *protocols.Target) ([]protocols.Entry, error) {
		if s.known.url == at.URL.String() {
			return s.known.entries, nil
		}
		c, err := e.Client(at)
		if err != nil {
			return nil, err
		}
		var all []protocols.Entry
		for entry, err := range protocols.List(ctx, c, at.Name) {
			if err != nil {
				return nil, err
			}
			if len(all) == mostListed {
				return nil, &protocols.Error{Kind: protocols.KindProtocol, Text: fmt.Sprintf("more than %d entries", mostListed), Hint: "use the URL of the entry"}
			}
			all = append(all, entry)
		}
		s.known = listing{at.URL.String(), all}
		return all, nil
	}
}
