package verbs

import (
	"context"
	"io/fs"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
)

// globFlag adds --no-glob.
func globFlag(fs *pflag.FlagSet, off *bool) {
	fs.BoolVar(off, "no-glob", false, "take *, ? and [...] in names, and {a,b} and [1-9] in URLs, as they are")
}

// Globbed returns the row of a verb whose URLs may end in a pattern: one call for all
// that match.
func Globbed(v *kit.Verb) *kit.Verb {
	c := *v
	off := false
	var set *pflag.FlagSet
	c.Flags = func(fs *pflag.FlagSet) {
		if v.Flags != nil {
			v.Flags(fs)
		}
		globFlag(fs, &off)
		set = fs
	}
	c.Run = func(ctx context.Context, e *kit.Env, args []string) error {
		if !off {
			whole, err := set.GetBool("recursive")
			if args, err = expand(ctx, e, args, v.Name == "rm" || err == nil && whole); err != nil {
				return err
			}
		}
		return v.Run(ctx, e, args)
	}
	return &c
}

// expand puts the URLs of what matches in the place of each pattern. Folders are
// among them where the verb takes folders.
func expand(ctx context.Context, e *kit.Env, args []string, withFolders bool) ([]string, error) {
	var all []string
	args, err := sets(e, args)
	if err != nil {
		return nil, err
	}
	for _, text := range args {
		p, err := patternOf(e, text)
		if err != nil || p == nil {
			all = append(all, text) // the verb reports what is wrong with it
			continue
		}
		c, err := e.Client(p.at)
		if err != nil {
			return nil, err
		}
		urls, err := p.urls(ctx, c, withFolders)
		if err != nil {
			return nil, kit.CauseOf(ctx, kit.Named(protocols.Wrap(err, p.at.Spec.Name, e.Verb, protocols.Redact(p.at.URL)), e.Verb))
		}
		if urls == nil {
			if urls, err = set(e, text, true); err != nil {
				return nil, err
			}
		}
		all = append(all, urls...)
	}
	return all, nil
}

// sets puts the URLs that arguments of HTTP stand for in their place.
func sets(e *kit.Env, args []string) (all []string, err error) {
	for _, text := range args {
		urls, err := set(e, text, false)
		if err != nil {
			return nil, err
		}
		all = append(all, urls...)
	}
	return all, nil
}

func set(e *kit.Env, text string, whole bool) ([]string, error) {
	if !kit.IsURLSet(e.Proto, text) {
		return []string{text}, nil
	}
	return kit.URLSet(text, whole)
}

// pattern is a URL whose last component is a pattern of names.
type pattern struct {
	at     *protocols.Target // what the URL names when it is not a pattern
	folder *protocols.Target // whose listing is searched
	text   string            // as path.Match takes it
	flat   bool              // names are paths from the top: mailboxes, groups
	files  string            // names are those of files in a maildir: in this folder of it, or "." for both
}

const globSigns = "*?["

// patternOf returns the pattern in an argument, nil when there is none. Local paths are
// the shell's to expand.
func patternOf(e *kit.Env, text string) (*pattern, error) {
	if !strings.ContainsAny(text, globSigns) || e.Proto == "" && !kit.HasScheme(text) {
		return nil, nil
	}
	at, err := e.Target(text)
	if err != nil {
		return nil, err
	}
	return targetPattern(e, at)
}

func targetPattern(e *kit.Env, at *protocols.Target) (*pattern, error) {
	if at.Spec.Name == "maildir" {
		return filePattern(at), nil
	}
	full := at.URL.EscapedPath()
	if at.Scheme.Port == 0 || strings.Contains(full, ";UID=") {
		return nil, nil
	}
	sample := kit.Sample(at.Spec)
	flat := kit.Is[protocols.MessageSource](sample)
	if at.Spec.Name == "ftp" && (at.URL.RawQuery != "" || at.URL.ForceQuery) { // where ? begins no query
		full += "?" + at.URL.RawQuery
	}
	dir, last := "/", strings.TrimPrefix(full, "/")
	if i := strings.LastIndexByte(full, '/'); i >= 0 && !flat {
		dir, last = full[:i+1], full[i+1:]
	}
	plain, err := url.PathUnescape(last)
	if err != nil || !strings.ContainsAny(last, globSigns) || !kit.Is[protocols.Lister](sample) {
		return nil, err
	}
	if plain = globOf(plain); plain == "" {
		return nil, nil
	}
	u := *at.URL
	u.RawQuery, u.ForceQuery, u.RawPath = "", false, dir
	if u.Path, err = url.PathUnescape(dir); err != nil {
		return nil, err
	}
	folder, err := e.Reg.Target(&u, e.Proto)
	return &pattern{at: at, folder: folder, text: plain, flat: flat}, err
}

