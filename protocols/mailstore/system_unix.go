//go:build unix

package mailstore

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netclients/netclients/protocols/file"
)

// mailFolder is an open folder of a maildir.
type mailFolder struct {
	*os.File
	fd int
}

// openFolder opens a folder of a maildir, through no link of another user: mail would
// be written where that user wants it.
func openFolder(ctx context.Context, path string) (mailFolder, error) {
	f, err := file.Open(ctx, path, file.RuleFolder, os.O_RDONLY, 0)
	if err != nil {
		return mailFolder{}, err
	}
	return mailFolder{f, int(f.Fd())}, nil
}

// hold takes the maildir for this process until it is closed.
func (o *openFolders) hold() error { return file.Hold(o.tmp.File, o.dir) }

// again repeats a call of the system that a signal has interrupted.
func again(f func() error) error {
	for {
		if err := f(); err != unix.EINTR {
			return err
		}
	}
}

func (m mailFolder) failed(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: filepath.Join(m.Name(), name), Err: err}
}

// create makes a file that is only written. It is not an os.File: such a one is asked
// for its flags and watched by the collector, which costs more than small messages.
func (m mailFolder) create(name string) (newFile, error) {
	f := newFile{folder: m, name: name}
	err := again(func() (err error) {
		f.fd, err = unix.Openat(m.fd, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
		return err
	})
	return f, m.failed("open", name, err)
}

// stamp sets the times of a file.
func (m mailFolder) stamp(name string, when time.Time) error {
	ts := unix.NsecToTimespec(when.UnixNano())
	return m.failed("chtimes", name, unix.UtimesNanoAt(m.fd, name, []unix.Timespec{ts, ts}, 0))
}

// move renames a message to its place.
func (m mailFolder) move(name string, to mailFolder, as string) error {
	return m.failed("rename", name, again(func() error { return unix.Renameat(m.fd, name, to.fd, as) }))
}

// newFile is a file that is being written.
type newFile struct {
	fd     int
	folder mailFolder
	name   string
}

func (f newFile) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		err = again(func() (err error) {
			m, err = unix.Write(f.fd, p[n:])
			return err
		})
		n += max(m, 0)
	}
	return n, f.folder.failed("write", f.name, err)
}

// Sync forces the file to the disk.
func (f newFile) Sync() error {
	return f.folder.failed("sync", f.name, again(func() error { return unix.Fsync(f.fd) }))
}

// Close is not repeated: the number may be that of another file by then.
func (f newFile) Close() error { return f.folder.failed("close", f.name, unix.Close(f.fd)) }

// replacesOpen: a file can be replaced while it is open, and its lock holds until then.
const replacesOpen = true

// syncFolder forces the names in a folder to the disk.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// ended reports whether no process has that number.
func ended(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// fcntlLock tries to lock a file for this process.
func fcntlLock(f *os.File) (bool, error) {
	err := syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart})
	switch {
	case errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES):
		return false, nil
	case errors.Is(err, syscall.ENOLCK) || errors.Is(err, syscall.ENOTSUP):
		return true, nil // a file system without locks
	}
	return err == nil, err
}
