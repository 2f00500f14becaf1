package cli

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols"
)

// timesFromEnvironment sets the time limits that were not given: NETCLIENTS_TIMEOUT
// stands for --timeout, and so on. They come before those of a profile.
func timesFromEnvironment(fs *pflag.FlagSet, getenv func(string) string) error {
	for _, name := range []string{"timeout", "connect-timeout", "idle-timeout"} {
		variable := "NETCLIENTS_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		value := getenv(variable)
		if value == "" || fs.Changed(name) {
			continue
		}
		var check duration
		if err := check.Set(value); err != nil {
			return usage("%s=%s: %v", variable, value, err)
		}
		if err := fs.Set(name, value); err != nil {
			return err
		}
	}
	return nil
}

// renew reads anew what the flags name, for commands that go on for long: files may
// have been replaced, and tokens have ended. What a person typed, and what came by
// standard input, stays known.
func (e *env) renew() error {
	o, err := e.flags.options()
	if err != nil {
		return err
	}
	o.Trace, o.Stats, o.Limiter = e.opts.Trace, e.opts.Stats, e.opts.Limiter
	e.mu.Lock()
	defer e.mu.Unlock()
	e.opts, e.perHost = o, map[string]*protocols.Options{}
	e.shared.forgetCommands()
	return nil
}

// told are the events that --verbose shows.
var told = map[protocols.EventKind]bool{
	protocols.EventConnect: true, protocols.EventProxy: true, protocols.EventTLS: true, protocols.EventNote: true, protocols.EventError: true,
}

// tellStep prints an event as a line on standard error. Clients call it from many
// goroutines, so that it leaves the buffer of standard output alone.
func (e *env) tellStep(ev protocols.Event) {
	if told[ev.Kind] {
		line := fmt.Sprintf("* %s %s %s", ev.Protocol, ev.Kind, ev.Text)
		if ev.Took > 0 {
			line += " (" + ev.Took.Round(10*time.Microsecond).String() + ")"
		}
		e.stepMu.Lock()
		defer e.stepMu.Unlock()
		fmt.Fprintln(e.out.words, safe(line))
	}
}

// optionsFor returns the options for clients of a target: what all have, with the
// credentials chain of its server. Clients of one server share them, so that
// nobody is asked twice.
func (e *env) optionsFor(t *protocols.Target) *protocols.Options {
	key := serverKey(t)
	e.mu.Lock()
	defer e.mu.Unlock()
	if o := e.perHost[key]; o != nil {
		return o
	}
	o, g := *e.opts, e.flags
	_, port := protocols.HostPort(t.URL, t.Scheme)
	o.Credentials = newCredentials(credEnv{
		User: g.user, PasswordFile: g.passwordFile, PasswordCommand: g.passwordCommand, NetrcFile: g.netrcFile,
		TokenFile: g.tokenFile, TokenCommand: g.tokenCommand, Account: g.account, AuthzID: g.authzID,
		URL: t.URL, DefaultPort: port, Profile: e.profile, Getenv: os.Getenv, Stdin: e.stdin,
		Terminal: openTerminal, Warn: e.out.warn, Shared: e.shared, Found: e.hidden.learn,
	})
	e.perHost[key] = &o
	return &o
}

// silence returns the longest silence of a talk: none, unless the user set one.
func (e *env) silence() time.Duration {
	if d := time.Duration(e.flags.idleTimeout); d != protocols.DefaultIdleTimeout {
		return d
	}
	return 0
}
