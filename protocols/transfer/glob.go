package transfer

import (
	"path"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer/internal/naming"
)

// Glob is one pattern of --include or --exclude, in the manner of gitignore. It is
// matched with the path relative to the tree, slashes between the components.
//
//   - A pattern without a slash, but for one at its end, is matched with the last
//     component: "*.tmp" at any depth. Any other is matched from the top: "/a",
//     "a/*.c".
//   - "*" and "?" stand for anything but a slash, "[a-z]" and "[!a-z]" for one
//     character, "\" takes the next character as it is. "**" as a whole component
//     stands for any number of components, also none.
//   - With a slash at its end it matches folders only.
//
// What matches a folder holds for all that is in it. An include says which files
// to take; folders are looked into in any case, unless they are excluded.
type Glob struct {
	parts   []string
	folders bool
}

// ParseGlob reads a pattern. A malformed one is an error of kind Usage.
func ParseGlob(pattern string) (Glob, error) {
	text, folders := strings.CutSuffix(pattern, "/")
	anchored := strings.Contains(text, "/")
	text = strings.TrimPrefix(text, "/")
	g := Glob{folders: folders}
	if !anchored {
		g.parts = []string{"**"}
	}
	for part := range strings.SplitSeq(text, "/") {
		part = strings.ReplaceAll(part, "[!", "[^")
		if _, err := path.Match(part, ""); err != nil || part == "" || len(pattern) > 4096 {
			return Glob{}, protocols.UsageError("", "", "glob "+pattern+": malformed pattern")
		}
		if n := len(g.parts); part != "**" || n == 0 || g.parts[n-1] != "**" {
			g.parts = append(g.parts, part)
		}
	}
	return g, nil
}

// Match reports whether the path itself matches; folders above it are the caller's.
func (g Glob) Match(rel string, folder bool) bool {
	if g.folders && !folder {
		return false
	}
	return naming.MatchParts(g.parts, strings.Split(rel, "/"))
}

// filter is the include and exclude globs of a sync.
type filter struct {
	include, exclude []Glob
	own              string // the folder for backups, in the tree; empty: elsewhere

	newer, older time.Time // zero: no limit
}

func newFilter(include, exclude []string) (filter, error) {
	in, err := parseGlobs(include)
	if err != nil {
		return filter{}, err
	}
	ex, err := parseGlobs(exclude)
	return filter{include: in, exclude: ex}, err
}

func parseGlobs(patterns []string) ([]Glob, error) {
	var globs []Glob
	for _, p := range patterns {
		g, err := ParseGlob(p)
		if err != nil {
			return nil, err
		}
		globs = append(globs, g)
	}
	return globs, nil
}

// excluded reports whether the entry is left alone. Entries in excluded folders are
// never asked for.
func (f *filter) excluded(rel string, folder bool) bool {
	return f.own != "" && (rel == f.own || strings.HasPrefix(rel, f.own+"/")) || anyMatch(f.exclude, rel, folder)
}

// outdated reports whether a file is left alone because of its time.
func (f *filter) outdated(modified time.Time) bool {
	return !modified.IsZero() && (!f.newer.IsZero() && !modified.After(f.newer) || !f.older.IsZero() && !modified.Before(f.older))
}

// included reports whether the entry is wanted, by itself or by a folder above it.
func (f *filter) included(rel string, folder bool) bool {
	if len(f.include) == 0 || anyMatch(f.include, rel, folder) {
		return true
	}
	for i, c := range rel {
		if c == '/' && anyMatch(f.include, rel[:i], true) {
			return true
		}
	}
	return false
}

func anyMatch(globs []Glob, rel string, folder bool) bool {
	for _, g := range globs {
		if g.Match(rel, folder) {
			return true
		}
	}
	return false
}
