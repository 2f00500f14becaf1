package webmirror

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	nethttp "net/http"
	"net/url"
	"os"
	"path"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// Folder keeps documents as files, each below the name of its host. What is known of them
// is in a file of the folder, so that a later run fetches only what has changed.
type Folder struct {
	dir     *os.Root
	name    string
	entries map[string]*entry // by URL
	taken   map[string]string // URL by place, in lower case; folders have none
	moved   map[string]string
	journal *os.File
}

// entry is a line of the journal.
type entry struct {
	URL      string `json:"url"`
	Place    string `json:"place"`
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"`
	Kind     string `json:"kind,omitempty"`
	Links    []Link `json:"links,omitempty"`
	Raw      bool   `json:"raw,omitempty"` // its links lead to the server still

	fresh bool // this run has it
}

const (
	journalName = ".netclients-pages"
	maxLine     = 32 << 20
)

// OpenFolder opens a folder, which is made where it is missing. The caller closes it.
func OpenFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, &protocols.Error{Kind: protocols.KindLocal, Err: err}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, &protocols.Error{Kind: protocols.KindLocal, Err: err}
	}
	f := &Folder{dir: root, name: dir, entries: map[string]*entry{}, taken: map[string]string{}, moved: map[string]string{}}
	if err := f.read(); err != nil {
		root.Close()
		return nil, &protocols.Error{Kind: protocols.KindLocal, Err: err}
	}
	return f, nil
}

