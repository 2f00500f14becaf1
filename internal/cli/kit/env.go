// Package kit is what all verbs share: the form of a verb, the flags that work
// everywhere and the types of their values, the environment that a verb runs in
// with its clients, and work on many objects at once.
package kit

import (
	"context"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
)

// Env is what one command runs with.
type Env struct {
	Reg      *protocols.Registry
	Flags    *Globals
	Setups   []*Setup // the flags of protocols, read
	Verb     string   // the verb that runs, as the user named it
	Proto    string   // protocol named on the command line, or empty
	Opts     *protocols.Options
	Out      *show.Output
	Stdin    io.Reader
	Open     map[string]protocols.Client
	Shared   *secret.Store
	Profile  *secret.Profile                            // that the command line chose; nil: none
	Hosted   *Hosted                                    // what a job of a fleet runs with; nil: a person waits for the verb
	loginFor string                                     // key of the one server that gets the login of the flags; empty: any
	Unknown  func(text, scheme string) error            // the error for a URL of a scheme that is not spoken; nil: the registry's
	Can      func(s *protocols.Spec, verb string) error // nil if the protocol has the verb, else what it can do

	apart  bool // see Apart
	pinned bool // loginFor is set for good

	Kept *Kept    // of the shell that the line is of; nil: none
	Line []string // the words of the command line
	// Ask asks a person for a yes; nil: the terminal does, see verbs.Confirm.
	Ask func(ctx context.Context, question string) (bool, error)

	stepMu sync.Mutex // one line of --verbose, or one warning, at a time
	warned []string   // guarded by stepMu

	endsMu sync.Mutex
	ends   map[string]time.Time // of tokens, guarded by endsMu

	mu      sync.Mutex
	PerHost map[string]*protocols.Options // guarded by mu
	Idle    map[string][]protocols.Client // guarded by mu
}

// can returns an error unless the protocol has the verb that runs.
func (e *Env) can(s *protocols.Spec) error {
	if e.Can == nil {
		return nil
	}
	return e.Can(s, e.Verb)
}

// Target reads a TARGET: a URL, the same without its scheme when the command
// line named a protocol, or else the path of a local file.
func (e *Env) Target(text string) (*protocols.Target, error) {
	if scheme, _, ok := strings.Cut(text, "://"); ok && e.Unknown != nil && HasScheme(text) && SpecOf(e.Reg, strings.ToLower(scheme)) == nil {
		return nil, e.Unknown(text, scheme)
	}
	if e.Proto == "" && !HasScheme(text) {
		if err := almostURL(e.Reg, text); err != nil {
			return nil, err
		}
		return e.File(text)
	}
	return e.Reg.Parse(text, e.Proto)
}

