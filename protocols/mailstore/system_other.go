//go:build !unix

package mailstore

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/netclients/netclients/protocols/file"
)

// mailFolder is a folder of a maildir.
type mailFolder struct {
	path string
	lock *os.File // nil unless the folder is held
}

func openFolder(_ context.Context, path string) (mailFolder, error) {
	return mailFolder{path: path}, nil
}

// hold takes the maildir for this process until it is closed. Folders cannot be
// locked here: a file in tmp stands for them, under a name that no listing shows.
func (o *openFolders) hold() error {
	f, err := os.OpenFile(o.tmp.at(".netclients-lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return localError(err)
	}
	o.tmp.lock = f
	return file.Hold(f, o.dir)
}

func (m mailFolder) at(name string) string { return filepath.Join(m.path, name) }

func (m mailFolder) create(name string) (*os.File, error) {
	return os.OpenFile(m.at(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

func (m mailFolder) stamp(name string, when time.Time) error {
	return os.Chtimes(m.at(name), time.Time{}, when)
}

func (m mailFolder) move(name string, to mailFolder, as string) error {
	return os.Rename(m.at(name), to.at(as))
}

// Sync: names are written when the system likes; folders cannot be forced.
func (m mailFolder) Sync() error { return nil }

// Close gives up the lock; the folder itself is not open.
func (m mailFolder) Close() error {
	if m.lock == nil {
		return nil
	}
	return m.lock.Close()
}

func syncFolder(string) error { return nil }

// replacesOpen: a file that is open does not give up its name here.
const replacesOpen = false

// ended: where this is unknown, the owner of a lock lives; the user removes the
// lock file of one that does not.
func ended(int) bool { return false }

// fcntlLock: the dot-lock alone keeps others away.
func fcntlLock(*os.File) (bool, error) { return true, nil }
