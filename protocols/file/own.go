package file

import (
	"io/fs"
	"os"
)

// OpenOwn opens a file that an earlier run has left, below dir. In a folder where
// others may write it could be theirs: so anything but a regular file of this
// user, with no other name and not writable by everybody, is an error.
func OpenOwn(dir *os.Root, name string, flag int) (*os.File, error) {
	named, err := dir.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !named.Mode().IsRegular() || !own(named) {
		return nil, foreign(name)
	}
	f, err := dir.OpenFile(name, flag, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !os.SameFile(named, info) { // exchanged meanwhile
		err = foreign(name)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func foreign(name string) error {
	return &fs.PathError{Op: "resume", Path: name, Err: fs.ErrPermission}
}
