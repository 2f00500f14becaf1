// Package imapstore keeps archives of messages in IMAP mailboxes: [Archive] is what
// a sync writes to, [Appender] stores messages with few commands. What must outlive a
// run is kept in local files ([State]): the keys of stored messages, and the start
// of a large message that is on its way ([Partial]).
package imapstore

import (
	"io"
	"net/url"
	"path/filepath"
	"strings"
)

// proto is the name of the protocol in errors and entries.
const proto = "imap"

// File is an open file; an *os.File is one.
type File interface {
	io.ReadWriteSeeker
	io.Closer
	Truncate(size int64) error
	Sync() error
}

// Files opens, removes and renames files.
type Files struct {
	Open   func(path string) (File, error) // for this process alone; makes it and the folders above it
	Remove func(path string) error
	Rename func(from, to string) error // replaces to at once
}

// State is where the files about an account's mailboxes are.
type State struct {
	Dir     string
	Account string
	Files   *Files // nil: nothing is kept
}

// Path returns the path of a file about a mailbox.
func (s *State) Path(mailbox, what string) string {
	return filepath.Join(s.Dir, fileName(s.Account)+"_"+fileName(mailbox)+"_"+what)
}

// open opens a file about a mailbox; nil when nothing is to be kept.
func (s *State) open(mailbox, what string) (File, error) {
	if s.Files == nil || s.Dir == "" {
		return nil, nil
	}
	return s.Files.Open(s.Path(mailbox, what))
}

func (s *State) remove(mailbox, what string) { _ = s.Files.Remove(s.Path(mailbox, what)) }

// maxFileName bounds a part of a file name: common file systems take 255 bytes for
// all of it.
const maxFileName = 90

// fileName makes a safe part of a file name of any text.
func fileName(s string) string {
	s = strings.ReplaceAll(url.PathEscape(s), ".", "%2E")
	return s[:min(len(s), maxFileName)]
}
