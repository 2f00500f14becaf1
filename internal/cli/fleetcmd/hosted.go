package fleetcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/internal/fleet"
	"github.com/netclients/netclients/protocols"
)

// commandFlags are the flags whose value is a command line to run.
var commandFlags = []string{"password-command", "token-command", "proxy-command", "exec"}

// Run runs a job.
func (h *host) Run(ctx context.Context, j *fleet.Job, r *fleet.Run) error {
	if err := h.permitted(j); err != nil {
		return err
	}
	line, err := words(j)
	if err != nil {
		return err
	}
	secrets, err := h.secrets(j)
	if err != nil {
		return err
	}
	out := &results{run: r}
	said := &complaints{}
	err = h.m.Run(ctx, line, &kit.Hosted{Secret: secrets, Tables: &h.tables, StateDir: r.Dir, Safe: r.Safe, Guard: r.Guard, Stats: &r.Stats}, out, said)
	out.end()
	return said.explain(err)
}

// permitted returns an error for a job that has a command line run where that is not
// wanted: who may submit jobs need not be one who may do all on this machine.
func (h *host) permitted(j *fleet.Job) error {
	if h.commands {
		return nil
	}
	for name := range j.Flags {
		if slices.Contains(commandFlags, name) {
			return kit.Usage("the job runs a command line (--%s), and this worker was started without --allow-commands", name)
		}
	}
	for _, text := range j.Secrets {
		if ref, err := secret.ParseReference(text); err == nil && ref.RunsCommand() {
			return kit.Usage("the job names a command for a secret, and this worker was started without --allow-commands")
		}
	}
	return nil
}

// secrets returns where the secrets of a job's servers are.
func (h *host) secrets(j *fleet.Job) (func(*protocols.Target) *secret.Reference, error) {
	list := h.targets(j)
	if len(j.Secrets) == 0 || len(list) == 0 {
		return nil, nil
	}
	at := map[string]*secret.Reference{}
	for side, t := range map[string]*protocols.Target{fleet.Source: list[0], fleet.Destination: list[len(list)-1]} {
		text := j.Secrets[side]
		if text == "" {
			continue
		}
		ref, err := secret.ParseReference(text)
		if err != nil {
			return nil, err
		}
		at[loginKey(t.URL)] = ref
	}
	return func(t *protocols.Target) *secret.Reference { return at[loginKey(t.URL)] }, nil
}

// loginKey names a login at a server.
func loginKey(u *url.URL) string {
	return u.Scheme + "://" + u.User.Username() + "@" + strings.ToLower(u.Host)
}

// results takes what a verb prints: lines of JSON.
type results struct {
	run  *fleet.Run
	mu   sync.Mutex
	part []byte
	skip bool // the rest of a line that is too long
}

// maxLine bounds a line that is looked at.
const maxLine = 1 << 20

func (r *results) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for rest := p; len(rest) > 0; {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			if r.skip = r.skip || len(r.part)+len(rest) > maxLine; !r.skip {
				r.part = append(r.part, rest...)
			}
			break
		}
		if !r.skip {
			r.line(append(r.part, rest[:i]...))
		}
		r.part, r.skip, rest = r.part[:0], false, rest[i+1:]
	}
	return len(p), nil
}

func (r *results) line(line []byte) {
	if len(line) == 0 || line[0] != '{' || !json.Valid(line) {
		return // content, which nobody keeps
	}
	summary := bytes.HasPrefix(line, []byte(`{"summary"`))
	r.run.Result(line, !summary)
	if !summary {
		r.run.Item(line)
	}
}

func (r *results) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.part) > 0 && !r.skip {
		r.line(r.part)
	}
}

// complaints takes what a verb writes to standard error, and keeps the newest error.
type complaints struct {
	mu   sync.Mutex
	last string
	n    int
}

func (c *complaints) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for line := range bytes.Lines(p) {
		var e struct {
			Error struct {
				Message, URL string
			}
		}
		if json.Unmarshal(line, &e) == nil && e.Error.Message != "" {
			c.last = strings.TrimSpace(e.Error.URL + ": " + e.Error.Message)
			c.n++
		}
	}
	return len(p), nil
}

// explain gives the error of a verb that has told its failures one by one the kind of its
// exit code, and the words of the last one.
func (c *complaints) explain(err error) error {
	told, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err)
	if !ok {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	text := told.Error()
	if c.last != "" {
		text += "; the last one: " + strings.TrimPrefix(c.last, ": ")
	}
	if told.ExitCode() == 0 {
		return nil
	}
	return &protocols.Error{Kind: protocols.Kind(told.ExitCode()), Text: text}
}
