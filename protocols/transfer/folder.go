package transfer

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// folder is one folder of the destination while anything in it is at work.
type folder struct {
	up      *folder // nil for the top
	rel     string  // from the top, slashes between; empty for the top
	name    string  // for the destination's verbs
	own     string  // last component
	mode    fs.FileMode
	exists  bool
	dir     *os.Root // local destination: open once the folder exists
	holders atomic.Int32
}

// hold keeps the folder open for one more job.
func (f *folder) hold() { f.holders.Add(1) }

// release lets go of it; the last one closes it.
func (f *folder) release() {
	if f.holders.Add(-1) == 0 && f.dir != nil && f.up != nil {
		f.dir.Close()
	}
}

// below makes the record of a folder in f. It touches nothing.
func (f *folder) below(own string, mode fs.FileMode, exists bool) *folder {
	n := &folder{up: f, rel: joinName(f.rel, own), name: joinName(f.name, own), own: own, mode: mode, exists: exists}
	n.hold()
	return n
}

// joinName appends a component to a name of a client.
func joinName(name, own string) string {
	if name == "" || strings.HasSuffix(name, "/") {
		return name + own
	}
	return name + "/" + own
}

// open opens a folder of a local destination that exists.
func (f *folder) open() error {
	if f.dir != nil || f.up == nil || f.up.dir == nil {
		return nil
	}
	// A link would be followed inside the tree; the listing has said that it is none,
	// and this says so again, nearer to the opening.
	info, err := f.up.dir.Lstat(f.own)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: f.rel, Err: errors.New("not a folder")}
	}
	if err != nil {
		return err
	}
	f.dir, err = f.up.dir.OpenRoot(f.own)
	return err
}

// ensure makes the folder, and those above it, when they are missing.
func (s *treeSync) ensure(ctx context.Context, f *folder) error {
	if s.o.DryRun || f.exists && (s.local == nil || f.dir != nil) {
		return nil
	}
	if f.up != nil {
		if err := s.ensure(ctx, f.up); err != nil {
			return err
		}
	}
	if s.local == nil {
		return s.makeRemote(ctx, f)
	}
	if !f.exists && f.up != nil {
		mode := fs.FileMode(0o777)
		if f.mode != 0 {
			mode = f.mode.Perm() | 0o700
		}
		if err := f.up.dir.Mkdir(f.own, mode); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	f.exists = true
	return f.open()
}

func (s *treeSync) makeRemote(ctx context.Context, f *folder) error {
	err := s.with(ctx, s.dst, func(c protocols.Client) error {
		if f.up != nil {
			return known(protocols.Make(ctx, c, f.name))
		}
		return makeAll(ctx, c, f.name)
	})
	f.exists = err == nil
	return err
}

// known: a folder that is there already is as good as one just made.
func known(err error) error {
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// makeAll makes a folder and those above it. Servers do not tell "exists already"
// from other refusals, so what counts is whether the last one can be listed.
func makeAll(ctx context.Context, c protocols.Client, name string) error {
	if strings.Trim(name, "/") == "" {
		return nil
	}
	err := protocols.Make(ctx, c, name)
	if err == nil || errors.Is(err, fs.ErrExist) || protocols.KindOf(err) != protocols.KindRefused {
		return known(err)
	}
	for i := 1; i < len(name); i++ {
		if name[i] == '/' && name[i-1] != '/' {
			_ = protocols.Make(ctx, c, name[:i]) // those that are there refuse
		}
	}
	if protocols.Make(ctx, c, name) == nil {
		return nil
	}
	for _, lerr := range protocols.List(ctx, c, name) {
		if lerr != nil {
			return err
		}
		break
	}
	return nil
}

// openTop finds the destination's top folder.
func (s *treeSync) openTop(ctx context.Context) (*folder, error) {
	from, err := s.source()
	if err != nil {
		return nil, err
	}
	top := &folder{name: s.to.Name}
	top.hold()
	c, err := s.to.Open()
	if err != nil {
		return nil, err
	}
	local, ok := protocols.As[*file.Client](c)
	if !ok {
		c.Close()
		return top, nil
	}
	s.local = local
	if err := s.apart(from, local); err != nil {
		return nil, err
	}
	if !s.o.DryRun {
		if err := makeLocal(ctx, local, top.name); err != nil {
			return nil, err
		}
	}
	root, err := local.Root()
	if err == nil && top.name != "" {
		root, err = root.OpenRoot(top.name)
	}
	if s.o.DryRun && errors.Is(err, fs.ErrNotExist) {
		return top, nil
	}
	if err != nil {
		return nil, err
	}
	top.dir, top.exists = root, true
	return top, nil
}

// source looks at what kind of place the source is. The path is that of a local one,
// else empty.
func (s *treeSync) source() (path string, err error) {
	c, err := s.from.Open()
	if err != nil {
		return "", err
	}
	defer c.Close()
	s.fromLocal = protocols.IsLocal(c)
	if local, ok := protocols.As[*file.Client](c); ok {
		path = filepath.Join(local.Path(), s.from.Name)
	}
	return path, nil
}

// apart refuses a destination inside of a local source: it would grow for ever.
func (s *treeSync) apart(from string, to *file.Client) error {
	if from == "" {
		return nil
	}
	a, aerr := filepath.Abs(from)
	b, berr := filepath.Abs(filepath.Join(to.Path(), s.to.Name))
	if rel, err := filepath.Rel(a, b); aerr == nil && berr == nil && err == nil && filepath.IsLocal(rel) {
		return protocols.UsageError("", "", "the destination is the source or inside of it")
	}
	return nil
}

func makeLocal(ctx context.Context, c *file.Client, name string) error {
	if err := c.Make(ctx, ""); err != nil || name == "" {
		return err
	}
	root, err := c.Root()
	if err != nil {
		return err
	}
	return root.MkdirAll(name, 0o777)
}

// lockTop takes a local top folder for this run alone.
func (s *treeSync) lockTop(top *folder) error {
	if s.o.DryRun || top.dir == nil {
		return nil
	}
	f, err := top.dir.Open(".")
	if err != nil {
		return err
	}
	s.held = f
	return file.Hold(f, s.to.URL)
}
