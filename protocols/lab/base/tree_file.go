package base

import (
	"encoding/binary"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// chunkSize is the unit in which file contents are stored.
const chunkSize = 1 << 20

// Generator fills p with the bytes of a file from offset off on. It must give
// the same bytes for the same offset each time and is called concurrently.
type Generator func(p []byte, off int64)

// Pattern is a Generator of bytes that do not repeat and do not compress;
// another seed makes other bytes.
func Pattern(seed uint64) Generator {
	return func(p []byte, off int64) {
		var word [8]byte
		for len(p) > 0 {
			binary.LittleEndian.PutUint64(word[:], mix(seed+uint64(off/8)))
			n := copy(p, word[off%8:])
			p, off = p[n:], off+int64(n)
		}
	}
}

// mix spreads the bits of x over the whole word (splitmix64's finaliser).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// content is the bytes of a file: generated, or in chunks of which only the
// last may be short and a nil one stands for zeros.
type content struct {
	tree *Tree

	mu      sync.RWMutex
	size    int64
	gen     Generator
	chunks  [][]byte
	written time.Time // last write, if it is newer than the node's own time
	dead    bool      // removed: no longer counted
}

// stat returns the size and the time of the last change.
func (c *content) stat(mtime time.Time) (int64, time.Time) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.written.IsZero() {
		return c.size, mtime
	}
	return c.size, c.written
}

// touch sets the time of the last write; zero means the node's time counts.
func (c *content) touch(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.written = at
}

// free returns the booked bytes back.
func (c *content) free() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dead && c.gen == nil {
		c.tree.reserve(-c.size)
	}
	c.dead = true
}

// resize books the change from the present size to size.
func (c *content) resize(size int64) error {
	if !c.dead {
		if err := c.tree.reserve(size - c.size); err != nil {
			return err
		}
	}
	c.size = size
	return nil
}

// File is an open file of a Tree. It stays readable when its name is removed. It is
// safe for concurrent use. The caller closes it.
type File struct {
	c    *content
	disk *os.File // in place of c for a file of a folder
}

// Open opens a file for reading; it needs a read bit.
func (t *Tree) Open(name string) (*File, error) {
	if t.disk != nil {
		return t.disk.open("open", name, os.O_RDONLY)
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	n, err := t.walk(name, true)
	switch {
	case err != nil:
	case n.children != nil:
		err = ErrIsDir
	case n.mode&0o444 == 0:
		err = fs.ErrPermission
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &File{c: n.content}, nil
}

// Create opens a file for writing, making it with mode 0644 when it is
// missing; what it holds is kept. An existing file needs a write bit.
func (t *Tree) Create(name string) (*File, error) {
	if t.disk != nil {
		return t.disk.open("create", name, os.O_RDWR|os.O_CREATE)
	}
	var f *File
	err := t.change("create", name, func() error {
		n, err := t.existing(name)
		if err != nil {
			return err
		}
		switch {
		case n.children != nil:
			return ErrIsDir
		case n.mode&0o222 == 0:
			return fs.ErrPermission
		case n.content.gen != nil:
			return ErrVirtual
		}
		f = &File{c: n.content}
		return nil
	})
	return f, err
}

// existing finds the file name leads to, or makes it; t.mu is held.
func (t *Tree) existing(name string) (*node, error) {
	if n, err := t.walk(name, true); err == nil {
		return n, nil
	}
	p, base, err := t.writable(name)
	if err != nil {
		return nil, err
	}
	if _, dangling := p.children[base]; dangling {
		return nil, fs.ErrNotExist
	}
	n := t.newNode(0o644)
	p.put(base, n)
	return n, nil
}

// Size is the present size in bytes.
func (f *File) Size() int64 {
	if f.disk != nil {
		return f.diskSize()
	}
	f.c.mu.RLock()
	defer f.c.mu.RUnlock()
	return f.c.size
}

// ReadAt implements io.ReaderAt.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	if f.disk != nil {
		return f.disk.ReadAt(p, off)
	}
	c := f.c
	c.mu.RLock()
	defer c.mu.RUnlock()
	if off >= c.size {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), c.size-off)]
	if c.gen != nil {
		c.gen(p, off)
	} else {
		c.read(p, off)
	}
	if off+int64(len(p)) == c.size {
		return len(p), io.EOF
	}
	return len(p), nil
}

// read copies bytes that are inside the file.
func (c *content) read(p []byte, off int64) {
	for len(p) > 0 {
		i, at := off/chunkSize, off%chunkSize
		want := min(int64(len(p)), chunkSize-at)
		var n int
		if at < int64(len(c.chunks[i])) {
			n = copy(p[:want], c.chunks[i][at:])
		}
		clear(p[n:want])
		p, off = p[want:], off+want
	}
}

// WriteAt implements io.WriterAt: it overwrites, and extends the file when it
// passes the end; a gap reads as zeros. It fails with ErrDiskFull, having
// written nothing, when the tree has no room.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	if f.disk != nil {
		n, err := f.disk.WriteAt(p, off)
		return n, folder{}.as("write", f.disk.Name(), err)
	}
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	return f.c.write(p, off)
}

// Append writes p after the last byte.
func (f *File) Append(p []byte) (int, error) {
	if f.disk != nil {
		return f.WriteAt(p, f.diskSize())
	}
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	return f.c.write(p, f.c.size)
}

func (c *content) write(p []byte, off int64) (int, error) {
	if end := off + int64(len(p)); end > c.size {
		if err := c.resize(end); err != nil {
			return 0, err
		}
	}
	c.written = time.Now()
	for i := (c.size + chunkSize - 1) / chunkSize; int64(len(c.chunks)) < i; {
		c.chunks = append(c.chunks, nil)
	}
	total := len(p)
	for len(p) > 0 {
		i, at := off/chunkSize, int(off%chunkSize)
		n := min(len(p), chunkSize-at)
		c.chunks[i] = patch(c.chunks[i], p[:n], at)
		p, off = p[n:], off+int64(n)
	}
	return total, nil
}

// patch writes p into a chunk, growing it as needed but never beyond chunkSize.
func patch(chunk, p []byte, at int) []byte {
	if grow := at + len(p) - len(chunk); grow > 0 {
		if at+len(p) > cap(chunk) && len(chunk) > 0 {
			// The file is growing: the next writes will want the rest.
			chunk = append(make([]byte, 0, chunkSize), chunk...)
		}
		chunk = append(chunk, make([]byte, grow)...)
	}
	copy(chunk[at:], p)
	return chunk
}

// Truncate sets the size; a longer file is filled with zeros.
func (f *File) Truncate(size int64) error {
	if f.disk != nil {
		return folder{}.as("truncate", f.disk.Name(), f.disk.Truncate(size))
	}
	c := f.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.resize(size); err != nil {
		return err
	}
	c.written = time.Now()
	keep := (size + chunkSize - 1) / chunkSize
	for int64(len(c.chunks)) < keep {
		c.chunks = append(c.chunks, nil)
	}
	clear(c.chunks[keep:])
	c.chunks = c.chunks[:keep]
	if last := size % chunkSize; last != 0 {
		if chunk := c.chunks[keep-1]; int64(len(chunk)) > last {
			clear(chunk[last:])
			c.chunks[keep-1] = chunk[:last]
		}
	}
	return nil
}
