package kit

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

// Renew reads anew what the flags name, for commands that go on for long: files may
// have been replaced, and tokens have ended. What a person typed, and what came by
// standard input, stays known.
func (e *Env) Renew(ctx context.Context) error {
	o, err := e.Flags.Options(ctx)
	if err != nil {
		return err
	}
	o.Trace, o.Stats, o.Limiter, o.Guard = e.Opts.Trace, e.Opts.Stats, e.Opts.Limiter, e.Opts.Guard
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Opts, e.PerHost = o, map[string]*protocols.Options{}
	e.Shared.ForgetCommands()
	return nil
}

// told are the events that --verbose shows.
var told = map[protocols.EventKind]bool{
	protocols.EventConnect: true, protocols.EventProxy: true, protocols.EventTLS: true, protocols.EventNote: true, protocols.EventError: true,
}

// TellStep prints an event as a line on standard error. Clients call it from many
// goroutines, so that it leaves the buffer of standard output alone.
func (e *Env) TellStep(ev protocols.Event) {
	if told[ev.Kind] {
		line := fmt.Sprintf("* %s %s %s", ev.Protocol, ev.Kind, ev.Text)
		if ev.Took > 0 {
			line += " (" + ev.Took.Round(10*time.Microsecond).String() + ")"
		}
		e.stepMu.Lock()
		defer e.stepMu.Unlock()
		fmt.Fprintln(e.Out.Words, show.Safe(e.Out.Hidden.Text(line)))
	}
}

// WarnOnce prints a warning of a client on standard error, the first time that it comes:
// each connection to a server has the same.
func (e *Env) WarnOnce(text string) {
	e.stepMu.Lock()
	defer e.stepMu.Unlock()
	if e.Out.Quiet || slices.Contains(e.warned, text) {
		return
	}
	e.warned = append(e.warned, text)
	fmt.Fprintln(e.Out.Words, show.Safe(e.Out.Hidden.Text("netclients: warning: "+text)))
}

// OptionsFor returns the options for clients of a target: what all have, with the
// credentials chain of its server. Clients of one server share them, so that
// nobody is asked twice.
func (e *Env) OptionsFor(t *protocols.Target) *protocols.Options {
	key := ServerKey(t)
	e.mu.Lock()
	defer e.mu.Unlock()
	if o := e.PerHost[key]; o != nil {
		return o
	}
	o := e.newOptions(t, e.loginFor != "" && e.loginFor != key)
	e.PerHost[key] = o
	return o
}

// newOptions makes the options of a target. The caller holds mu.
func (e *Env) newOptions(t *protocols.Target, withoutLogin bool) *protocols.Options {
	o, g := *e.Opts, e.Flags
	o.Warn = e.WarnOnce
	port := ""
	if t.Scheme.Port != 0 {
		port = strconv.Itoa(t.Scheme.Port)
	}
	sources := secret.Sources{
		User: g.user, PasswordFile: g.passwordFile, PasswordCommand: g.passwordCommand, NetrcFile: g.netrcFile,
		TokenFile: g.tokenFile, TokenCommand: g.tokenCommand, Account: g.account, AuthzID: g.authzID,
		URL: t.URL, DefaultPort: port, Profile: e.Profile, Getenv: os.Getenv, Stdin: e.Stdin,
		Terminal: secret.OpenTerminal, Warn: e.Out.Warn, Shared: e.Shared, Found: e.found(ServerKey(t)),
		Logins: secret.OpenLogins(os.Getenv), Web: e.Opts,
	}
	if e.apart {
		sources.Terminal = nil
	}
	if h := e.Hosted; h != nil {
		sources.Terminal = nil
		if h.Secret != nil {
			sources.Reference, sources.Tables = h.Secret(t), h.Tables
		}
	}
	if withoutLogin || e.apart {
		sources.WithoutLogin()
	}
	o.Credentials, o.Named = secret.NewCredentials(sources), secret.NewNamed(sources)
	return &o
}

// found returns what is told of the credentials for a server.
func (e *Env) found(key string) func(protocols.Credential) {
	return func(c protocols.Credential) {
		e.Out.Hidden.AddCredential(c)
		e.endsMu.Lock()
		defer e.endsMu.Unlock()
		if e.ends == nil {
			e.ends = map[string]time.Time{}
		}
		e.ends[key] = c.Expires
	}
}

// TokenEnds returns when the token ends that a login at the target has used; zero where
// there was none, or it does not say.
func (e *Env) TokenEnds(t *protocols.Target) time.Time {
	e.endsMu.Lock()
	defer e.endsMu.Unlock()
	return e.ends[ServerKey(t)]
}

// Silence returns the longest silence of a talk: none, unless the user set one.
func (e *Env) Silence() time.Duration {
	if e.Flags.Given("idle-timeout") {
		return time.Duration(e.Flags.IdleTimeout)
	}
	return 0
}
