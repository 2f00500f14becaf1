//go:build !unix

package mailstore

import "os"

// create makes a file that is only written.
func create(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

func rename(from, to string) error { return os.Rename(from, to) }

// heldByAnother: without advisory locks two runs at once are not noticed.
func heldByAnother(*os.File) bool { return false }

// ended: where it cannot be told, the owner of a lock lives; the user removes the
// lock file of one that does not.
func ended(int) bool { return false }

// fcntlLock: the dot-lock alone keeps others away.
func fcntlLock(*os.File) (bool, error) { return true, nil }