// read reads the journal, of which a line that was cut off is left out, and opens it for
// more.
func (f *Folder) read() error {
	in, err := f.dir.Open(journalName)
	if err == nil {
		lines := bufio.NewScanner(in)
		lines.Buffer(nil, maxLine)
		for lines.Scan() {
			e := &entry{}
			if json.Unmarshal(lines.Bytes(), e) == nil && e.URL != "" && fs.ValidPath(e.Place) {
				f.entries[e.URL] = e
			}
		}
		err = errors.Join(lines.Err(), in.Close())
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range f.entries {
		f.take(e.Place, e.URL)
	}
	f.journal, err = f.dir.OpenFile(journalName, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	return err
}

// take notes that a place and the folders above it are in use.
func (f *Folder) take(place, u string) {
	f.taken[strings.ToLower(place)] = u
	for dir := path.Dir(place); dir != "."; dir = path.Dir(dir) {
		f.taken[strings.ToLower(dir)+"/"] = ""
	}
}

// Known returns what the journal has. A page whose links were not made to lead to files is
// fetched again.
func (f *Folder) Known(u string) *Known {
	e := f.entries[u]
	if e == nil || e.Raw || e.ETag == "" && e.Modified == "" {
		return nil
	}
	if _, err := f.dir.Lstat(e.Place); err != nil {
		return nil
	}
	h := nethttp.Header{}
	if e.ETag != "" {
		h.Set("If-None-Match", e.ETag)
	} else {
		h.Set("If-Modified-Since", e.Modified)
	}
	return &Known{Header: h, Links: e.Links, Place: path.Join(f.name, e.Place)}
}

// Moved notes where a URL leads.
func (f *Folder) Moved(from, to string) { f.moved[from] = to }

// Store keeps content.
func (f *Folder) Store(ctx context.Context, d *Document) (string, error) {
	if d.Status != nethttp.StatusOK {
		return "", nil
	}
	u := normal(d.URL)
	place, err := f.place(u, d)
	if err != nil {
		return "", err
	}
	if err := f.write(ctx, place, d); err != nil {
		return "", &protocols.Error{Kind: protocols.KindLocal, Err: err}
	}
	e := &entry{URL: u, Place: place, ETag: d.Header.Get("ETag"), Modified: d.Header.Get("Last-Modified"), Kind: d.Kind, Links: d.Links, Raw: len(d.Links) > 0, fresh: true}
	f.entries[u] = e
	f.take(place, u)
	return path.Join(f.name, place), f.note(e)
}

func (f *Folder) note(e *entry) error {
	b, err := json.Marshal(e)
	if err == nil {
		_, err = f.journal.Write(append(b, '\n'))
	}
	if err != nil {
		return &protocols.Error{Kind: protocols.KindLocal, Err: err}
	}
	return nil
}

// write puts the content into its file.
func (f *Folder) write(ctx context.Context, place string, d *Document) error {
	if err := f.dir.MkdirAll(path.Dir(place), 0o777); err != nil {
		return err
	}
	t, err := file.CreateTemp(f.dir, place, 0o666)
	if err != nil {
		return err
	}
	t.Modified, _ = nethttp.ParseTime(d.Header.Get("Last-Modified"))
	if _, err = file.Pour(ctx, t.File, d.Body); err != nil {
		t.Abort()
		return err
	}
	return t.Store(file.Group)
}

// place returns where a document is kept: HOST/PATH, index.html for a folder, with the
// ending of what it is. A place that another one has, or that is a folder, gets a sum of
// the URL into its name.
func (f *Folder) place(u string, d *Document) (string, error) {
	if e := f.entries[u]; e != nil {
		return e.Place, nil
	}
	place, err := placeOf(d.URL, d.Kind)
	if err != nil {
		return "", err
	}
	if f.free(place) {
		return place, nil
	}
	h := fnv.New64a()
	io.WriteString(h, u)
	host, _, _ := strings.Cut(place, "/")
	for _, other := range []string{
		fmt.Sprintf("%s~%x%s", strings.TrimSuffix(place, path.Ext(place)), h.Sum64(), path.Ext(place)),
		fmt.Sprintf("%s/~%x%s", host, h.Sum64(), path.Ext(place)), // below what is a file here
	} {
		if f.free(other) {
			return other, nil
		}
	}
	return "", &protocols.Error{Kind: protocols.KindLocal, Text: "no free name for " + u}
}

func (f *Folder) free(place string) bool {
	low := strings.ToLower(place)
	_, is := f.taken[low]
	_, folder := f.taken[low+"/"]
	for dir := path.Dir(low); dir != "." && !is; dir = path.Dir(dir) {
		_, is = f.taken[dir]
	}
	return !is && !folder
}

// placeOf makes a path of safe names of a URL.
func placeOf(u *url.URL, kind string) (string, error) {
	parts := []string{strings.ReplaceAll(u.Host, ":", "+")}
	for part := range strings.SplitSeq(strings.Trim(u.EscapedPath(), "/"), "/") {
		if text, err := url.PathUnescape(part); err == nil {
			part = strings.ReplaceAll(text, "/", "%2F")
		}
		if part != "" {
			parts = append(parts, part)
		}
	}
	if strings.HasSuffix(u.Path, "/") || u.Path == "" {
		parts = append(parts, "index.html")
	}
	last := &parts[len(parts)-1]
	if u.RawQuery != "" {
		*last += "@" + strings.ReplaceAll(u.RawQuery, "/", "%2F")
	}
	*last = withEnding(*last, kind)
	for i, part := range parts {
		safe, err := file.SafeName(part)
		if err != nil || len(safe) > maxPart || strings.HasPrefix(safe, journalName) {
			h := fnv.New64a()
			io.WriteString(h, part)
			safe = fmt.Sprintf("~%x%s", h.Sum64(), withEnding("", kind))
		}
		parts[i] = safe
	}
	return strings.Join(parts, "/"), nil
}

// maxPart is the longest name that is kept as it is: sums and temporary names need room.
const maxPart = 180

// endings are those without which browsers take a file for something else.
var endings = map[string][]string{kindHTML: {".html", ".htm"}, kindXHTM: {".xhtml", ".html", ".htm"}, kindCSS: {".css"}}

func withEnding(name, kind string) string {
	wants := endings[kind]
	for _, end := range wants {
		if strings.HasSuffix(strings.ToLower(name), end) {
			return name
		}
	}
	if len(wants) == 0 {
		return name
	}
	return name + wants[0]
}

// End makes the links of the new pages lead to the files, and writes the journal anew. A
// run that was ended early leaves its pages as they are, and a later one goes on.
func (f *Folder) End(ctx context.Context, why error) error {
	defer f.dir.Close()
	defer f.journal.Close()
	if why != nil && protocols.KindOf(why) != protocols.KindPartial {
		return nil
	}
	for _, e := range f.entries {
		if e.Raw && e.fresh {
			if err := f.convert(ctx, e); err != nil {
				return &protocols.Error{Kind: protocols.KindLocal, Text: "links of " + e.Place, Err: err}
			}
		}
	}
	t, err := file.CreateTemp(f.dir, journalName, 0o666)
	if err != nil {
		return &protocols.Error{Kind: protocols.KindLocal, Err: err}
	}
	out := json.NewEncoder(t)
	for _, e := range f.entries {
		if err = out.Encode(e); err != nil {
			t.Abort()
			return &protocols.Error{Kind: protocols.KindLocal, Err: err}
		}
	}
	return t.Store(file.Group)
}

// convert rewrites the links of a page: to the file where there is one, else to the whole
// URL.
func (f *Folder) convert(ctx context.Context, e *entry) error {
	page, err := url.Parse(e.URL)
	if err != nil {
		return err
	}
	in, err := f.dir.Open(e.Place)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	t, err := file.CreateTemp(f.dir, e.Place, 0o666)
	if err != nil {
		return err
	}
	t.Modified = info.ModTime()
	w := bufio.NewWriter(t)
	change := rewrite
	if e.Kind == kindCSS {
		change = rewriteCSS
	}
	err = change(w, in, page, func(l Link, fragment, _ string) string { return f.local(e.Place, l.URL, fragment) })
	if err = errors.Join(err, w.Flush(), ctx.Err()); err != nil {
		t.Abort()
		return err
	}
	e.Raw = false
	return errors.Join(t.Store(file.Group), f.note(e))
}

// local is the link from one place to the document of a URL.
func (f *Folder) local(from, to, fragment string) string {
	target := to
	for range maxHops {
		next, ok := f.moved[target]
		if !ok {
			break
		}
		target = next
	}
	if fragment != "" {
		fragment = "#" + (&url.URL{Fragment: fragment}).EscapedFragment()
	}
	e := f.entries[target]
	if e == nil {
		return to + fragment
	}
	up := strings.Split(path.Dir(from), "/")
	down := strings.Split(e.Place, "/")
	for len(up) > 0 && len(down) > 1 && up[0] == down[0] {
		up, down = up[1:], down[1:]
	}
	for i := range down {
		down[i] = url.PathEscape(down[i])
	}
	link := strings.Repeat("../", len(up)) + strings.Join(down, "/")
	if first, _, _ := strings.Cut(link, "/"); strings.Contains(first, ":") {
		link = "./" + link
	}
	return link + fragment
}
