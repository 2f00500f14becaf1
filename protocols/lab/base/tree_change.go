package base

import (
	"io/fs"
	"path"
	"strings"
	"time"
)

// change runs f under the lock and names the operation in its error.
func (t *Tree) change(op, name string, f func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := f(); err != nil {
		return &fs.PathError{Op: op, Path: name, Err: err}
	}
	return nil
}

// add puts a new node at name, which must be free.
func (t *Tree) add(op, name string, mode fs.FileMode, edit func(*node)) error {
	return t.change(op, name, func() error {
		p, base, err := t.writable(name)
		if err != nil {
			return err
		}
		if _, ok := p.children[base]; ok {
			return fs.ErrExist
		}
		n := t.newNode(mode)
		edit(n)
		p.put(base, n)
		return nil
	})
}

// Mkdir makes one directory with mode 0755.
func (t *Tree) Mkdir(name string) error {
	if t.disk != nil {
		return t.disk.mkdir(name)
	}
	return t.add("mkdir", name, fs.ModeDir|0o755, func(*node) {})
}

// MkdirAll makes a directory and those above it that are missing.
func (t *Tree) MkdirAll(name string) error {
	at := "/"
	for part := range strings.SplitSeq(clean(name)[1:], "/") {
		at = path.Join(at, part)
		if i, err := t.Stat(at); err == nil && i.IsDir() {
			continue
		}
		if err := t.Mkdir(at); err != nil {
			return err
		}
	}
	return nil
}

// Symlink makes name point at target, which need not exist.
func (t *Tree) Symlink(target, name string) error {
	if t.disk != nil {
		return t.disk.symlink(target, name)
	}
	return t.add("symlink", name, fs.ModeSymlink|0o777, func(n *node) { n.target = target })
}

// Virtual makes a file of the given size whose bytes come from gen; it costs
// no memory. Missing directories are made.
func (t *Tree) Virtual(name string, size int64, gen Generator) error {
	if t.disk != nil {
		return &fs.PathError{Op: "create", Path: name, Err: ErrVirtual}
	}
	if err := t.MkdirAll(path.Dir(clean(name))); err != nil {
		return err
	}
	return t.add("create", name, 0o644, func(n *node) {
		n.content.size, n.content.gen = size, gen
	})
}

// WriteFile makes or replaces a file with mode 0644 (an existing file keeps
// its mode). Missing directories are made.
func (t *Tree) WriteFile(name string, data []byte) error {
	if err := t.MkdirAll(path.Dir(clean(name))); err != nil {
		return err
	}
	f, err := t.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	return err
}

// ReadFile returns the whole content of a file: for small ones.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	f, err := t.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, f.Size())
	n, err := f.ReadAt(data, 0)
	if n == len(data) {
		err = nil
	}
	return data[:n], err
}

// Remove deletes a file or a link.
func (t *Tree) Remove(name string) error {
	if t.disk != nil {
		return t.disk.remove(name, false)
	}
	return t.remove("remove", name, func(n *node) error {
		if n.children != nil {
			return ErrIsDir
		}
		return nil
	})
}

// Rmdir deletes an empty directory.
func (t *Tree) Rmdir(name string) error {
	if t.disk != nil {
		return t.disk.remove(name, true)
	}
	return t.remove("rmdir", name, func(n *node) error {
		switch {
		case n.children == nil:
			return ErrNotDir
		case len(n.children) > 0:
			return ErrNotEmpty
		}
		return nil
	})
}

// RemoveAll deletes name and all below it; a missing name is not an error.
func (t *Tree) RemoveAll(name string) error {
	if t.disk != nil {
		return t.disk.removeAll(name)
	}
	if _, err := t.Lstat(name); err != nil {
		return nil
	}
	return t.remove("remove", name, func(*node) error { return nil })
}

// remove deletes name if allowed agrees.
func (t *Tree) remove(op, name string, allowed func(*node) error) error {
	return t.change(op, name, func() error {
		p, base, err := t.writable(name)
		if err != nil {
			return err
		}
		n, ok := p.children[base]
		if !ok {
			return fs.ErrNotExist
		}
		if err := allowed(n); err != nil {
			return err
		}
		p.drop(base)
		n.free()
		return nil
	})
}

// free returns the bytes of n and of all below it back to the tree.
func (n *node) free() {
	for _, child := range n.children {
		child.free()
	}
	if n.content != nil {
		n.content.free()
	}
}

// Rename moves a name. An existing file or link at the new name is replaced;
// a directory is not, and none moves into itself.
func (t *Tree) Rename(from, to string) error {
	if t.disk != nil {
		return t.disk.rename(from, to)
	}
	return t.change("rename", from, func() error {
		p, base, err := t.writable(from)
		if err != nil {
			return err
		}
		n, ok := p.children[base]
		if !ok {
			return fs.ErrNotExist
		}
		if n.children != nil && strings.HasPrefix(clean(to)+"/", clean(from)+"/") {
			return fs.ErrInvalid
		}
		q, newBase, err := t.writable(to)
		if err != nil {
			return err
		}
		if old, ok := q.children[newBase]; ok && old != n {
			if old.children != nil {
				return fs.ErrExist
			}
			old.free()
		}
		p.drop(base)
		q.put(newBase, n)
		q.sorted = nil
		return nil
	})
}

// edit changes the attributes of name, following links.
func (t *Tree) edit(op, name string, f func(*node)) error {
	return t.change(op, name, func() error {
		n, err := t.walk(name, true)
		if err == nil {
			f(n)
		}
		return err
	})
}

// Chmod sets the permission bits.
func (t *Tree) Chmod(name string, perm fs.FileMode) error {
	if t.disk != nil {
		return t.disk.chmod(name, perm)
	}
	return t.edit("chmod", name, func(n *node) { n.mode = n.mode&^fs.ModePerm | perm&fs.ModePerm })
}

// Chtimes sets the modification time.
func (t *Tree) Chtimes(name string, mtime time.Time) error {
	if t.disk != nil {
		return t.disk.chtimes(name, mtime)
	}
	return t.edit("chtimes", name, func(n *node) {
		n.mtime = mtime
		if n.content != nil {
			n.content.touch(time.Time{})
		}
	})
}

// Chown sets the names of owner and group.
func (t *Tree) Chown(name, owner, group string) error {
	if t.disk != nil {
		return &fs.PathError{Op: "chown", Path: name, Err: fs.ErrPermission}
	}
	return t.edit("chown", name, func(n *node) { n.owner, n.group = owner, group })
}
