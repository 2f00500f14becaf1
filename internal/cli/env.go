package cli

import (
	"context"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols"
)

// env is what one command runs with.
type env struct {
	reg     *protocols.Registry
	flags   *globals
	setups  []*setup // the flags of protocols, read
	proto   string   // protocol named on the command line, or empty
	opts    *protocols.Options
	out     *output
	stdin   io.Reader
	at      *protocols.Target // what the verb works on now
	open    map[string]protocols.Client
	shared  *secretStore
	profile *Profile // that the command line chose; nil: none
	hidden  *hidden
	cannot  func(s *protocols.Spec, verb string) error // says that a protocol has not that verb

	stepMu sync.Mutex // one line of --verbose at a time

	mu      sync.Mutex
	perHost map[string]*protocols.Options // guarded by mu
	idle    map[string][]protocols.Client // guarded by mu
}

// target reads a TARGET: a URL, the same without its scheme when the command
// line named a protocol, or else the path of a local file.
func (e *env) target(text string) (*protocols.Target, error) {
	if e.proto == "" && !hasScheme(text) {
		if err := almostURL(e.reg, text); err != nil {
			return nil, err
		}
		return e.file(text)
	}
	return e.reg.Parse(text, e.proto)
}

// targets reads several.
func (e *env) targets(texts []string) ([]*protocols.Target, error) {
	var all []*protocols.Target
	for _, text := range texts {
		t, err := e.target(text)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// anyTarget is target for arguments that may belong to another protocol than the
// one named, as a destination of cp: with a scheme any will do.
func (e *env) anyTarget(text string) (*protocols.Target, error) {
	if hasScheme(text) {
		return e.reg.Parse(text, "")
	}
	return e.target(text)
}

// file returns the target of a local path.
func (e *env) file(path string) (*protocols.Target, error) {
	if path == "" {
		return nil, usage("empty file name")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(path, "/") && abs != "/" {
		abs += "/"
	}
	return e.reg.Target(&url.URL{Scheme: "file", Path: abs}, "")
}

// hasScheme reports whether an argument is a URL and not the path of a file.
func hasScheme(text string) bool {
	_, err := protocols.ParseURL(text, "")
	if err == nil {
		return true
	}
	scheme, _, ok := strings.Cut(text, "://")
	return ok && !strings.ContainsAny(scheme, "/.")
}

// client returns the client of a target's server, configured, made on first use.
// Targets of one server share it. It is closed when the command ends.
func (e *env) client(t *protocols.Target) (protocols.Client, error) {
	key := serverKey(t)
	if c := e.open[key]; c != nil {
		return c, nil
	}
	c, err := e.dial(t)
	if err == nil {
		e.open[key] = c
	}
	return c, err
}

// dial makes a new client of a target's server, configured by the flags of its
// protocol. It does no I/O. The caller closes it.
func (e *env) dial(t *protocols.Target) (protocols.Client, error) {
	return e.dialWith(t, e.optionsFor(t))
}

func (e *env) dialWith(t *protocols.Target, o *protocols.Options) (protocols.Client, error) {
	c, err := t.Open(o)
	if err != nil {
		return nil, err
	}
	for _, s := range e.setups {
		if s.has(c) {
			err := s.configure(c)
			if err == nil && s.link != nil {
				err = s.link(e, c)
			}
			if err != nil {
				c.Close()
				return nil, err
			}
		}
	}
	return c, nil
}

// serverKey: one client serves one user at one server; a transfer type in the
// URL belongs to the client as well.
func serverKey(t *protocols.Target) string {
	if t.URL.Host == "" { // the client of a path is for that path
		return t.URL.String()
	}
	key := t.URL.Scheme + "://" + t.URL.User.String() + "@" + strings.ToLower(t.URL.Host)
	if i := strings.LastIndex(t.URL.Path, ";type="); i >= 0 {
		key += t.URL.Path[i:]
	}
	return key
}

func (e *env) close() {
	for _, c := range e.open {
		c.Close()
	}
	for _, idle := range e.idle {
		for _, c := range idle {
			c.Close()
		}
	}
}

// each does the same with every target and goes on after a failure, which is
// told at once. What stops all of them, such as Ctrl-C or a closed standard
// output, ends the work.
func (e *env) each(ctx context.Context, targets []string, do func(string) error) error {
	if len(targets) == 1 {
		return do(targets[0])
	}
	var t tally
	for _, text := range targets {
		err := causeOf(ctx, do(text))
		if final(ctx, err) {
			return err
		}
		t.add(err)
		e.tell(err)
	}
	return t.err()
}

// tell prints the error of one item among several.
func (e *env) tell(err error) {
	if err != nil {
		e.out.flush()
		printError(e.out.words, e.out.json, e.hidden.err(err))
	}
}

// again runs what may be repeated until it works, --retries is used up, or
// something was printed already. The pause doubles up to a minute.
func (e *env) again(ctx context.Context, do func() error) error {
	printed, wait := e.out.count, time.Duration(e.flags.retryWait)
	for left := e.flags.retries.value; ; left-- {
		err := do()
		if left == 0 || !protocols.IsRetryable(err) || e.out.count != printed || ctx.Err() != nil {
			return err
		}
		pause := max(wait, protocols.RetryAfter(err))
		e.out.detail("again in " + pause.String() + ": " + err.Error())
		if !sleep(ctx, pause) {
			return err
		}
		wait = min(2*wait, time.Minute)
	}
}

// sleep waits, and reports false when the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// almostURL refuses "http:host" as the name of a local file, unless there is one.
func almostURL(reg *protocols.Registry, text string) error {
	scheme, rest, ok := strings.Cut(text, ":")
	if !ok || specOf(reg, strings.ToLower(scheme)) == nil {
		return nil
	}
	if _, err := os.Lstat(text); err == nil {
		return nil
	}
	return usage("%q is no URL: write %s://%s (or ./%s for a file of that name)", text, scheme, strings.TrimLeft(rest, "/"), text)
}
