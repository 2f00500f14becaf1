package kit

import (
	"cmp"
	"context"
	"net/url"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols"
)

// Verb is one row of the verb table. Both forms of the command line, the help, the
// completions and docs/verbs.md are made from the table.
type Verb struct {
	Name     string
	Args     string // the usage line: "URL...", "URL [RANGE]", "FILE URL"
	Short    string
	Aliases  []string // words of other programs for it
	Examples []string // whole command lines without the program's name
	Generic  bool     // among the verbs for any URL; else only below its protocol
	Either   bool     // one of several adapters that a command line is about is enough
	Lasting  bool     // runs until the user or the peer ends it: no time limit by default
	Flags    func(*pflag.FlagSet)

	// Words, when set, changes the words of the command line before flags are read in them.
	Words func(fs *pflag.FlagSet, args []string) []string

	// Works reports whether the clients of an adapter have the verb; nothing else in
	// this package knows which protocol can do what. See Is.
	Works func(protocols.Client) bool
	Run   Run

	// Stands reports whether a word after the name of the protocol, which is not a verb,
	// is an argument of this verb: netclients telnet HOST. Nil: none is.
	Stands func(word string) bool

	// Means makes the row another name for the verb of this name that the same client
	// has. The fields that are not set are that verb's.
	Means string
}

// Run is what a verb does with its arguments.
type Run func(ctx context.Context, e *Env, args []string) error

// Action is what a verb does with one opened target: the client of its server,
// which takes at.Name, and the arguments after the target.
type Action[T any] func(ctx context.Context, e *Env, c T, at *protocols.Target, args []string) error

// On returns the Run of a verb whose first argument is the target.
func On[T any](do Action[T]) Run {
	return func(ctx context.Context, e *Env, args []string) error {
		return Use(ctx, e, args[0], func(ctx context.Context, c T, at *protocols.Target) error {
			return do(ctx, e, c, at, args[1:])
		})
	}
}

// Each returns the Run of a verb whose arguments all are targets.
func Each[T any](do Action[T]) Run {
	return func(ctx context.Context, e *Env, args []string) error {
		return e.Each(ctx, args, func(text string) error {
			return On(do)(ctx, e, []string{text})
		})
	}
}

// Use opens the target text as a T and passes it to do. Errors gain the verb's name
// and the target's URL.
func Use[T any](ctx context.Context, e *Env, text string, do func(ctx context.Context, c T, at *protocols.Target) error) error {
	t, err := e.Target(text)
	if err != nil {
		return err
	}
	c, err := e.Client(t)
	if err != nil {
		return protocols.Wrap(err, t.Spec.Name, e.Verb, protocols.Redact(t.URL))
	}
	if err := e.can(t.Spec); err != nil {
		return err
	}
	x, ok := protocols.As[T](c)
	if !ok {
		return protocols.Unsupported(t.Spec.Name, e.Verb, "other protocols' URLs do not fit this form of the verb")
	}
	return Named(protocols.Wrap(do(ctx, x, t), t.Spec.Name, e.Verb, protocols.Redact(t.URL)), e.Verb)
}

// Is reports whether a client is a T.
func Is[T any](c protocols.Client) bool {
	_, ok := protocols.As[T](c)
	return ok
}

// Like returns the row with what it leaves out taken from another.
func (v *Verb) Like(other *Verb) *Verb {
	c := *other
	c.Name, c.Works, c.Means, c.Generic = v.Name, v.Works, "", v.Generic
	c.Short = cmp.Or(v.Short, c.Short)
	if v.Examples != nil {
		c.Examples = v.Examples
	}
	return &c
}

// Example returns the examples as the help shows them.
func (v *Verb) Example() string {
	if len(v.Examples) == 0 {
		return ""
	}
	return "  netclients " + strings.Join(v.Examples, "\n  netclients ")
}

// Arity returns the least and most arguments of the usage line; -1 for no bound.
func (v *Verb) Arity() (low, high int) {
	for _, word := range strings.Fields(v.Args) {
		if !strings.HasPrefix(word, "[") {
			low++
		}
		if strings.Contains(word, "...") {
			high = -1
		} else if high >= 0 {
			high++
		}
	}
	return low, high
}

// AnyHost is a Stands for verbs of one host: every word that does not begin as a flag.
func AnyHost(word string) bool { return word != "" && word[0] != '-' }

// HostPort is a Stands for words that hold a port or a path, or are URLs.
func HostPort(word string) bool { return strings.ContainsAny(word, ":/") }

// Setup is a set of flags that every verb of one protocol has, with what they do
// to its client once it is made and before it is used.
type Setup struct {
	Has       func(protocols.Client) bool
	Flags     func(*pflag.FlagSet)
	Configure func(protocols.Client) error
	Link      func(e *Env, c protocols.Client) error // what needs other clients; nil: nothing

	Own        []string // names of its flags, once they are registered
	Scope      Scope    // which of its flags are for some verbs only
	Lacks      []string // flags that work everywhere, but not with these clients
	Mechanisms []string // what --auth takes
	Closed     bool     // no server knows other mechanisms
}

// With adds to a setup what its flags are for, which of the flags that work everywhere
// its clients lack, and the mechanisms that they can log in with.
func (s *Setup) With(scope Scope, lacks, mechanisms []string) *Setup {
	s.Scope, s.Lacks, s.Mechanisms = scope, lacks, mechanisms
	return s
}

// FlagsFor makes the flags of all verbs of clients that are a T. configure runs
// on each new client after the flags have been read.
func FlagsFor[T any](flags func(*pflag.FlagSet), configure func(T) error) *Setup {
	return &Setup{Has: Is[T], Flags: flags, Configure: func(c protocols.Client) error {
		x, _ := protocols.As[T](c)
		return configure(x)
	}}
}

// Sample makes a client that is never connected, to ask what it is. Making one
// does no I/O.
func Sample(s *protocols.Spec) protocols.Client {
	c, err := s.New(&url.URL{Scheme: s.Schemes[0].Name, Host: "localhost", Path: "/"}, nil)
	if err != nil {
		return nil
	}
	return c
}

// SpecOf returns the adapter of a scheme, or nil. A mailto: URL opens nothing, but it
// is SMTP that can do something with it.
func SpecOf(reg *protocols.Registry, scheme string) *protocols.Spec {
	if scheme == "mailto" {
		return reg.Spec("smtp")
	}
	for _, s := range reg.Specs() {
		if _, ok := s.Scheme(scheme); ok {
			return s
		}
	}
	return nil
}
