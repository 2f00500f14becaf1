package transfer

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// backup keeps what a sync replaces or deletes at the destination, under the same names
// below another folder. The methods of a nil one do nothing.
type backup struct {
	s    *treeSync
	name string   // of the folder, for the verbs of a destination on a server
	root *os.Root // the folder of a local destination
}

// openBackup makes the folder for backups. A relative one lies in the destination, and is
// then no part of the tree.
func (s *treeSync) openBackup(top *folder) (err error) {
	dir := s.o.BackupDir
	if dir == "" {
		return nil
	}
	if rel := path.Clean(filepath.ToSlash(dir)); !strings.HasPrefix(rel, "/") && !filepath.IsAbs(dir) && filepath.IsLocal(filepath.FromSlash(rel)) {
		if rel == "." {
			return protocols.UsageError("", "", "the folder for backups is the destination itself")
		}
		s.filter.own = rel
	}
	if s.o.DryRun {
		return nil
	}
	b := &backup{s: s}
	if s.local == nil {
		if b.name = dir; !strings.HasPrefix(dir, "/") {
			b.name = path.Join(cmp.Or(s.to.Name, "."), dir)
		}
		s.backup = b
		return nil
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(top.dir.Name(), dir)
	}
	if err = os.MkdirAll(dir, 0o777); err == nil {
		b.root, err = os.OpenRoot(dir)
	}
	s.backup = b
	return err
}

func (b *backup) close() {
	if b != nil && b.root != nil {
		b.root.Close()
	}
}

// keepLocal copies a file or link of a local folder before it is replaced or deleted. One
// that is not there is none to keep.
func (b *backup) keepLocal(dir *os.Root, name, rel string) error {
	if b == nil {
		return nil
	}
	info, err := dir.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return nil // what is in it is kept by itself
	}
	rel = filepath.FromSlash(rel)
	if err := b.root.MkdirAll(filepath.Dir(rel), 0o777); err != nil {
		return backupError(err)
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := dir.Readlink(name)
		if err == nil {
			_ = b.root.Remove(rel)
			err = b.root.Symlink(target, rel)
		}
		return backupError(err)
	}
	return backupError(b.copyFile(dir, name, rel, info))
}

func (b *backup) copyFile(dir *os.Root, name, rel string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return &fs.PathError{Op: "back up", Path: name, Err: errors.New("not a regular file")}
	}
	from, err := dir.Open(name)
	if err != nil {
		return err
	}
	defer from.Close()
	t, err := file.CreateTemp(b.root, rel, info.Mode().Perm())
	if err != nil {
		return err
	}
	t.Mode, t.Modified = info.Mode().Perm(), info.ModTime()
	if _, err := io.Copy(t.File, from); err != nil {
		t.Abort()
		return err
	}
	return t.Store(b.s.o.Durability)
}

// move takes an object of a server away to the folder for backups. It reports whether
// there was one. An older backup of the name makes room.
func (b *backup) move(ctx context.Context, c protocols.Client, name, rel string) (moved bool, err error) {
	if b == nil {
		return false, nil
	}
	if _, err := protocols.Stat(ctx, c, name); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	at := b.at(rel)
	if err := makeAll(ctx, c, path.Dir(at)); err != nil {
		return false, backupError(err)
	}
	err = protocols.Move(ctx, c, name, at)
	if protocols.KindOf(err) == protocols.KindRefused && protocols.Remove(ctx, c, at) == nil {
		err = protocols.Move(ctx, c, name, at)
	}
	return err == nil, backupError(err)
}

// restore moves an object back whose successor could not be stored. Where that fails too
// it is in the folder for backups.
func (b *backup) restore(ctx context.Context, name, rel string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweepWithin)
	defer cancel()
	err := b.s.dst.Do(ctx, func(c protocols.Client) error { return protocols.Move(ctx, c, b.at(rel), name) })
	if err != nil {
		b.s.o.note("cannot move %s back from the folder for backups: %v", name, err)
	}
}

func (b *backup) at(rel string) string { return joinName(b.name, rel) }

// backupError says that it is the backup that failed: nothing was replaced or deleted.
func backupError(err error) error {
	if err == nil {
		return nil
	}
	return &protocols.Error{Kind: protocols.KindOf(err), Text: "no backup could be made, so the old one stays as it is", Err: err}
}
