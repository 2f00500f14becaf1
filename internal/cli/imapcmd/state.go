package imapcmd

import (
	"context"
	"os"

	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/imap"
)

// stateFiles are the files in which IMAP keeps what must outlive a run.
type stateFiles struct{}

// Open opens or makes a file for this process alone.
func (stateFiles) Open(path string) (imap.File, error) {
	f, err := file.OpenHeld(context.Background(), path) // it is not a FIFO, which could block
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Rename puts a file in the place of another.
func (stateFiles) Rename(from, to string) error { return os.Rename(from, to) }

// Remove removes a file.
func (stateFiles) Remove(path string) error { return os.Remove(path) }

// sharedFiles are files that must be safe at other machines too.
type sharedFiles struct {
	stateFiles
	safe func() error
}

// Open opens or makes a file whose Sync makes it safe there.
func (s sharedFiles) Open(path string) (imap.File, error) {
	f, err := s.stateFiles.Open(path)
	if err != nil || s.safe == nil {
		return f, err
	}
	return sharedFile{f, s.safe}, nil
}

type sharedFile struct {
	imap.File
	safe func() error
}

func (f sharedFile) Sync() error { return f.safe() }

// spoolFile makes a file that goes away when it is closed, whatever happens.
func spoolFile() (imap.SpoolFile, error) {
	f, err := os.CreateTemp("", "netclients-*.eml")
	if err != nil {
		return nil, err
	}
	os.Remove(f.Name())
	return f, nil
}
