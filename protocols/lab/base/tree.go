package base

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"math"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Errors of a Tree besides fs.ErrNotExist, fs.ErrExist and fs.ErrPermission.
var (
	ErrDiskFull = errors.New("no space left")
	ErrNotDir   = errors.New("not a directory")
	ErrIsDir    = errors.New("is a directory")
	ErrNotEmpty = errors.New("directory not empty")
	ErrLoop     = errors.New("too many symbolic links")
	ErrVirtual  = errors.New("generated file cannot be written")
)

// maxLinks bounds the symbolic links followed in one lookup.
const maxLinks = 16

// Tree is a file tree, in memory, or of a folder with [OpenTree]. Names are slash-separated and rooted at "/"
// whether they start with a slash or not; ".." never leaves the root. All
// methods are safe for concurrent use. The zero value is not usable: NewTree.
type Tree struct {
	mu       sync.RWMutex // names and attributes; a file's bytes have their own lock
	root     *node
	lastID   uint64
	used     atomic.Int64
	capacity atomic.Int64
	disk     *folder // nil for a tree in memory
}

// Info describes one name of a Tree.
type Info struct {
	Name    string // last component; "/" for the root
	Size    int64  // bytes; 0 for directories
	Mode    fs.FileMode
	ModTime time.Time
	Owner   string
	Group   string
	Target  string // where a symbolic link points
	ID      uint64 // the same for the life of a file, also after a rename
}

// IsDir reports whether the name is a directory.
func (i Info) IsDir() bool { return i.Mode.IsDir() }

// IsLink reports whether the name is a symbolic link.
func (i Info) IsLink() bool { return i.Mode&fs.ModeSymlink != 0 }

// node is a file, directory or link. Its fields are guarded by Tree.mu, the
// content of a file by its own lock.
type node struct {
	id       uint64
	mode     fs.FileMode
	mtime    time.Time
	owner    string
	group    string
	target   string
	children map[string]*node
	sorted   []string // names in order; nil after a change
	content  *content
}

// NewTree makes an empty tree without a size limit.
func NewTree() *Tree {
	t := &Tree{}
	t.capacity.Store(math.MaxInt64)
	t.root = t.newNode(fs.ModeDir | 0o755)
	return t
}

// SetCapacity makes writes fail with ErrDiskFull when the files would together
// hold more than n bytes. Generated files do not count.
func (t *Tree) SetCapacity(n int64) { t.capacity.Store(n) }

// Free is how many bytes the files may still grow by.
func (t *Tree) Free() int64 { return t.capacity.Load() - t.used.Load() }

// Used is the sum of the sizes of all files, generated ones left out.
func (t *Tree) Used() int64 { return t.used.Load() }

// reserve books n more bytes (or releases -n).
func (t *Tree) reserve(n int64) error {
	if t.used.Add(n) > t.capacity.Load() && n > 0 {
		t.used.Add(-n)
		return ErrDiskFull
	}
	return nil
}

// newNode makes a node with the next ID; t.mu is held or t is not shared yet.
func (t *Tree) newNode(mode fs.FileMode) *node {
	t.lastID++
	n := &node{id: t.lastID, mode: mode, mtime: time.Now(), owner: "alice", group: "users"}
	switch {
	case mode.IsDir():
		n.children = map[string]*node{}
	case mode.IsRegular():
		n.content = &content{tree: t}
	}
	return n
}

// clean makes name rooted and free of dots.
func clean(name string) string { return path.Clean("/" + name) }

// walk finds the node of name; last says whether a link in the last place is
// followed. t.mu is held.
func (t *Tree) walk(name string, last bool) (*node, error) {
	_, n, err := t.resolve(clean(name), last, maxLinks)
	return n, err
}

// resolve is walk that also returns the path with its links replaced.
func (t *Tree) resolve(name string, last bool, links int) (string, *node, error) {
	n, at := t.root, "/"
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '/' })
	for i, part := range parts {
		if n.children == nil {
			return "", nil, ErrNotDir
		}
		child, ok := n.children[part]
		if !ok {
			return "", nil, fs.ErrNotExist
		}
		if child.mode&fs.ModeSymlink != 0 && (last || i < len(parts)-1) {
			if links == 0 {
				return "", nil, ErrLoop
			}
			rest := strings.Join(parts[i+1:], "/")
			return t.resolve(clean(follow(at, child.target)+"/"+rest), last, links-1)
		}
		n, at = child, path.Join(at, part)
	}
	return at, n, nil
}

// follow is where a link with this target in the folder dir leads.
func follow(dir, target string) string {
	if path.IsAbs(target) {
		return target
	}
	return path.Join(dir, target)
}

// parent finds the folder in which name is or would be; t.mu is held.
func (t *Tree) parent(name string) (*node, string, error) {
	dir, base := path.Split(clean(name))
	if base == "" {
		return nil, "", fs.ErrExist
	}
	p, err := t.walk(dir, true)
	if err != nil {
		return nil, "", err
	}
	if p.children == nil {
		return nil, "", ErrNotDir
	}
	return p, base, nil
}

// writable is parent for a change: the folder must have a write bit.
func (t *Tree) writable(name string) (*node, string, error) {
	p, base, err := t.parent(name)
	if err == nil && p.mode&0o222 == 0 {
		err = fs.ErrPermission
	}
	return p, base, err
}

// put adds or replaces a child and takes note of the change.
func (n *node) put(name string, child *node) {
	if _, ok := n.children[name]; !ok {
		n.sorted = nil
	}
	n.children[name] = child
	n.mtime = time.Now()
}

// drop removes a child.
func (n *node) drop(name string) {
	delete(n.children, name)
	n.sorted, n.mtime = nil, time.Now()
}

// info describes n under the given name.
func (n *node) info(name string) Info {
	i := Info{Name: name, Mode: n.mode, ModTime: n.mtime, Owner: n.owner, Group: n.group, Target: n.target, ID: n.id}
	if n.content != nil {
		i.Size, i.ModTime = n.content.stat(n.mtime)
	}
	if n.target != "" {
		i.Size = int64(len(n.target))
	}
	return i
}

// Stat describes name, following links.
func (t *Tree) Stat(name string) (Info, error) { return t.stat(name, true) }

// Lstat describes name itself when it is a link.
func (t *Tree) Lstat(name string) (Info, error) { return t.stat(name, false) }

func (t *Tree) stat(name string, last bool) (Info, error) {
	if t.disk != nil {
		return t.disk.stat(name, last)
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	n, err := t.walk(name, last)
	if err != nil {
		return Info{}, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return n.info(path.Base(clean(name))), nil
}

// ReadDir lists a directory in the order of the names.
func (t *Tree) ReadDir(name string) ([]Info, error) {
	if t.disk != nil {
		return t.disk.readDir(name)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.walk(name, true)
	switch {
	case err != nil:
	case n.children == nil:
		err = ErrNotDir
	case n.mode&0o444 == 0:
		err = fs.ErrPermission
	}
	if err != nil {
		return nil, &fs.PathError{Op: "list", Path: name, Err: err}
	}
	if n.sorted == nil {
		n.sorted = slices.SortedFunc(maps.Keys(n.children), cmp.Compare[string])
	}
	list := make([]Info, len(n.sorted))
	for i, base := range n.sorted {
		list[i] = n.children[base].info(base)
	}
	return list, nil
}
