package verbs

import (
	"context"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
)

// copying are the flags of get, put and cp: what is kept, whether folders are copied
// with their contents, and whether anything is changed at all.
type copying struct {
	keeping
	recursive, dry bool
}

// Flags adds the flags of all that copies single objects or folders.
func (k *copying) Flags(fs *pflag.FlagSet) {
	k.keeping.Flags(fs)
	fs.BoolVarP(&k.recursive, "recursive", "r", false, "copy folders and their contents")
	DryRunFlag(fs, &k.dry)
}

// DryRun reports whether nothing is to be changed.
func (k *copying) DryRun() bool { return k.dry }

// pair is what is copied, and where it goes.
type pair struct{ from, to *protocols.Target }

// ender finds the pair of an argument.
type ender func(ctx context.Context, e *kit.Env, text string) (pair, error)

// trees copies what each argument names: a folder with all that is in it, as sync does,
// but nothing is deleted. The results of all are one summary.
func (k *copying) trees(ctx context.Context, j *kit.Job, args []string, ends ender) error {
	sum := &SyncSum{Job: j, dry: k.dry}
	var total transfer.Summary
	add := func(r transfer.Result) {
		total.Add(r)
		sum.Add(r)
	}
	for _, text := range args {
		err := k.tree(ctx, j, text, ends, add)
		if err == nil || protocols.KindOf(err) == protocols.KindPartial {
			continue // the results say what failed
		}
		if len(args) == 1 || kit.Final(ctx, err) {
			return sum.End(total, err)
		}
		total.Failed++
		j.Tally.Add(err)
		j.E.Out.Failed(j.Above(), err)
	}
	j.Close()
	return sum.End(total, nil)
}

// tree copies what one argument names.
func (k *copying) tree(ctx context.Context, j *kit.Job, text string, ends ender, add func(transfer.Result)) error {
	e := j.E
	p, err := ends(ctx, e, text)
	if err != nil {
		return err
	}
	s := &Syncer{keeping: k.keeping, DryRun: k.dry}
	o := s.options(e, j.Bars)
	folder, err := holdsMore(ctx, e, p.from)
	switch {
	case err != nil:
	case !folder:
		var r transfer.Result
		if r, err = k.single(ctx, e, p, &o.Options); err == nil {
			add(r)
		}
	case transfer.HoldsMessages(kit.Sample(p.from.Spec), kit.Sample(p.to.Spec)):
		_, err = transfer.SyncMessages(ctx, e.Endpoint(p.from), e.Endpoint(p.to), &transfer.MessageOptions{Options: o.Options, DryRun: k.dry}, add)
	default:
		_, err = transfer.Sync(ctx, e.Endpoint(p.from), e.Endpoint(p.to), o, add)
	}
	return kit.CauseOf(ctx, kit.Named(protocols.Wrap(err, p.from.Spec.Name, e.Verb, protocols.Redact(p.from.URL)), e.Verb))
}

// single copies one file among trees.
func (k *copying) single(ctx context.Context, e *kit.Env, p pair, o *transfer.Options) (transfer.Result, error) {
	if k.dry {
		return plan(ctx, e, p.from, p.to, o)
	}
	return copyFile(ctx, e, p.from, p.to, o)
}

// holdsMore reports whether a target is a folder, a menu or a mailbox. A URL that ends
// with a slash says so itself.
func holdsMore(ctx context.Context, e *kit.Env, t *protocols.Target) (bool, error) {
	if namesFolder(t) {
		return true, nil
	}
	c, err := e.Client(t)
	if err != nil || !kit.Is[protocols.Statter](c) {
		return false, err
	}
	found, err := protocols.Stat(ctx, c, t.Name)
	return err == nil && (isFolder(&found) || slices.Contains(folders, found.Type)), err
}

// treeName is the last component of what a target names; empty for the top of a server.
func treeName(t *protocols.Target) string {
	name := t.Name
	if t.URL.Host == "" {
		name = t.URL.Path
	}
	if name = path.Base(strings.TrimRight(name, "/")); name == "." || name == "/" {
		return ""
	}
	return name
}

// treeEnds is where get -r saves a tree: in the current folder, in one that is there,
// or as the one that -o names.
func (g *Getter) treeEnds(_ context.Context, e *kit.Env, text string) (p pair, err error) {
	if p.from, err = e.Capable(text); err != nil {
		return p, err
	}
	at := g.Out
	if g.Out == "" || isDir(g.Out) || strings.HasSuffix(g.Out, "/") {
		name := treeName(p.from)
		if name != "" {
			if name, err = localName(&protocols.Target{Spec: p.from.Spec, Scheme: p.from.Scheme, URL: &url.URL{Host: "x"}, Name: name}); err != nil {
				return p, err
			}
		}
		if at = filepath.Join(g.Out, name); at == "" {
			at = "."
		}
	}
	p.to, err = e.File(at)
	return p, err
}

// treeEnds is where put -r stores what is at a path.
func (p *Putter) treeEnds(to *protocols.Target) ender {
	return func(ctx context.Context, e *kit.Env, text string) (pair, error) {
		from, err := e.File(text)
		if err != nil {
			return pair{}, err
		}
		return below(ctx, e, from, to)
	}
}

// below is the pair of a recursive copy: as cp does it, inside of a folder that is there
// or whose name ends with a slash, else under the name of the destination itself.
func below(ctx context.Context, e *kit.Env, from, to *protocols.Target) (pair, error) {
	name := treeName(from)
	if transfer.HoldsMessages(kit.Sample(from.Spec), kit.Sample(to.Spec)) || name == "" {
		return pair{from, to}, nil
	}
	if there, err := holdsMore(ctx, e, to); err != nil && !missing(err) {
		return pair{}, err
	} else if !there {
		return pair{from, to}, nil
	}
	dst, err := e.Reg.Target(to.URL.JoinPath(url.PathEscape(name)), "")
	return pair{from, dst}, err
}
