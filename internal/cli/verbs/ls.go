// Package verbs has the verbs that work on any URL whose client has the capability,
// and what verbs of several protocols share.
package verbs

import (
	"cmp"
	"context"
	"iter"
	"math"
	"slices"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

// Lister is the ls verb with its flags.
type Lister struct {
	Long, recursive, reverse bool
	noGlob, human            bool
	sort                     kit.Choice
	limit, depth             kit.Count
}

// ListVerbs are those that show what is there.
func ListVerbs() []*kit.Verb {
	l := NewLister()
	s := NewLister()
	return []*kit.Verb{
		{
			Name: "ls", Args: "URL...", Short: "list entries: files, menus, mailboxes, groups, messages", Generic: true, Aliases: []string{"list", "dir"},
			Works: kit.Is[protocols.Lister], Flags: l.ListFlags, Run: kit.Each(l.Run),
			Examples: []string{"ls ftp://ftp.example.org/pub/", "ls 'ftp://ftp.example.org/pub/*.iso'", "ls -l --sort size --reverse ftp://ftp.example.org/pub/", "ls -R --json . | jq -r .path"},
		},
		{
			Name: "search", Args: "URL QUERY", Short: "find entries by a query in the protocol's own words", Generic: true,
			Works: kit.Is[protocols.Searcher], Flags: s.Flags, Run: kit.On(s.Search),
			Examples: []string{"search imap://user@host/INBOX 'SUBJECT report'"},
		},
		{
			Name: "stat", Args: "URL...", Short: "describe one entry", Generic: true,
			Works:    func(c protocols.Client) bool { return kit.Is[protocols.Statter](c) || kit.Is[protocols.Lister](c) },
			Run:      kit.Each(s.Stat),
			Examples: []string{"stat ftp://ftp.example.org/pub/file.iso"},
		},
	}
}

// NewLister returns the verb with the defaults of its flags.
func NewLister() *Lister {
	return &Lister{sort: kit.OneOf("", "name", "size", "time"), limit: kit.NewCount(0, math.MaxInt), depth: kit.NewCount(maxTree, 10_000)}
}

// ListFlags adds the flags of ls.
func (l *Lister) ListFlags(fs *pflag.FlagSet) {
	l.Flags(fs)
	fs.BoolVarP(&l.recursive, "recursive", "R", false, "list subdirectories recursively")
	fs.Var(&l.depth, "depth", "maximum directory depth of -R")
	globFlag(fs, &l.noGlob)
}

// Flags adds the flags of every listing.
func (l *Lister) Flags(fs *pflag.FlagSet) {
	fs.BoolVarP(&l.Long, "long", "l", false, "long format, with all known attributes")
	fs.BoolVarP(&l.human, "human", "h", false, "long format with sizes as 1.5 MiB")
	fs.Bool("help", false, "print this help")
	fs.Var(&l.sort, "sort", "sort by name, size (largest first) or time (newest first)")
	fs.BoolVarP(&l.reverse, "reverse", "r", false, "reverse the order")
	fs.Var(&l.limit, "limit", "stop after N entries; 0 for no limit")
}

// Run lists a folder, or shows the one entry of what is not a folder.
func (l *Lister) Run(ctx context.Context, e *kit.Env, c protocols.Client, at *protocols.Target, _ []string) error {
	before := e.Out.Count
	err := e.Again(ctx, func() error {
		if found, err := l.matching(ctx, e, c, at); err != nil || found != nil {
			return cmp.Or(err, l.Print(e, at.Name, each(found)))
		}
		entries := protocols.List(ctx, c, at.Name)
		if l.recursive {
			entries = walk(ctx, c, at.Name, l.depth.Value)
		}
		return l.Print(e, at.Name, entries)
	})
	if err != nil && e.Out.Count == before && ctx.Err() == nil {
		return l.single(ctx, e, c, at.Name, err)
	}
	return err
}

// each returns entries one after the other.
func each(entries []protocols.Entry) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		for _, entry := range entries {
			if !yield(entry, nil) {
				return
			}
		}
	}
}

// folders are the types of what a listing should have opened.
var folders = []protocols.Type{protocols.TypeDir, protocols.TypeMailbox, protocols.TypeGroup}

// single lists what is not a folder: its own entry, where the client can tell. Else
// the refusal to list it stands.
func (l *Lister) single(ctx context.Context, e *kit.Env, c protocols.Client, name string, refusal error) error {
	if kind := protocols.KindOf(refusal); !kit.Is[protocols.Statter](c) || kind != protocols.KindRefused && kind != protocols.KindLocal {
		return refusal
	}
	entry, err := protocols.Stat(ctx, c, name)
	if err != nil || slices.Contains(folders, entry.Type) {
		return refusal
	}
	p := l.printer(e)
	return cmp.Or(p.Put(&entry), p.End())
}

// Search lists what a query finds.
func (l *Lister) Search(ctx context.Context, e *kit.Env, c protocols.Client, at *protocols.Target, args []string) error {
	return e.Again(ctx, func() error { return l.Print(e, at.Name, protocols.Search(ctx, c, at.Name, args[0])) })
}

// Stat shows one entry with all that is known of it.
func (l *Lister) Stat(ctx context.Context, e *kit.Env, c protocols.Client, at *protocols.Target, _ []string) error {
	entry, err := protocols.Stat(ctx, c, at.Name)
	if err != nil {
		return err
	}
	p := show.NewEntryPrinter(e.Out, true)
	return cmp.Or(p.Put(&entry), p.End())
}

// printer returns the printer that the flags ask for.
func (l *Lister) printer(e *kit.Env) *show.EntryPrinter {
	p := show.NewEntryPrinter(e.Out, l.Long || l.human)
	p.Human = l.human
	return p
}

// Print writes entries as they come, or sorted when that is asked for.
func (l *Lister) Print(e *kit.Env, folder string, entries iter.Seq2[protocols.Entry, error]) error {
	if l.sort.Value != "" || l.reverse {
		entries = show.Sorted(entries, l.sort.Value, l.reverse)
	}
	p := l.printer(e)
	p.Deep, p.Below = l.recursive, folder
	n := 0
	var now protocols.Entry // one for all, or each would be an allocation
	for entry, err := range entries {
		if now = entry; err == nil {
			err = p.Put(&now)
		}
		if err != nil {
			_ = p.End()
			return err
		}
		if n++; n == l.limit.Value {
			break
		}
	}
	return p.End()
}

// walk lists a folder and those inside of it, each folder once. Folders wait in
// a list while one is listed: a client does one thing at a time. A tree that goes
// deeper than the limit that nobody set ends in an error.
func walk(ctx context.Context, c protocols.Client, name string, depth int) iter.Seq2[protocols.Entry, error] {
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
			for entry, err := range protocols.ListTree(ctx, c, name, dir.name) {
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

// isFolder: links are not followed, or trees would have loops.
func isFolder(e *protocols.Entry) bool {
	return (e.Type == protocols.TypeDir || e.Type == protocols.TypeMenu) && e.Name != "." && e.Name != ".."
}
