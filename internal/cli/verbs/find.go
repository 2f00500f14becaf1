package verbs

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/show"
	"github.com/netclients/netclients/protocols"
)

// finder is the find verb with its flags.
type finder struct {
	name, any string // --name and --iname
	kind      kit.Choice
	depth     kit.Count
}

// kinds are the letters of find(1) for types.
var kinds = map[string][]protocols.Type{
	"d": {protocols.TypeDir, protocols.TypeMenu, protocols.TypeMailbox, protocols.TypeGroup}, "l": {protocols.TypeLink},
}

// FindVerbs is find.
func FindVerbs() []*kit.Verb {
	f := &finder{}
	return []*kit.Verb{{
		Name: "find", Args: "URL...", Generic: true, Short: "print the paths of what is in a folder and below it", Works: kit.Is[protocols.Lister],
		Flags: func(fs *pflag.FlagSet) {
			f.kind, f.depth = kit.OneOf("", "f", "d", "l"), kit.NewCount(maxTree, 10_000)
			fs.StringVar(&f.name, "name", "", "only what has a name that matches `PATTERN`")
			fs.StringVar(&f.any, "iname", "", "likewise, capital or small letters")
			fs.Var(&f.kind, "type", "only files (f), folders (d) or links (l)")
			fs.Var(&f.depth, "depth", "maximum directory depth")
		},
		Words: singleHyphens, Run: kit.Each(f.run),
		Examples: []string{"find ftp://ftp.example.org/pub/ -name '*.iso'", "ftp find ftp.example.org/pub/ --name '*.iso'", "http find -type d dav.example.org"},
	}}
}

// singleHyphens takes -name and -type as find(1) has them.
func singleHyphens(_ *pflag.FlagSet, args []string) []string {
	args = slices.Clone(args)
	for i, a := range args {
		for _, name := range []string{"-name", "-iname", "-type", "-depth"} {
			if a == name || strings.HasPrefix(a, name+"=") {
				args[i] = "-" + a
			}
		}
	}
	return args
}

func (f *finder) run(ctx context.Context, e *kit.Env, c protocols.Client, at *protocols.Target, _ []string) error {
	for _, pattern := range []string{f.name, f.any} {
		if _, err := path.Match(pattern, ""); err != nil {
			return kit.Usage("find: %s: not a pattern", pattern)
		}
	}
	return e.Again(ctx, func() error {
		for entry, err := range walk(ctx, c, at.Name, f.depth.Value) {
			if err != nil {
				return err
			}
			if !f.fits(&entry) {
				continue
			}
			if err := e.Out.Record(&entry, func() string { return show.Safe(entry.Path) }); err != nil {
				return err
			}
		}
		return nil
	})
}

func (f *finder) fits(e *protocols.Entry) bool {
	if e.Name == "." || e.Name == ".." {
		return false
	}
	if ok, _ := path.Match(f.name, e.Name); f.name != "" && !ok {
		return false
	}
	if ok, _ := path.Match(strings.ToLower(f.any), strings.ToLower(e.Name)); f.any != "" && !ok {
		return false
	}
	switch f.kind.Value {
	case "":
		return true
	case "f":
		return !slices.Contains(kinds["d"], e.Type) && e.Type != protocols.TypeLink
	}
	return slices.Contains(kinds[f.kind.Value], e.Type)
}
