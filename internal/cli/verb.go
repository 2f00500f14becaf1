package cli

import (
	"context"
	"net/url"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols"
)

// verb is one row of the verb table. It exists for a URL exactly when has says
// so of the client that the URL opens; nothing else in this package knows which
// protocol can do what.
type verb struct {
	name    string
	args    string // the usage line: "URL...", "URL [RANGE]", "FILE URL"
	short   string
	example string
	own     bool // a protocol's own: not among the generic verbs
	either  bool // one of several adapters that a command line is about is enough
	lasting bool // runs until it is stopped: no time limit by default
	flags   func(*pflag.FlagSet)
	has     func(protocols.Client) bool
	run     func(ctx context.Context, e *env, args []string) error
}

// action is what a verb does with one opened target. name is the target's name
// as the client's methods take it, args are the arguments behind the target.
type action[T any] func(ctx context.Context, e *env, c T, name string, args []string) error

// on makes a verb for every client that is a T: a capability of package
// protocols, or the concrete client of one adapter. The first argument is the
// target; with a single "URL..." every argument is one.
func on[T any](name, args, short string, do action[T]) *verb {
	v := &verb{name: name, args: args, short: short, has: is[T]}
	many := args == "URL..."
	v.run = func(ctx context.Context, e *env, args []string) error {
		targets, rest := args[:1], args[1:]
		if many {
			targets, rest = args, nil
		}
		return e.each(ctx, targets, func(text string) error {
			return with(ctx, e, v.name, text, func(ctx context.Context, c T, name string) error {
				return do(ctx, e, c, name, rest)
			})
		})
	}
	return v
}

// with opens the target text as a T and hands it to do. Errors gain the target's URL.
func with[T any](ctx context.Context, e *env, verb, text string, do func(ctx context.Context, c T, name string) error) error {
	t, err := e.target(text)
	if err != nil {
		return err
	}
	c, err := e.client(t)
	if err != nil {
		return protocols.Wrap(err, t.Spec.Name, verb, protocols.Redact(t.URL))
	}
	x, ok := protocols.As[T](c)
	if !ok {
		return e.cannot(t.Spec, verb)
	}
	e.at = t
	return named(protocols.Wrap(do(ctx, x, t.Name), t.Spec.Name, verb, protocols.Redact(t.URL)), verb)
}

// is reports whether a client is a T.
func is[T any](c protocols.Client) bool {
	_, ok := protocols.As[T](c)
	return ok
}

// as makes another name for a verb that only clients of type T have.
func as[T any](name string, v *verb) *verb {
	c, has := *v, v.has
	c.name, c.own = name, true
	c.has = func(x protocols.Client) bool { return is[T](x) && has(x) }
	return &c
}

// with adds the verb's flags.
func (v *verb) with(flags func(*pflag.FlagSet)) *verb { v.flags = flags; return v }

// eg adds examples: whole command lines without the program's name, one a line.
func (v *verb) eg(lines ...string) *verb {
	v.example = "  netclients " + strings.Join(lines, "\n  netclients ")
	return v
}

// only makes the verb a protocol's own.
func (v *verb) only() *verb { v.own = true; return v }

// lasts says that the verb runs until the user or the peer ends it.
func (v *verb) lasts() *verb { v.lasting = true; return v }

// arity returns the least and most arguments of the usage line; -1 for no bound.
func (v *verb) arity() (low, high int) {
	for _, word := range strings.Fields(v.args) {
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

// setup is a set of flags that every verb of one protocol has, with what they do
// to its client once it is made and before it is used.
type setup struct {
	has       func(protocols.Client) bool
	flags     func(*pflag.FlagSet)
	configure func(protocols.Client) error
	link      func(e *env, c protocols.Client) error // what needs other clients; nil: nothing
}

// flagsFor makes the flags of all verbs of clients that are a T. configure runs
// on each new client after the flags have been read.
func flagsFor[T any](flags func(*pflag.FlagSet), configure func(T) error) *setup {
	return &setup{has: is[T], flags: flags, configure: func(c protocols.Client) error {
		x, _ := protocols.As[T](c)
		return configure(x)
	}}
}

// sample makes a client that is never connected, to ask what it is. Making one
// does no I/O.
func sample(s *protocols.Spec) protocols.Client {
	c, err := s.New(&url.URL{Scheme: s.Schemes[0].Name, Host: "localhost", Path: "/"}, nil)
	if err != nil {
		return nil
	}
	return c
}

// specOf returns the adapter of a scheme, or nil. A mailto: URL opens nothing, but it
// is SMTP that can do something with it.
func specOf(reg *protocols.Registry, scheme string) *protocols.Spec {
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

// verbNamed finds a verb in a part of the table.
func verbNamed(name string, part []*verb) *verb {
	for _, v := range part {
		if v.name == name {
			return v
		}
	}
	return nil
}
