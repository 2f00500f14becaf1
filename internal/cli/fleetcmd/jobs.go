package fleetcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/internal/fleet"
	"github.com/netclients/netclients/protocols"
)

// source is a file of jobs, which is read twice: once to check all of it, once to submit.
type source struct {
	name string
	text []byte // of standard input; nil: the file is read
}

// maxInput bounds jobs from standard input.
const maxInput = 256 << 20

func openSource(e *kit.Env, name string) (*source, error) {
	s := &source{name: name}
	if name != "-" {
		return s, nil
	}
	var err error
	s.name = "standard input"
	if s.text, err = io.ReadAll(io.LimitReader(e.Stdin, maxInput+1)); err == nil && len(s.text) > maxInput {
		err = kit.Usage("standard input is longer than %d bytes: use a file", maxInput)
	}
	return s, err
}

func (s *source) open() (io.ReadCloser, error) {
	if s.text != nil {
		return io.NopCloser(bytes.NewReader(s.text)), nil
	}
	return os.Open(s.name)
}

// template returns what makes jobs of rows; nil when there is none.
func (f *flags) rows() (*fleet.Template, error) {
	if f.template == "" {
		return nil, nil
	}
	words, err := fleet.ParseTemplate(f.template)
	if err != nil {
		return nil, err
	}
	return &fleet.Template{Words: words}, nil
}

// references reads --secret.
func (f *flags) references() (map[string]string, error) {
	out := map[string]string{}
	for _, text := range f.secrets {
		side, ref, ok := strings.Cut(text, "=")
		if !ok || side != fleet.Source && side != fleet.Destination {
			return nil, kit.Usage("--secret: want src=REFERENCE or dst=REFERENCE")
		}
		if _, err := secret.ParseReference(ref); err != nil {
			return nil, err
		}
		out[side] = ref
	}
	return out, nil
}

// checked yields the jobs of a file, each checked. An error names file and line.
func (f *flags) checked(ctx context.Context, h *host, s *source) iter.Seq2[*fleet.Job, error] {
	return func(yield func(*fleet.Job, error) bool) {
		rows, err := f.rows()
		refs, rerr := f.references()
		var r io.ReadCloser
		if err == nil && rerr == nil {
			r, err = s.open()
		}
		if err != nil || rerr != nil {
			yield(nil, firstOf(err, rerr))
			return
		}
		defer r.Close()
		for line, err := range fleet.Read(s.name, r, rows) {
			if err == nil {
				err = f.finish(&line.Job, refs)
			}
			if err == nil {
				err = h.check(ctx, &line.Job)
			}
			if err != nil && line.At != "" && !strings.Contains(err.Error(), line.At) {
				err = &protocols.Error{Op: "fleet", Kind: protocols.KindUsage, Text: line.At + ": " + protocols.Wrap(err, "", "", "").(*protocols.Error).Message()}
			}
			if !yield(&line.Job, err) || err != nil {
				return
			}
		}
	}
}

func firstOf(errs ...error) error {
	i := slices.IndexFunc(errs, func(err error) bool { return err != nil })
	if i < 0 {
		return nil
	}
	return errs[i]
}

// finish fills what a job leaves to the command line.
func (f *flags) finish(j *fleet.Job, refs map[string]string) error {
	if err := j.Check(); err != nil {
		return err
	}
	for side, ref := range refs {
		if j.Secrets[side] == "" {
			if j.Secrets == nil {
				j.Secrets = map[string]string{}
			}
			j.Secrets[side] = ref
		}
	}
	if f.bind != "" && j.Lane == "" {
		j.Lane = bindLane(f.bind)
	}
	return j.Prepare(f.laneFor())
}

// host runs jobs with the verbs of the command line.
type host struct {
	m        Machine
	commands bool // jobs may have command lines run
	anywhere bool // jobs may run on any machine: those with local files are refused unless they are bound
	tables   secret.Tables

	plans map[string]planned // of command lines of one form; only the goroutine that reads a file uses it
}

type planned struct {
	plan Plan
	err  error
}