// globOf returns a pattern as path.Match takes it; "" for what is only a name, as "[" alone.
func globOf(text string) string {
	text = strings.ReplaceAll(text, "[!", "[^")
	if _, err := path.Match(text, ""); err != nil || !strings.ContainsAny(text, globSigns) {
		return ""
	}
	return text
}

// filePattern returns the pattern in the name of a message of a maildir: DIR/PATTERN, or
// with new or cur in between.
func filePattern(at *protocols.Target) *pattern {
	dir, last := path.Split(filepath.ToSlash(at.Name))
	text := globOf(last)
	if text == "" {
		return nil
	}
	folder, files := *at, "."
	if dir = path.Clean(dir); path.Base(dir) == "new" || path.Base(dir) == "cur" {
		dir, files = path.Split(dir)
	}
	folder.Name = path.Clean(dir)
	return &pattern{at: at, folder: &folder, text: text, files: files}
}

// name returns what of an entry is to match; "" for one that is not meant.
func (p *pattern) name(entry *protocols.Entry) string {
	switch {
	case p.flat:
		return entry.Path
	case p.files == "":
		return entry.Name
	}
	dir, name := path.Split(filepath.ToSlash(entry.Path))
	if p.files != "." && path.Base(dir) != p.files {
		return ""
	}
	return name
}

// matches returns the entries that match. Nil without an error means that the name is
// to be taken as it is: it is there, or there is no listing to search.
func (p *pattern) matches(ctx context.Context, c protocols.Client) ([]protocols.Entry, error) {
	var found []protocols.Entry
	for entry, err := range protocols.List(ctx, c, p.folder.Name) {
		if err != nil {
			if missing(err) || protocols.KindOf(err) == protocols.KindProtocol {
				err = nil
			}
			return nil, err
		}
		name := p.name(&entry)
		if name == p.text {
			return nil, nil
		}
		if ok, _ := path.Match(p.text, name); ok && name != "" && (name[0] != '.' || p.text[0] == '.') {
			found = append(found, entry)
		}
	}
	if found == nil && !p.flat && p.at.Spec.Name != "http" {
		return nil, &protocols.Error{Kind: protocols.KindRefused, Sentinel: fs.ErrNotExist, Text: "no name matches " + p.text, Hint: "--no-glob takes it as a name"}
	}
	return found, nil
}

// urls returns the URLs of what matches, with the login of the pattern's own.
func (p *pattern) urls(ctx context.Context, c protocols.Client, withFolders bool) ([]string, error) {
	found, err := p.matches(ctx, c)
	var urls []string
	for _, entry := range found {
		if !withFolders && (isFolder(&entry) || slices.Contains(folders, entry.Type)) {
			continue
		}
		u, err := url.Parse(entry.URL)
		if err != nil || !strings.EqualFold(u.Host, p.at.URL.Host) {
			continue
		}
		u.Scheme, u.User = p.at.URL.Scheme, p.at.URL.User
		urls = append(urls, u.String())
	}
	if err == nil && len(found) > 0 && urls == nil {
		return nil, kit.Usage("%s matches %d folders and nothing else: get -r copies folders", p.text, len(found))
	}
	return urls, err
}

// matching returns the entries that match the pattern in a target; none when it is no
// pattern, or one that is a name.
func (l *Lister) matching(ctx context.Context, e *kit.Env, c protocols.Client, at *protocols.Target) ([]protocols.Entry, error) {
	if l.noGlob || l.recursive {
		return nil, nil
	}
	p, err := targetPattern(e, at)
	if err != nil || p == nil {
		return nil, err
	}
	return p.matches(ctx, c)
}
