package fleet

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// manifest is what is stored of the files of a job: the objects that make them, in their
// order. It changes by its revision only, so that a worker that has lost its lease
// changes nothing; an object that no manifest names is nothing.
type manifest struct {
	Owner   string  `json:"owner,omitempty"` // token of the attempt that has the files
	Job     string  `json:"job,omitempty"`   // key of its job
	Objects []piece `json:"objects,omitempty"`
	Serial  int64   `json:"serial"`
}

// piece is an object: what was changed in the folder since the one before.
type piece struct {
	Name string `json:"n"`
	Size int64  `json:"s"`
}

// change is one change of a file, with Size bytes that follow.
type change struct {
	Name string `json:"name"`
	At   int64  `json:"at"` // where the bytes belong; the file ends after them
	Size int64  `json:"size"`
	Gone bool   `json:"gone,omitempty"`
}

// store keeps a folder as objects: what a run must remember, at the other machines too.
type store struct {
	f     *Fleet
	lease *lease
	key   string // of the files
	dir   string

	mu    sync.Mutex
	m     manifest
	rev   uint64
	files map[string]*copied
	next  int // number of the next object
}

// copied is how a file was stored.
type copied struct {
	info fs.FileInfo
	size int64
	tail []byte // the last bytes before size
}

// tailSize is how much of what was stored of a file is compared before its new end alone
// is stored.
const tailSize = 4 << 10

// takeFiles makes the files of a job this attempt's, and its folder what they are.
func (f *Fleet) takeFiles(ctx context.Context, l *lease, dir string) (*store, error) {
	rec := l.record()
	s := &store{f: f, lease: l, key: rec.Job.filesKey(), dir: dir, files: map[string]*copied{}}
	value, rev, _, err := f.get(ctx, filesKey(s.key))
	if err != nil {
		return nil, err
	}
	if rev != 0 {
		if err := json.Unmarshal(value, &s.m); err != nil {
			return nil, &protocols.Error{Op: "fleet", Kind: protocols.KindProtocol, Text: "what job " + rec.Job.ID + " remembers cannot be read"}
		}
	}
	if s.m.Job != "" && s.m.Job != l.key {
		if other, _, _, err := f.record(ctx, s.m.Job); err != nil {
			return nil, err
		} else if other != nil && other.State == Running && other.Token == s.m.Owner && !gone(other) {
			return nil, &protocols.Error{Op: "fleet", Kind: protocols.KindTemporary, Retryable: true, Sentinel: protocols.ErrBusy, Text: "job " + other.Job.ID + " runs with the same source and destination"}
		}
	}
	s.m.Owner, s.m.Job = rec.Token, l.key
	if s.rev, err = f.putManifest(ctx, s.key, &s.m, rev); err != nil {
		return nil, err
	}
	return s, s.restore(ctx)
}

func (f *Fleet) putManifest(ctx context.Context, key string, m *manifest, rev uint64) (uint64, error) {
	m.Serial++
	b, err := json.Marshal(m)
	if err != nil {
		return 0, err
	}
	return f.put(ctx, filesKey(key), b, rev)
}

// restore makes the folder from the objects.
func (s *store) restore(ctx context.Context) error {
	if err := errors.Join(os.RemoveAll(s.dir), os.MkdirAll(s.dir, 0o700)); err != nil {
		return err
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, p := range s.m.Objects {
		var b []byte
		if err := s.f.steady(ctx, func(ctx context.Context) (err error) {
			b, err = s.f.files.GetBytes(ctx, p.Name)
			return err
		}); err != nil {
			return protocols.Wrap(fmt.Errorf("what an earlier run remembered, %s: %w", p.Name, err), "", "fleet", "")
		}
		if err := apply(root, b); err != nil {
			return err
		}
	}
	return s.scan(func(name string, info fs.FileInfo) error {
		c := &copied{info: info, size: info.Size()}
		s.files[name] = c
		return c.remember(filepath.Join(s.dir, name))
	})
}

// apply makes the changes that an object holds.
func apply(root *os.Root, object []byte) error {
	r := bufio.NewReader(bytes.NewReader(object))
	for {
		line, err := r.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return nil
		}
		var c change
		if err == nil {
			err = json.Unmarshal(line, &c)
		}
		if err == nil {
			err = c.apply(root, r)
		}
		if err != nil {
			return protocols.Wrap(fmt.Errorf("what an earlier run remembered cannot be made again: %w", err), "", "fleet", "")
		}
	}
}

func (c *change) apply(root *os.Root, r io.Reader) error {
	name := filepath.FromSlash(c.Name)
	if c.Gone {
		return root.Remove(name)
	}
	if dir := filepath.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	f, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(c.At); err != nil {
		return err
	}
	_, err = io.Copy(io.NewOffsetWriter(f, c.At), io.LimitReader(r, c.Size))
	return err
}

