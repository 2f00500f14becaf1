package kit

import (
	"context"
	"strings"

	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/protocols"
)

// Kept is what the lines of a shell share: the connections, what was typed for a login,
// the trace, and the place that names are seen from.
type Kept struct {
	Spec   *protocols.Spec // of the place
	Login  *protocols.Target
	Shared *secret.Store
	Trace  func(protocols.Event) // nil: none
	Line   []string              // the words that the shell was started with, whose flags count for each line

	// Names makes the arguments of a verb URLs.
	Names func(ctx context.Context, e *Env, v *Verb, args []string) ([]string, error)
	// Ask asks for a yes; nil: the answer is yes.
	Ask func(ctx context.Context, question string) (bool, error)

	idle map[string][]protocols.Client
}

// mostKept is how many connections to one server wait for the next line.
const mostKept = 2

// Lend lends a line its clients, and what else it shares. The login of the shell's flags
// is for the shell's server alone. A line that is apart has flags of its own for clients,
// and makes its own.
func (k *Kept) Lend(e *Env, apart bool) {
	e.Shared, e.Ask = k.Shared, k.Ask
	e.loginFor, e.pinned = ServerKey(k.Login), true
	if !apart && k.idle != nil {
		e.Idle, k.idle = k.idle, nil
	}
}

// TakeBack keeps the clients of a line for the next one.
func (k *Kept) TakeBack(e *Env, apart bool) {
	if apart {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	k.idle = map[string][]protocols.Client{}
	for key, c := range e.Open {
		e.Idle[key] = append(e.Idle[key], c)
	}
	e.Open = map[string]protocols.Client{}
	for key, idle := range e.Idle {
		if !strings.Contains(key, "://") || strings.HasPrefix(key, "file:") { // of a path: nothing is open
			continue
		}
		n := min(len(idle), mostKept)
		k.idle[key], e.Idle[key] = idle[:n:n], idle[n:]
	}
}

// Close closes what waits for a next line.
func (k *Kept) Close() {
	for _, idle := range k.idle {
		for _, c := range idle {
			c.Close()
		}
	}
	k.idle = nil
}
