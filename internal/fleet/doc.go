// Package fleet runs jobs on many machines: a durable queue of jobs, the state of each,
// leases on servers, and what a sync must remember, all of it in NATS JetStream. It knows
// nothing of the jobs but their words; a [Host] runs them.
//
// It is the only package that imports NATS.
package fleet

import (
	"fmt"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// Format is the version of what a fleet keeps. Programs of another one are refused.
const Format = "1"

// The defaults of a fleet.
const (
	DefaultName     = "default"
	DefaultLane     = "default"
	DefaultLease    = 30 * time.Second
	DefaultPerHost  = 4
	DefaultAttempts = 5
)

// wordBytes is what the names of fleets and lanes are made of.
const wordBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

// CheckWord returns an error unless text can be the name of a fleet or a lane.
func CheckWord(what, text string) error {
	if text == "" || len(text) > 64 || strings.Trim(text, wordBytes) != "" {
		return usage("%s %q: want letters, digits, - and _, at most 64", what, text)
	}
	return nil
}

// names are those of a fleet's objects in JetStream.
type names struct{ jobs, state, events, files, slots, limits, subject string }

func namesOf(fleet string) names {
	p := "nc_" + fleet + "_"
	return names{
		jobs: p + "jobs", state: p + "state", events: p + "events", files: p + "files", slots: p + "slots", limits: p + "limits",
		subject: "nc." + fleet + ".",
	}
}

func (n names) job(lane string) string { return n.subject + "job." + lane }
func (n names) item(key string) string { return n.subject + "item." + key }

func usage(format string, args ...any) error {
	return protocols.UsageError("", "fleet", fmt.Sprintf(format, args...))
}
