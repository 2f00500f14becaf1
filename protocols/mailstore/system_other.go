//go:build !unix

package mailstore

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

// mailFolder is a folder of a maildir.
type mailFolder struct{ path string }

func openFolder(_ context.Context, path string) (mailFolder, error) { return mailFolder{path}, nil }

// hold: without advisory locks two runs at once are not noticed.
func (o *openFolders) hold() error { return nil }

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

// Close does nothing.
func (m mailFolder) Close() error { return nil }

func syncFolder(string) error { return nil }

// ended: where this is unknown, the owner of a lock lives; the user removes the
// lock file of one that does not.
func ended(int) bool { return false }

// fcntlLock: the dot-lock alone keeps others away.
func fcntlLock(*os.File) (bool, error) { return true, nil }