// Targets reads several.
func (e *Env) Targets(texts []string) ([]*protocols.Target, error) {
	var all []*protocols.Target
	for _, text := range texts {
		t, err := e.Target(text)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// anyTarget is target for arguments that may belong to another protocol than the
// one named, as a destination of cp: with a scheme any will do.
func (e *Env) anyTarget(text string) (*protocols.Target, error) {
	if scheme, _, ok := strings.Cut(text, "://"); HasScheme(text) && !(ok && SpecOf(e.Reg, strings.ToLower(scheme)) == nil) {
		return e.Reg.Parse(text, "")
	}
	return e.Target(text)
}

// File returns the target of a local path.
func (e *Env) File(path string) (*protocols.Target, error) {
	if path == "" {
		return nil, Usage("empty file name")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(path, "/") && abs != "/" {
		abs += "/"
	}
	return e.Reg.Target(&url.URL{Scheme: "file", Path: abs}, "")
}

// HasScheme reports whether an argument is a URL and not the path of a file.
func HasScheme(text string) bool {
	_, err := protocols.ParseURL(text, "")
	if err == nil {
		return true
	}
	scheme, _, ok := strings.Cut(text, "://")
	return ok && !strings.ContainsAny(scheme, "/.")
}

// Client returns the client of a target's server, configured, made on first use.
// Targets of one server share it. It is closed when the command ends.
func (e *Env) Client(t *protocols.Target) (protocols.Client, error) {
	key := ServerKey(t)
	e.mu.Lock()
	c := e.Open[key]
	e.mu.Unlock()
	if c != nil {
		return c, nil
	}
	c, err := e.take(key), error(nil)
	if c == nil {
		c, err = e.Dial(t)
	}
	if err == nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.Open[key] = c
	}
	return c, err
}

// Dial makes a new client of a target's server, configured by the flags of its
// protocol. It does no I/O. The caller closes it.
func (e *Env) Dial(t *protocols.Target) (protocols.Client, error) {
	return e.DialWith(t, e.OptionsFor(t))
}

// DialWith is Dial with options of the caller.
func (e *Env) DialWith(t *protocols.Target, o *protocols.Options) (protocols.Client, error) {
	c, err := t.Open(o)
	if err != nil {
		return nil, err
	}
	for _, s := range e.Setups {
		if s.Has(c) {
			err := s.Configure(c)
			if err == nil && s.Link != nil {
				err = s.Link(e, c)
			}
			if err != nil {
				c.Close()
				return nil, err
			}
		}
	}
	return c, nil
}

// ServerKey: one client serves one user at one server; a transfer type in the
// URL belongs to the client as well.
func ServerKey(t *protocols.Target) string {
	if t.URL.Host == "" { // the client of a path is for that path
		return t.URL.String()
	}
	key := t.URL.Scheme + "://" + t.URL.User.String() + "@" + strings.ToLower(t.URL.Host)
	if i := strings.LastIndex(t.URL.Path, ";type="); i >= 0 {
		key += t.URL.Path[i:]
	}
	return key
}

// Close closes the clients of the run.
func (e *Env) Close() {
	var all sync.WaitGroup
	for _, c := range e.Open {
		all.Go(func() { c.Close() })
	}
	for _, idle := range e.Idle {
		for _, c := range idle {
			all.Go(func() { c.Close() })
		}
	}
	all.Wait()
}

// Each does the same with every target and goes on after a failure, which is
// told at once. What stops all of them, such as Ctrl-C or a closed standard
// output, ends the work.
func (e *Env) Each(ctx context.Context, targets []string, do func(string) error) error {
	if len(targets) == 1 {
		return do(targets[0])
	}
	var t Tally
	for _, text := range targets {
		err := CauseOf(ctx, do(text))
		if Final(ctx, err) {
			return err
		}
		t.Add(err)
		e.Tell(err)
	}
	return t.Err()
}

// Tell prints the error of one item among several.
func (e *Env) Tell(err error) {
	if err != nil {
		_ = e.Out.Flush()
		e.Out.Failed(e.Out.Words, err)
	}
}

// Again runs what may be repeated until it works, --retries is used up, or
// something was printed already. The pause doubles up to a minute. When the context
// ends in a pause, the error is that end, with what the last attempt said.
func (e *Env) Again(ctx context.Context, do func() error) error {
	printed := e.Out.Count
	p := e.Retries()
	p.Again = func(err error) bool { return protocols.IsRetryable(err) && e.Out.Count == printed }
	var last error
	waiting := false
	err := p.Do(ctx, func() error {
		last = do()
		waiting = last != nil && ctx.Err() == nil
		return last
	})
	if err == nil || ctx.Err() == nil || !waiting {
		return last // says more than that the context ended
	}
	return &protocols.Error{Kind: protocols.KindOf(err), Text: "stopped while waiting to retry; the last attempt", Err: last}
}

// maxRetryWait bounds the pause between two attempts, which doubles.
const maxRetryWait = time.Minute

// Retries returns what --retries and --retry-wait say: how often an operation whose
// error is retryable is repeated, and after which pauses. The details name each one.
func (e *Env) Retries() retry.Policy {
	first := max(time.Duration(e.Flags.RetryWait), 1) // 0 is the default of a policy
	limit := max(first, maxRetryWait)
	if first == 1 {
		limit = first
	}
	return retry.Policy{
		Retries: e.Flags.Retries.Value, First: first, Max: limit, Again: protocols.IsRetryable,
		Note: func(_ int, pause time.Duration, err error) {
			e.Out.Detail("retrying in " + pause.String() + ": " + err.Error())
		},
	}
}

// almostURL refuses "http:host" as the name of a local file, unless there is one.
func almostURL(reg *protocols.Registry, text string) error {
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok || SpecOf(reg, strings.ToLower(scheme)) == nil {
		return nil
	}
	if _, err := os.Lstat(text); err == nil {
		return nil
	}
	rest = protocols.RedactText(strings.TrimLeft(rest, "/"))
	shown := scheme + ":" + rest
	return Usage("%q is not a URL: write %s://%s (or ./%s for a file of that name)", shown, scheme, rest, shown)
}
