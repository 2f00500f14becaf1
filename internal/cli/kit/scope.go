package kit

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Scope says with which verbs flags have an effect; one that is not in it has an effect
// with every verb of its protocol.
type Scope map[string][]string

// Groups of verbs for scopes.
var (
	Readers   = []string{"cat", "get", "cp", "sync", "mirror", "fetch"}
	Transfers = append([]string{"put", "append"}, Readers...)
	Listers   = []string{"ls", "rm", "sync", "mirror", "cp", "get", "put", "stat"} // the ways to a listing: -r and patterns are among them
)

// everywhere is the scope of the flags that work everywhere.
var everywhere = Scope{"range": {"cat", "get", "request", "head", "post", "cp", "sync"}}

// CheckFlags refuses flags that the user gave for a verb or protocol with which they
// have no effect, and mechanisms that no client of these protocols knows.
// can reports whether one of the protocols has a verb.
func CheckFlags(fs *pflag.FlagSet, verb string, active []*Setup, can func(verb string) bool) (err error) {
	fs.Visit(func(f *pflag.Flag) {
		if err == nil {
			err = checkFlag(f, verb, active, can)
		}
	})
	return err
}

// Effective returns a function that reports whether a flag has an effect with a verb of
// these protocols.
func Effective(verb string, active []*Setup, can func(verb string) bool) func(*pflag.Flag) bool {
	return func(f *pflag.Flag) bool { return checkFlag(f, verb, active, can) == nil }
}

// forAll are the flags that work with commands that have no server too.
var forAll = []string{"json", "jq", "template", "quiet", "verbose", "color", "timeout", "no-progress"}

// CheckPlain refuses flags that work everywhere but with a command that connects to no
// server; inherited are those flags, uses those that have an effect all the same.
func CheckPlain(inherited *pflag.FlagSet, command string, uses []string) (err error) {
	inherited.VisitAll(func(f *pflag.Flag) {
		if f.Changed && err == nil && !plainEffect(f.Name, uses) {
			err = Usage("%s: --%s is for clients: this command connects to no server", command, f.Name)
		}
	})
	return err
}

// plainEffect reports whether a flag that works everywhere has an effect with a command
// that connects to no server.
func plainEffect(name string, uses []string) bool {
	return slices.Contains(forAll, name) || slices.Contains(uses, name)
}

// PlainEffective is Effective for such a command: its own flags have one too.
func PlainEffective(inherited *pflag.FlagSet, uses []string) func(*pflag.Flag) bool {
	return func(f *pflag.Flag) bool { return inherited.Lookup(f.Name) == nil || plainEffect(f.Name, uses) }
}

func checkFlag(f *pflag.Flag, verb string, active []*Setup, can func(string) bool) error {
	if len(active) == 0 {
		return nil
	}
	if verbs := everywhere[f.Name]; verbs != nil && !slices.Contains(verbs, verb) {
		return outOfScope(f, verb, verbs, can)
	}
	lacks := func(s *Setup) bool { return slices.Contains(s.Lacks, f.Name) }
	if !slices.ContainsFunc(active, func(s *Setup) bool { return !lacks(s) }) {
		return Usage("%s: --%s has no effect with this protocol", verb, f.Name)
	}
	if f.Name == "auth" {
		return checkMechanism(f.Value.String(), verb, active)
	}
	var outside []string
	for _, s := range active {
		verbs, scoped := s.Scope[f.Name]
		if scoped && !slices.Contains(verbs, verb) {
			outside = verbs
		} else if scoped || slices.Contains(s.Own, f.Name) {
			return nil
		}
	}
	if outside != nil {
		return outOfScope(f, verb, outside, can)
	}
	return nil
}

func outOfScope(f *pflag.Flag, verb string, scope []string, can func(string) bool) error {
	scope = slices.DeleteFunc(slices.Clone(scope), func(name string) bool { return !can(name) })
	return Usage("%s: --%s has no effect here; it is for %s", verb, f.Name, strings.Join(scope, ", "))
}

func checkMechanism(name, verb string, active []*Setup) error {
	var known []string
	for _, s := range active {
		if known = append(known, s.Mechanisms...); s.Mechanisms != nil && !s.Closed {
			return nil // the server knows whether it is offered
		}
	}
	if slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) }) {
		return nil
	}
	return Usage("%s: --auth %s: unknown mechanism; there are %s", verb, name, strings.Join(known, ", "))
}

// SASL are the mechanisms that mail and news clients can log in with, for completions;
// which of them a server takes it says itself.
var SASL = []string{"OAUTHBEARER", "XOAUTH2", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "CRAM-MD5", "EXTERNAL", "PLAIN", "LOGIN", "ANONYMOUS"}
