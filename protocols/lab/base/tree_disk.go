package base

import (
	"errors"
	"hash/fnv"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"
)

// folder is a folder of the file system as the content of a [Tree]. No name, and no
// symbolic link, leads out of it.
type folder struct{ root *os.Root }

// OpenTree returns a tree that serves and changes the files of a folder, which must
// exist. The caller closes it.
func OpenTree(dir string) (*Tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	t := NewTree()
	t.disk = &folder{root}
	return t, nil
}

// Close closes the folder of [OpenTree]; a tree in memory has nothing to close.
func (t *Tree) Close() error {
	if t.disk == nil {
		return nil
	}
	return t.disk.root.Close()
}

// local returns the name below the root of the folder.
func local(name string) string {
	if name = strings.TrimPrefix(clean(name), "/"); name == "" {
		return "."
	}
	return name
}

// treeErrors are the errors of the system that a tree has its own for.
var treeErrors = []struct{ system, ours error }{
	{syscall.ENOTDIR, ErrNotDir}, {syscall.EISDIR, ErrIsDir}, {syscall.ENOTEMPTY, ErrNotEmpty},
	{syscall.ELOOP, ErrLoop}, {syscall.ENOSPC, ErrDiskFull}, {syscall.EINVAL, fs.ErrInvalid},
	{fs.ErrNotExist, fs.ErrNotExist}, {fs.ErrExist, fs.ErrExist}, {ErrIsDir, ErrIsDir}, {ErrNotDir, ErrNotDir},
}

// as returns the error of an operation in the terms of a tree. What leads out of the
// folder, and what is not known, is a matter of permission.
func (folder) as(op, name string, err error) error {
	if err == nil {
		return nil
	}
	for _, e := range treeErrors {
		if errors.Is(err, e.system) {
			return &fs.PathError{Op: op, Path: name, Err: e.ours}
		}
	}
	return &fs.PathError{Op: op, Path: name, Err: fs.ErrPermission}
}

// info describes a file under a name. The owner's name is the lab's: that of the
// system is nobody's business.
func (d folder) info(name string, i fs.FileInfo) Info {
	h := fnv.New64a()
	h.Write([]byte(clean(name)))
	info := Info{Name: path.Base(clean(name)), Size: i.Size(), Mode: i.Mode(), ModTime: i.ModTime(), Owner: "alice", Group: "users", ID: h.Sum64()}
	switch {
	case info.IsDir():
		info.Size = 0
	case info.IsLink():
		info.Target, _ = d.root.Readlink(local(name))
	}
	return info
}

func (d folder) stat(name string, follow bool) (Info, error) {
	stat := d.root.Lstat
	if follow {
		stat = d.root.Stat
	}
	i, err := stat(local(name))
	if err != nil {
		return Info{}, d.as("stat", name, err)
	}
	return d.info(name, i), nil
}

func (d folder) readDir(name string) ([]Info, error) {
	f, err := d.root.Open(local(name))
	if err != nil {
		return nil, d.as("list", name, err)
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return nil, d.as("list", name, err)
	}
	var list []Info
	for _, e := range entries {
		if i, err := e.Info(); err == nil { // else it is gone
			list = append(list, d.info(path.Join(clean(name), e.Name()), i))
		}
	}
	slices.SortFunc(list, func(a, b Info) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// open opens a regular file: devices and pipes would block.
func (d folder) open(op, name string, flag int) (*File, error) {
	i, err := d.root.Stat(local(name))
	switch {
	case err == nil && i.IsDir():
		err = ErrIsDir
	case err == nil && !i.Mode().IsRegular():
		err = fs.ErrPermission
	case flag&os.O_CREATE != 0 && errors.Is(err, fs.ErrNotExist):
		err = nil
	}
	if err != nil {
		return nil, d.as(op, name, err)
	}
	f, err := d.root.OpenFile(local(name), flag, 0o644)
	if err != nil {
		return nil, d.as(op, name, err)
	}
	return &File{disk: f}, nil
}

func (d folder) mkdir(name string) error {
	return d.as("mkdir", name, d.root.Mkdir(local(name), 0o755))
}

func (d folder) symlink(target, name string) error {
	return d.as("symlink", name, d.root.Symlink(target, local(name)))
}

// remove deletes a file or an empty folder, whichever is meant.
func (d folder) remove(name string, isDir bool) error {
	i, err := d.root.Lstat(local(name))
	switch {
	case err == nil && i.IsDir() && !isDir:
		err = ErrIsDir
	case err == nil && !i.IsDir() && isDir:
		err = ErrNotDir
	case err == nil:
		err = d.root.Remove(local(name))
	}
	return d.as("remove", name, err)
}

func (d folder) removeAll(name string) error {
	if local(name) == "." {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrPermission}
	}
	return d.as("remove", name, d.root.RemoveAll(local(name)))
}

func (d folder) rename(from, to string) error {
	if i, err := d.root.Lstat(local(to)); err == nil && i.IsDir() {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrExist}
	}
	return d.as("rename", from, d.root.Rename(local(from), local(to)))
}

func (d folder) chmod(name string, perm fs.FileMode) error {
	return d.as("chmod", name, d.root.Chmod(local(name), perm&fs.ModePerm))
}

func (d folder) chtimes(name string, at time.Time) error {
	return d.as("chtimes", name, d.root.Chtimes(local(name), at, at))
}

// Close frees what the file holds open; one in memory has nothing. It is safe to call
// twice.
func (f *File) Close() error {
	if f.disk == nil {
		return nil
	}
	return f.disk.Close()
}

// diskSize is Size for a file of a folder.
func (f *File) diskSize() int64 {
	if i, err := f.disk.Stat(); err == nil {
		return i.Size()
	}
	return 0
}
