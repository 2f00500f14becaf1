package file

import (
	"context"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/netclients/netclients/protocols"
)

// in runs do in the folder that name is relative to.
func (c *Client) in(ctx context.Context, op, name string, do func(dir *os.Root, rel string) error) error {
	_, leave, err := c.begin(ctx)
	if err == nil {
		defer leave()
		err = c.inFolder(name, do)
	}
	return wrap(err, op, c.urlOf(name))
}

func (c *Client) inFolder(name string, do func(dir *os.Root, rel string) error) error {
	dir, rel, done, err := c.Place(name)
	if err != nil {
		return err
	}
	defer done()
	return do(dir, rel)
}

// Remove deletes a file or a link, never what it points at, and no folder.
func (c *Client) Remove(ctx context.Context, name string) error {
	return c.in(ctx, "rm", name, func(dir *os.Root, rel string) error {
		return removeKind(dir, rel, false)
	})
}

// Unmake removes an empty folder.
func (c *Client) Unmake(ctx context.Context, name string) error {
	return c.in(ctx, "rmdir", name, func(dir *os.Root, rel string) error {
		return removeKind(dir, rel, true)
	})
}

func removeKind(dir *os.Root, rel string, folder bool) error {
	info, err := dir.Lstat(rel)
	if err != nil {
		return err
	}
	if folder && !info.IsDir() {
		return &fs.PathError{Op: "rmdir", Path: rel, Err: syscall.ENOTDIR}
	}
	if !folder && info.IsDir() {
		return &fs.PathError{Op: "remove", Path: rel, Err: syscall.EISDIR}
	}
	return dir.Remove(rel)
}

// Make makes a folder. The root itself is made with all the folders above it, and
// may be there already.
func (c *Client) Make(ctx context.Context, name string) error {
	if n, err := clean(name); err == nil && n == "" {
		_, leave, err := c.begin(ctx)
		if err == nil {
			defer leave()
			err = os.MkdirAll(c.path, 0o777)
		}
		return wrap(err, "mkdir", c.urlOf(""))
	}
	return c.in(ctx, "mkdir", name, func(dir *os.Root, rel string) error { return dir.Mkdir(rel, 0o777) })
}

// Move renames below the root. What is at to is replaced, unless it is a folder.
func (c *Client) Move(ctx context.Context, from, to string) error {
	to, err := clean(to)
	if err != nil || to == "" {
		return wrap(protocols.UsageError(proto, "mv", "no name to move to"), "mv", c.urlOf(from))
	}
	if n, err := clean(from); err != nil || n == "" {
		return wrap(protocols.UsageError(proto, "mv", "the root itself cannot be moved"), "mv", c.urlOf(from))
	}
	return c.in(ctx, "mv", from, func(dir *os.Root, rel string) error { return dir.Rename(rel, to) })
}

// Chmod sets permission bits, exactly; links are not followed out of the root.
func (c *Client) Chmod(ctx context.Context, name string, mode fs.FileMode) error {
	return c.in(ctx, "chmod", name, func(dir *os.Root, rel string) error { return dir.Chmod(rel, mode) })
}

// SetModified sets the modification time.
func (c *Client) SetModified(ctx context.Context, name string, t time.Time) error {
	return c.in(ctx, "touch", name, func(dir *os.Root, rel string) error { return dir.Chtimes(rel, time.Time{}, t) })
}

// Symlink makes a link at name. The target is not looked at; see [LinkStays].
func (c *Client) Symlink(ctx context.Context, target, name string) error {
	return c.in(ctx, "ln", name, func(dir *os.Root, rel string) error { return dir.Symlink(target, rel) })
}

// LinkStays reports whether a link at name, below a root, with that target cannot
// lead out of the root. The target must be relative, go up only at its start, and
// not further than the root: "up" after a component could pass another link.
func LinkStays(name, target string) bool {
	if target == "" || target[0] == '/' || strings.ContainsAny(target, "\\\x00") {
		return false
	}
	up := strings.Count(path.Clean("/"+name), "/") - 1
	down := false
	for _, c := range strings.Split(target, "/") {
		switch {
		case c == "..":
			if up--; up < 0 || down {
				return false
			}
		case c != "." && c != "":
			down = true
		}
	}
	return true
}
