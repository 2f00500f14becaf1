package kit

import (
	"context"
	"net/url"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols"
)

// Verb is one row of the verb table. It exists for a URL exactly when has says
// so of the client that the URL opens; nothing else in this package knows which
// protocol can do what.
type Verb struct {
	Name    string
	Args    string // the usage line: "URL...", "URL [RANGE]", "FILE URL"
	Short   string
	Example string
	Own     bool // a protocol's own: not among the generic verbs
	Either  bool // one of several adapters that a command line is about is enough
	Lasting bool // runs until it is stopped: no time limit by default
	Flags   func(*pflag.FlagSet)
	Has     func(protocols.Client) bool
	Run     func(ctx context.Context, e *Env, args []string) error
}

// Action is what a verb does with one opened target. name is the target's name
// as the client's methods take it, args are the arguments after the target.
type Action[T any] func(ctx context.Context, e *Env, c T, name string, args []string) error

// On makes a verb for every client that is a T: a capability of package
// protocols, or the concrete client of one adapter. The first argument is the
// target; with a single "URL..." every argument is one.
func On[T any](name, args, short string, do Action[T]) *Verb {
	v := &Verb{Name: name, Args: args, Short: short, Has: Is[T]}
	many := args == "URL..."
	v.Run = func(ctx context.Context, e *Env, args []string) error {
		targets, rest := args[:1], args[1:]
		if many {
			targets, rest = args, nil
		}
		return e.Each(ctx, targets, func(text string) error {
			return With(ctx, e, v.Name, text, func(ctx context.Context, c T, name string) error {
				return do(ctx, e, c, name, rest)
			})
		})
	}
	return v
}

// With opens the target text as a T and hands it to do. Errors gain the target's URL.
func With[T any](ctx context.Context, e *Env, verb, text string, do func(ctx context.Context, c T, name string) error) error {
	t, err := e.Target(text)
	if err != nil {
		return err
	}
	c, err := e.Client(t)
	if err != nil {
		return protocols.Wrap(err, t.Spec.Name, verb, protocols.Redact(t.URL))
	}
	x, ok := protocols.As[T](c)
	if !ok {
		return e.Cannot(t.Spec, verb)
	}
	e.At = t
	return Named(protocols.Wrap(do(ctx, x, t.Name), t.Spec.Name, verb, protocols.Redact(t.URL)), verb)
}

// Is reports whether a client is a T.
func Is[T any](c protocols.Client) bool {
	_, ok := protocols.As[T](c)
	return ok
}

// As makes another name for a verb that only clients of type T have.
func As[T any](name string, v *Verb) *Verb {
	c, has := *v, v.Has
	c.Name, c.Own = name, true
	c.Has = func(x protocols.Client) bool { return Is[T](x) && has(x) }
	return &c
}

// With adds the verb's flags.
func (v *Verb) With(flags func(*pflag.FlagSet)) *Verb { v.Flags = flags; return v }

// Eg adds examples: whole command lines without the program's name, one a line.
func (v *Verb) Eg(lines ...string) *Verb {
	v.Example = "  netclients " + strings.Join(lines, "\n  netclients ")
	return v
}

// Only makes the verb a protocol's own.
func (v *Verb) Only() *Verb { v.Own = true; return v }

// Lasts says that the verb runs until the user or the peer ends it.
func (v *Verb) Lasts() *Verb { v.Lasting = true; return v }

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

// Setup is a set of flags that every verb of one protocol has, with what they do
// to its client once it is made and before it is used.
type Setup struct {
	Has       func(protocols.Client) bool
	Flags     func(*pflag.FlagSet)
	Configure func(protocols.Client) error
	Link      func(e *Env, c protocols.Client) error // what needs other clients; nil: nothing
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

// VerbNamed finds a verb in a part of the table.
func VerbNamed(name string, part []*Verb) *Verb {
	for _, v := range part {
		if v.Name == name {
			return v
		}
	}
	return nil
}