// scan calls each for all files of the folder.
func (s *store) scan(each func(name string, info fs.FileInfo) error) error {
	return filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !d.Type().IsRegular() || file.IsPart(d.Name()) {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // went away meanwhile
		}
		name, rerr := filepath.Rel(s.dir, path)
		if err := errors.Join(err, rerr); err != nil {
			return err
		}
		return each(name, info)
	})
}

// remember keeps the end of what was stored.
func (c *copied) remember(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	c.tail = make([]byte, min(c.size, tailSize))
	_, err = f.ReadAt(c.tail, c.size-int64(len(c.tail)))
	return err
}

// grown reports whether a file is what was stored, with more after it.
func (c *copied) grown(f *os.File, info fs.FileInfo) bool {
	if c == nil || !os.SameFile(c.info, info) || info.Size() < c.size {
		return false
	}
	now := make([]byte, len(c.tail))
	_, err := f.ReadAt(now, c.size-int64(len(now)))
	return err == nil && bytes.Equal(now, c.tail)
}

// The bounds of what is stored in pieces before the folder is stored anew as a whole.
const (
	maxPieces  = 48
	mostPieces = 400
)

// safe stores what has changed in the folder. When it returns nil all of it is at the
// broker, and this attempt still has the job: what the files speak of may be done.
func (s *store) safe(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.lease.Alive(); err != nil {
		return err
	}
	within, cancel := context.WithDeadline(ctx, *s.lease.until.Load())
	defer cancel()
	whole := s.tooMany()
	now, object, err := s.changes(whole)
	if err != nil {
		return protocols.Wrap(err, "", "fleet", "")
	}
	next := s.m
	next.Objects = slices.Clone(s.m.Objects)
	if len(object) > 0 {
		s.next++
		p := piece{fmt.Sprintf("%s/%s-%d", s.key, s.m.Owner, s.next), int64(len(object))}
		if err := s.f.steady(within, func(ctx context.Context) error {
			_, err := s.f.files.PutBytes(ctx, p.Name, object)
			return err
		}); err != nil {
			return err
		}
		if whole {
			next.Objects = nil
		}
		next.Objects = append(next.Objects, p)
	}
	// Also when nothing has changed: it proves that the job is still this attempt's.
	rev, err := s.f.putManifest(within, s.key, &next, s.rev)
	if errors.Is(err, errLost) {
		s.lease.lose(s.f.whoTook(ctx, s.lease.key))
		return s.lease.Alive()
	}
	if err != nil {
		return err
	}
	old := s.m.Objects
	s.m, s.rev, s.files = next, rev, now
	if whole {
		for _, p := range old {
			_ = s.f.files.Delete(within, p.Name) // nobody needs it
		}
	}
	return s.lease.Alive()
}

// tooMany reports whether the pieces have become so many that one is better.
func (s *store) tooMany() bool {
	if len(s.m.Objects) < maxPieces {
		return false
	}
	var later int64
	for _, p := range s.m.Objects[1:] {
		later += p.Size
	}
	return later > s.m.Objects[0].Size || len(s.m.Objects) >= mostPieces
}

// changes returns what has changed since the folder was last stored, or all of it, and
// how the files are then stored.
func (s *store) changes(whole bool) (map[string]*copied, []byte, error) {
	now := map[string]*copied{}
	var out bytes.Buffer
	err := s.scan(func(name string, info fs.FileInfo) error {
		f, err := os.Open(filepath.Join(s.dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		defer f.Close()
		before := s.files[name]
		at := int64(0)
		if !whole && before.grown(f, info) {
			at = before.size
		}
		if at > 0 && at == info.Size() {
			now[name] = before
			return nil
		}
		c := &copied{info: info, size: info.Size()}
		now[name] = c
		if err := put(&out, f, change{Name: filepath.ToSlash(name), At: at, Size: c.size - at}); err != nil {
			return err
		}
		return c.remember(filepath.Join(s.dir, name))
	})
	for name := range s.files {
		if now[name] == nil && !whole {
			err = errors.Join(err, put(&out, nil, change{Name: filepath.ToSlash(name), Gone: true}))
		}
	}
	return now, out.Bytes(), err
}

func put(out *bytes.Buffer, f *os.File, c change) error {
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	out.Write(line)
	out.WriteByte('\n')
	if c.Size == 0 {
		return nil
	}
	n, err := io.Copy(out, io.NewSectionReader(f, c.At, c.Size))
	if err == nil && n < c.Size {
		err = io.ErrUnexpectedEOF // it became shorter meanwhile
	}
	return err
}
