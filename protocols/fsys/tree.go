package fsys

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/pool"
)

// maxKept is how many entries are kept beside those of the newest listing.
const maxKept = 100_000

// maxLinks is how many links lead from one to the next.
const maxLinks = 10

// tree knows which entry of the server a name stands for. Names of a tree are those of
// package io/fs; an entry's Path is the server's.
type tree struct {
	ctx     context.Context
	pool    *pool.Pool
	root    string
	keepFor time.Duration

	mu      sync.Mutex
	folders map[string]*folder // by name in the tree
	kept    int                // entries in folders
	joined  bool               // paths of entries were their folder's with their name so far
}

// folder is one listing.
type folder struct {
	read       time.Time
	entries    map[string]protocols.Entry // by name
	incomplete error                      // a line was not understood
}

// follow finds the entry of a name. Where that is a link, the entry and the name are
// those of what it leads to.
func (t *tree) follow(name string) (protocols.Entry, string, error) {
	for range maxLinks {
		e, err := t.find(name)
		if err != nil || e.Type != protocols.TypeLink {
			return e, name, err
		}
		if e.Target == "" || path.IsAbs(e.Target) {
			e, err = t.behind(e)
			return e, name, err
		}
		if name = path.Join(path.Dir(name), e.Target); !fs.ValidPath(name) {
			return e, name, notFound("the link leads out of the tree")
		}
	}
	return protocols.Entry{}, name, notFound("too many links")
}

// behind says what a link leads to whose target the server does not tell, or tells in
// terms of its own: a file where it can be read, else a folder.
func (t *tree) behind(e protocols.Entry) (protocols.Entry, error) {
	err := t.pool.Do(t.ctx, func(c protocols.Client) error {
		o, err := protocols.Get(t.ctx, c, e.Path, nil)
		if err != nil {
			return err
		}
		e.Type, e.Size, e.Modified, e.HasMode = protocols.TypeFile, o.Size, o.Modified, false
		return o.Body.Close()
	})
	if protocols.KindOf(err) != protocols.KindRefused {
		return e, err
	}
	refused, missing := err, errors.Is(err, fs.ErrNotExist)
	err = t.pool.Do(t.ctx, func(c protocols.Client) error {
		for x, err := range protocols.ListTree(t.ctx, c, t.root, e.Path) {
			if err == nil && x.Path == e.Path {
				err = refused // the link itself, and not what is in a folder
			}
			return err // the first says enough
		}
		if missing {
			return refused // some servers have an empty listing for what does not exist
		}
		return nil
	})
	if err != nil {
		return e, refused
	}
	e.Type, e.Size, e.HasMode = protocols.TypeDir, protocols.SizeUnknown, false
	return e, nil
}

// find finds the entry of a name, which may be a link.
func (t *tree) find(name string) (protocols.Entry, error) {
	if name == "" || name == "." {
		return protocols.Entry{Name: ".", Path: t.root, Type: protocols.TypeDir, Size: protocols.SizeUnknown}, nil
	}
	parent, base := path.Split(name)
	parent = path.Clean(parent)
	l := t.known(parent)
	if l == nil {
		if e, ok := t.stat(name, base); ok {
			return e, nil
		}
		var err error
		if l, err = t.list(parent); err != nil {
			return protocols.Entry{}, err
		}
	}
	if e, ok := l.entries[base]; ok {
		return e, nil
	}
	return protocols.Entry{}, notFound("no such entry in the listing")
}

// stat asks the server for a file whose folder was not listed. Where that fails, the
// listing has the last word: not every server takes such a name.
func (t *tree) stat(name, base string) (protocols.Entry, bool) {
	t.mu.Lock()
	joined := t.joined
	t.mu.Unlock()
	if !joined {
		return protocols.Entry{}, false
	}
	var e protocols.Entry
	err := t.pool.Do(t.ctx, func(c protocols.Client) (err error) {
		s, ok := protocols.As[protocols.Statter](c)
		if !ok {
			return errors.ErrUnsupported
		}
		e, err = s.Stat(t.ctx, path.Join(t.root, name))
		return err
	})
	return e, err == nil && e.Name == base && e.Type != ""
}

// known returns a listing that is kept, or nil.
func (t *tree) known(name string) *folder {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.folders[name]; l != nil && time.Since(l.read) < t.keepFor {
		return l
	}
	return nil
}

// list lists a folder.
func (t *tree) list(name string) (*folder, error) {
	e, name, err := t.follow(name)
	if err != nil {
		return nil, err
	}
	if !isDir(e.Type) {
		return nil, errNotDir
	}
	var l *folder
	joined := true
	err = t.pool.Do(t.ctx, func(c protocols.Client) error {
		l, joined = &folder{entries: map[string]protocols.Entry{}}, true
		for x, err := range protocols.ListTree(t.ctx, c, t.root, e.Path) {
			if err != nil {
				return err
			}
			l.add(x)
			joined = joined && x.Path == path.Join(e.Path, x.Name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	t.keep(name, l, joined)
	return l, nil
}

// add adds an entry under a name that no other has.
func (l *folder) add(e protocols.Entry) {
	switch {
	case !e.Parsed():
		l.incomplete = &protocols.Error{Kind: protocols.KindProtocol, Sentinel: protocols.ErrIncomplete, Text: "the listing has a line that was not understood: " + e.Raw}
		return
	case e.Type == protocols.TypeInfo, e.Name == "", e.Name == ".", e.Name == "..":
		return
	}
	name := strings.ToValidUTF8(strings.ReplaceAll(e.Name, "/", "%2F"), "\uFFFD")
	for n := 2; ; n++ {
		if _, taken := l.entries[name]; !taken {
			break
		}
		name = numbered(e.Name, n)
	}
	l.entries[name] = e
}

// keep keeps a listing, and drops others where they are too many.
func (t *tree) keep(name string, l *folder, joined bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l.read = time.Now()
	if len(l.entries) > 0 {
		t.joined = joined && (t.joined || len(t.folders) == 0)
	}
	if old := t.folders[name]; old != nil {
		t.kept -= len(old.entries)
	}
	if t.kept+len(l.entries) > maxKept {
		clear(t.folders)
		t.kept = 0
	}
	t.folders[name] = l
	t.kept += len(l.entries)
}

func notFound(text string) error {
	return &protocols.Error{Op: "stat", Kind: protocols.KindRefused, Sentinel: fs.ErrNotExist, Text: text}
}
