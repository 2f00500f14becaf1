package kit

import (
	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/protocols"
)

// Hosted is what a verb runs with that nobody watches: a job of a fleet. It may be
// stopped at any time and go on at another machine.
type Hosted struct {
	// Secret returns where the secret of a server is; nil for those of which nothing is said.
	Secret func(t *protocols.Target) *secret.Reference
	Tables *secret.Tables
	// StateDir is the folder for what the run must remember. Safe makes what is in it safe
	// at the other machines too, before what it speaks of is done.
	StateDir string
	Safe     func() error
	Guard    protocols.Guard
	Stats    *protocols.Stats
}

// Options puts the parts of the host into those of all clients.
func (h *Hosted) Options(o *protocols.Options) {
	if h == nil {
		return
	}
	o.Guard = h.Guard
	if h.Stats != nil {
		o.Stats = h.Stats
	}
}
