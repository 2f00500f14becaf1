package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path"

	"github.com/netclients/netclients/protocols"
)

// chunk is how many names are read from a folder at once.
const chunk = 256

// Scan returns what a folder holds, links not followed, in the system's order. What
// vanishes meanwhile is left out. At most one error comes, last.
func Scan(dir *os.Root) iter.Seq2[fs.FileInfo, error] {
	return func(yield func(fs.FileInfo, error) bool) {
		f, err := dir.Open(".")
		if err != nil {
			yield(nil, err)
			return
		}
		defer f.Close()
		for {
			names, err := f.Readdirnames(chunk)
			for _, n := range names {
				info, err := dir.Lstat(n)
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if !yield(info, err) || err != nil {
					return
				}
			}
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// List streams the entries of a folder. A symbolic link is a link, with its target.
func (c *Client) List(ctx context.Context, name string) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		for e, err := range c.list(ctx, name) {
			if err != nil {
				yield(protocols.Entry{}, wrap(err, "ls", c.urlOf(name)))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (c *Client) list(ctx context.Context, name string) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		ctx, leave, err := c.begin(ctx)
		if err != nil {
			yield(protocols.Entry{}, err)
			return
		}
		defer leave()
		dir, name, err := c.folder(name)
		if err != nil {
			yield(protocols.Entry{}, err)
			return
		}
		defer dir.Close()
		prefix := c.urlOf(name) + "/"
		for info, err := range Scan(dir) {
			if err == nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				yield(protocols.Entry{}, err)
				return
			}
			e := entry(info)
			e.Path, e.URL = path.Join(name, e.Name), prefix+url.PathEscape(e.Name)
			if e.Type == protocols.TypeLink {
				e.Target, _ = dir.Readlink(e.Name)
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// folder opens a folder for one call, and returns its clean name.
func (c *Client) folder(name string) (*os.Root, string, error) {
	name, err := clean(name)
	if err != nil {
		return nil, "", err
	}
	root, err := c.Root()
	if err != nil {
		return nil, "", err
	}
	dir, err := root.OpenRoot(path.Join(".", name))
	return dir, name, err
}

// entry returns the facts of a file; the caller adds path and URL.
func entry(info fs.FileInfo) protocols.Entry {
	e := protocols.Entry{
		Protocol: proto, Name: info.Name(), Type: typeOf(info.Mode()), Size: -1,
		Modified: info.ModTime(), Mode: info.Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky), HasMode: true,
	}
	if e.Type == protocols.TypeFile {
		e.Size = info.Size()
	}
	return e
}

func typeOf(m fs.FileMode) protocols.Type {
	switch {
	case m.IsRegular():
		return protocols.TypeFile
	case m.IsDir():
		return protocols.TypeDir
	case m&fs.ModeSymlink != 0:
		return protocols.TypeLink
	}
	return protocols.TypeOther
}

// Stat describes a file or folder. Only the root itself may be a link that is followed.
func (c *Client) Stat(ctx context.Context, name string) (protocols.Entry, error) {
	_, leave, err := c.begin(ctx)
	if err != nil {
		return protocols.Entry{}, wrap(err, "stat", c.urlOf(name))
	}
	defer leave()
	e, err := c.stat(name)
	return e, wrap(err, "stat", c.urlOf(name))
}

// StatFollow is Stat of what a link points at, as long as that is below the root.
func (c *Client) StatFollow(ctx context.Context, name string) (protocols.Entry, error) {
	_, leave, err := c.begin(ctx)
	if err != nil {
		return protocols.Entry{}, wrap(err, "stat", c.urlOf(name))
	}
	defer leave()
	e, err := c.stat(name)
	if err == nil && e.Type == protocols.TypeLink {
		var root *os.Root
		if root, err = c.Root(); err == nil {
			var info fs.FileInfo
			if info, err = root.Stat(e.Path); err == nil {
				to := entry(info)
				to.Name, to.Path, to.URL = e.Name, e.Path, e.URL
				e = to
			}
		}
	}
	return e, wrap(err, "stat", c.urlOf(name))
}

func (c *Client) stat(name string) (protocols.Entry, error) {
	name, err := clean(name)
	if err != nil {
		return protocols.Entry{}, err
	}
	if name == "" {
		info, err := os.Stat(c.path)
		if err != nil {
			return protocols.Entry{}, err
		}
		e := entry(info)
		e.URL = c.urlOf("")
		return e, nil
	}
	root, err := c.Root()
	if err != nil {
		return protocols.Entry{}, err
	}
	info, err := root.Lstat(name)
	if err != nil {
		return protocols.Entry{}, err
	}
	e := entry(info)
	e.Path, e.URL = name, c.urlOf(name)
	if e.Type == protocols.TypeLink {
		e.Target, _ = root.Readlink(name)
	}
	return e, nil
}
