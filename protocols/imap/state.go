package imap

import (
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/netclients/netclients/protocols"
)

var _ protocols.StateKeeper = (*Client)(nil)

// Files opens, renames and removes the files in which a client keeps what must outlive a
// run, all of them in Settings.StateDir.
type Files interface {
	// Open opens the file at path for this process alone, or makes it, with the
	// folders above it. When another process has it open the error has class
	// [protocols.ErrBusy]. The client closes the file.
	Open(path string) (File, error)
	// Remove removes a file.
	Remove(path string) error
	// Rename returns the file at from, which is open, the path to; one that is there
	// is replaced. Whoever opens to sees either the old or the new one, whole.
	Rename(from, to string) error
}

// File is a file of [Files]; an *os.File is one.
type File interface {
	io.ReadWriteSeeker
	io.Closer
	Truncate(size int64) error
	Sync() error
}

// StatePath returns the path of the local file in which a sync into a mailbox
// remembers what it has stored, in Settings.StateDir: a mailbox has no place for it.
func (c *Client) StatePath(text, source string) (string, error) {
	n, err := c.parse(text)
	if err == nil && c.Settings.StateDir == "" {
		err = protocols.UsageError(proto, "sync", "no folder is named for what a sync must remember")
	}
	if err != nil {
		return "", c.wrap(err, "sync", text)
	}
	return c.stateFile(n.Mailbox, source), nil
}

// stateFile returns the path of a file about a mailbox.
func (c *Client) stateFile(mailbox, what string) string {
	host, port := protocols.HostPort(c.url, c.scheme)
	name := fileName(c.url.User.Username()+"@"+host+"_"+port) + "_" + fileName(mailbox) + "_" + what
	return filepath.Join(c.Settings.StateDir, name)
}

// openState opens a file about a mailbox; nil when nothing is to be kept.
func (c *Client) openState(mailbox, what string) (File, error) {
	if c.Settings.Files == nil || c.Settings.StateDir == "" {
		return nil, nil
	}
	return c.Settings.Files.Open(c.stateFile(mailbox, what))
}

// mostFileName bounds a part of a file name: 255 bytes are what common file
// systems take for all of it.
const mostFileName = 90

// fileName makes a safe part of a file name of any text.
func fileName(s string) string {
	s = strings.ReplaceAll(url.PathEscape(s), ".", "%2E")
	return s[:min(len(s), mostFileName)]
}
