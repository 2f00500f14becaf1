package file

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
)

// Replace writes a small file as a whole: under a temporary name in its folder, which is
// then given the name. A file that is there keeps its mode; one behind a symbolic link
// is replaced where it is. The mode of a new file is perm less the umask.
func Replace(ctx context.Context, path string, content []byte, perm fs.FileMode) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	mode := fs.FileMode(0)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	dir, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return wrap(err, "write", path)
	}
	defer dir.Close()
	t, err := CreateTemp(dir, filepath.Base(path), perm)
	if err != nil {
		return wrap(err, "write", path)
	}
	t.Mode = mode
	if _, err := t.Write(content); err != nil {
		t.Abort()
		return wrap(err, "write", path)
	}
	if err := t.Store(Group); err != nil {
		return wrap(err, "write", path)
	}
	return nil
}