// check returns an error for a job that would fail as a command line.
func (h *host) check(ctx context.Context, j *fleet.Job) error {
	plan, err := h.plan(ctx, j)
	if err != nil {
		return err
	}
	servers := 0
	for i, arg := range j.Args {
		if !kit.HasScheme(arg) {
			if plan.Protocol != "" && i == 0 {
				return kit.Usage("%q: write the whole URL, with its scheme", arg)
			}
			continue
		}
		t, err := h.m.Target(arg)
		if err != nil {
			return err
		}
		if t.URL.Host != "" {
			servers++
		}
	}
	for _, ref := range j.Secrets {
		if _, err := secret.ParseReference(ref); err != nil {
			return err
		}
	}
	if len(j.Secrets) > 0 && servers == 0 {
		return kit.Usage("\"secrets\" are given, and no argument is at a server")
	}
	if v, ok := j.Flags["durability"]; ok && v == "none" {
		return kit.Usage("--durability none is not for jobs: what a job has done must be safe before it goes on")
	}
	if h.anywhere && j.Lane == fleet.DefaultLane && h.local(plan, j) {
		return kit.Usage("the job reads or writes local files: --bind HOST names the machine that has them")
	}
	return nil
}

// plan looks at the command line of a job. Those that differ only in their URLs are the
// same to it.
func (h *host) plan(ctx context.Context, j *fleet.Job) (Plan, error) {
	flags, err := json.Marshal(j.Flags)
	if err != nil {
		return Plan{}, err
	}
	form := j.Verb + "\x00" + string(flags)
	for _, arg := range j.Args {
		scheme, _, _ := strings.Cut(arg, ":")
		if !kit.HasScheme(arg) {
			scheme = arg
		}
		form += "\x00" + scheme
	}
	if p, ok := h.plans[form]; ok {
		return p.plan, p.err
	}
	words, err := words(j)
	var p planned
	if p.err = err; err == nil {
		p.plan, p.err = h.m.Plan(ctx, words)
	}
	if h.plans == nil {
		h.plans = map[string]planned{}
	}
	if len(h.plans) < 10_000 {
		h.plans[form] = p
	}
	return p.plan, p.err
}

// words returns the command line of a job, whose results are JSON.
func words(j *fleet.Job) ([]string, error) {
	list, err := j.Words()
	if err != nil {
		return nil, err
	}
	n := len(strings.Fields(j.Verb))
	end := slices.Index(list[n:], "--") + n
	out := slices.Concat(list[:n], []string{"--json"}, list[n:end])
	if slices.ContainsFunc(j.Args, func(arg string) bool { return strings.HasPrefix(arg, "-") }) {
		out = append(out, "--")
	}
	return append(out, j.Args...), nil
}

// localVerbs are those whose arguments without a server are files of the machine.
var localVerbs = []string{"sync", "mirror", "fetch", "cp", "get", "put", "append"}

// local reports whether a job reads or writes files of its machine.
func (h *host) local(p Plan, j *fleet.Job) bool {
	if !slices.Contains(localVerbs, p.Verb) {
		return false
	}
	if p.Verb == "get" {
		return true
	}
	return slices.ContainsFunc(j.Args, func(arg string) bool {
		t, err := h.m.Target(arg)
		return !kit.HasScheme(arg) || err == nil && t.URL.Host == "" && t.Scheme.Port == 0
	})
}

// remembering are the verbs that keep what they have done.
var remembering = []string{"sync", "mirror", "fetch"}

// Remembers reports whether a job is a sync.
func (h *host) Remembers(j *fleet.Job) bool {
	fields := strings.Fields(j.Verb)
	return len(fields) > 0 && slices.Contains(remembering, fields[len(fields)-1])
}

// targets returns the arguments of a job that are at servers.
func (h *host) targets(j *fleet.Job) (list []*protocols.Target) {
	for _, arg := range j.Args {
		if !kit.HasScheme(arg) {
			continue
		}
		if t, err := h.m.Target(arg); err == nil && t.URL.Host != "" {
			list = append(list, t)
		}
	}
	return list
}

// Servers returns the servers of a job, one that it uses twice also twice.
func (h *host) Servers(j *fleet.Job) []string {
	var list []string
	for _, t := range h.targets(j) {
		name, port := protocols.HostPort(t.URL, t.Scheme)
		list = append(list, strings.ToLower(name)+":"+port)
	}
	slices.Sort(list)
	return list
}
