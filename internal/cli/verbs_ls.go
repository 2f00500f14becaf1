package cli

import (
	"cmp"
	"context"
	"iter"
	"math"
	"slices"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/protocols"
)

// lister is the ls verb with its flags.
type lister struct {
	long, recursive, reverse bool
	sort                     choice
	limit, depth             count
}

func listVerbs() []*verb {
	l := newLister()
	ls := on("ls", "URL...", "list entries: files, menus, mailboxes, groups, messages", l.run).with(l.listFlags).
		eg("ls ftp://ftp.example.org/pub/", "ls -l --sort size --reverse ftp://ftp.example.org/pub/", "ls -R --json . | jq -r .path")
	s := newLister()
	search := on("search", "URL QUERY", "find entries by a query in the protocol's own words", s.search).with(s.flags).
		eg("search imap://user@host/INBOX 'SUBJECT report'")
	st := on("stat", "URL...", "describe one entry", s.stat).
		eg("stat ftp://ftp.example.org/pub/file.iso")
	st.has = func(c protocols.Client) bool { return is[protocols.Statter](c) || is[protocols.Lister](c) }
	return []*verb{ls, search, st}
}

func newLister() *lister {
	return &lister{sort: oneOf("", "name", "size", "time"), limit: count{0, math.MaxInt}, depth: count{maxTree, 10_000}}
}

func (l *lister) listFlags(fs *pflag.FlagSet) {
	l.flags(fs)
	fs.BoolVarP(&l.recursive, "recursive", "R", false, "list folders inside of folders too")
	fs.Var(&l.depth, "depth", "deepest folder of -R")
}

func (l *lister) flags(fs *pflag.FlagSet) {
	fs.BoolVarP(&l.long, "long", "l", false, "one line with all that is known")
	fs.Var(&l.sort, "sort", "sort by name, size (largest first) or time (newest first)")
	fs.BoolVarP(&l.reverse, "reverse", "r", false, "reverse the order")
	fs.Var(&l.limit, "limit", "stop after N entries; 0 for no limit")
}

func (l *lister) run(ctx context.Context, e *env, c protocols.Lister, name string, _ []string) error {
	before := e.out.count
	err := e.again(ctx, func() error {
		entries := c.List(ctx, name)
		if l.recursive {
			entries = walk(ctx, c, name, l.depth.value)
		}
		return l.print(e, name, entries)
	})
	if err != nil && e.out.count == before && ctx.Err() == nil {
		return l.single(ctx, e, c, name, err)
	}
	return err
}

// single lists what is no folder: its own entry, where the client can tell. Else
// the refusal to list it stands.
func (l *lister) single(ctx context.Context, e *env, c protocols.Lister, name string, refusal error) error {
	s, ok := c.(protocols.Statter)
	if kind := protocols.KindOf(refusal); !ok || kind != protocols.KindRefused && kind != protocols.KindLocal {
		return refusal
	}
	entry, err := s.Stat(ctx, name)
	if err != nil || entry.Type == protocols.TypeDir {
		return refusal
	}
	p := newEntryPrinter(e.out, l.long)
	return cmp.Or(p.put(&entry), p.end())
}

func (l *lister) search(ctx context.Context, e *env, c protocols.Searcher, name string, args []string) error {
	return e.again(ctx, func() error { return l.print(e, name, c.Search(ctx, name, args[0])) })
}

func (l *lister) stat(ctx context.Context, e *env, c protocols.Client, name string, _ []string) error {
	entry, err := protocols.Stat(ctx, c, name)
	if err != nil {
		return err
	}
	p := newEntryPrinter(e.out, true)
	return cmp.Or(p.put(&entry), p.end())
}

// print writes entries as they come, or sorted when that is asked for.
func (l *lister) print(e *env, folder string, entries iter.Seq2[protocols.Entry, error]) error {
	if l.sort.value != "" || l.reverse {
		entries = sorted(entries, l.sort.value, l.reverse)
	}
	p := newEntryPrinter(e.out, l.long)
	p.deep, p.below = l.recursive, folder
	n := 0
	var now protocols.Entry // one for all, or each would be an allocation
	for entry, err := range entries {
		if now = entry; err == nil {
			err = p.put(&now)
		}
		if err != nil {
			p.end()
			return err
		}
		if n++; n == l.limit.value {
			break
		}
	}
	return p.end()
}

// walk lists a folder and those inside of it, each folder once. Folders wait in
// a list while one is listed: a client does one thing at a time. A tree that goes
// deeper than the limit that nobody set ends in an error.
func walk(ctx context.Context, c protocols.Lister, name string, depth int) iter.Seq2[protocols.Entry, error] {
	type folder struct {
		name  string
		depth int
	}
	return func(yield func(protocols.Entry, error) bool) {
		seen, deeper := map[string]bool{}, false
		todo := []folder{{name, 0}}
		for len(todo) > 0 {
			dir := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			var inside []folder
			for entry, err := range inTree(ctx, c, name, dir.name) {
				if !yield(entry, err) || err != nil {
					return
				}
				deeper = deeper || isFolder(&entry) && dir.depth == maxTree
				if isFolder(&entry) && dir.depth < depth && !seen[entry.Path] {
					seen[entry.Path] = true
					inside = append(inside, folder{entry.Path, dir.depth + 1})
				}
			}
			slices.Reverse(inside)
			todo = append(todo, inside...)
		}
		if deeper && depth == maxTree {
			yield(protocols.Entry{}, tooDeep())
		}
	}
}

// inTree lists a folder as one of the tree below root, where that is another list.
func inTree(ctx context.Context, c protocols.Lister, root, name string) iter.Seq2[protocols.Entry, error] {
	if t, ok := c.(protocols.TreeLister); ok {
		return t.ListTree(ctx, root, name)
	}
	return c.List(ctx, name)
}

// isFolder: links are not followed, or trees would have loops.
func isFolder(e *protocols.Entry) bool {
	return (e.Type == protocols.TypeDir || e.Type == protocols.TypeMenu) && e.Name != "." && e.Name != ".."
}
