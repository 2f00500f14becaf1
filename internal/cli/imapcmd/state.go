package imapcmd

import (
	"context"
	"os"
	"path/filepath"

	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/imap"
)

// stateDir returns the folder for what a protocol's syncs must remember, below where
// the XDG base directories have such things. Its parents are made with it.
func stateDir(protocol string) (string, error) {
	dir := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", nil // without a home nothing is remembered: --journal names a file
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "netclients", protocol), nil
}

// stateFiles are the files in which IMAP keeps what must outlive a run.
type stateFiles struct{}

// Open opens or makes a file for this process alone.
func (stateFiles) Open(path string) (imap.File, error) {
	f, err := file.OpenHeld(context.Background(), path) // it is no FIFO, which could block
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Rename puts a file in the place of another.
func (stateFiles) Rename(from, to string) error { return os.Rename(from, to) }

// Remove removes a file.
func (stateFiles) Remove(path string) error { return os.Remove(path) }

// spoolFile makes a file that goes away when it is closed, whatever happens.
func spoolFile() (imap.SpoolFile, error) {
	f, err := os.CreateTemp("", "netclients-*.eml")
	if err != nil {
		return nil, err
	}
	os.Remove(f.Name())
	return f, nil
}
