package imap

import (
	"context"
	"io"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapstore"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

var (
	_ protocols.MessageTarget = (*Client)(nil)
	_ protocols.StateKeeper   = (*Client)(nil)
)

// Files opens, renames and removes the files in which a client keeps what must outlive
// a run, all of them in Settings.StateDir.
type Files interface {
	// Open opens the file at path for this process alone, or makes it, with the
	// folders above it. If another process has it open, the error has class
	// [protocols.ErrBusy]. The client closes the file.
	Open(path string) (File, error)
	// Remove removes a file.
	Remove(path string) error
	// Rename moves the file at from, which is open, to the path to, and replaces the
	// file there. Whoever opens to sees either the old or the new one, whole.
	Rename(from, to string) error
}

// File is a file of [Files]; an *os.File is one.
type File interface {
	io.ReadWriteSeeker
	io.Closer
	Truncate(size int64) error
	Sync() error
}

// SpoolFile is a place for one large message on its way to the server. The client
// closes it.
type SpoolFile interface {
	io.Writer
	io.ReaderAt
	io.Closer
}

// OpenArchive opens a mailbox to store messages in; it is made when it is missing.
// Messages are stored byte for byte (with CRLF as line end); which of them has which
// key is remembered in a file in Settings.StateDir, or, without Settings.Files, for
// as long as the archive is open only. What a killed run has sent is looked for
// there by its content, and has its key then. Other verbs may be used between the
// archive's.
func (c *Client) OpenArchive(ctx context.Context, text string, o *protocols.ArchiveOptions) (protocols.Archive, error) {
	if o == nil {
		o = &protocols.ArchiveOptions{}
	}
	n, err := parseFor(c, text)
	if err == nil && (n.Mailbox == "" || n.UIDs() != "") {
		err = protocols.UsageError(proto, "sync", "the URL must name a mailbox, not a message in it")
	}
	if err != nil {
		return nil, c.wrap(err, "sync", text)
	}
	store := &imapstore.Store{
		State: stateOf(c), Spool: c.Settings.spool(), Late: c.late, Wrap: c.wrap,
		Step: func(ctx context.Context, name string, f func(ctx context.Context, s *session.Session) error) error {
			return runOn(ctx, c, "sync", name, f)
		},
		Settle: func(s *session.Session) {
			if s.Over() || s.Failed() != nil {
				c.line.Drop(s)
			}
		},
	}
	a, err := store.Open(ctx, text, n, o)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// StatePath returns the path of the local file in which a sync into a mailbox
// remembers what it has stored, in Settings.StateDir: a mailbox has no place for it.
func (c *Client) StatePath(text, source string) (string, error) {
	n, err := parseFor(c, text)
	if err == nil && c.Settings.StateDir == "" {
		err = protocols.UsageError(proto, "sync", "no folder is set for what a sync must remember")
	}
	if err != nil {
		return "", c.wrap(err, "sync", text)
	}
	return stateOf(c).Path(n.Mailbox, source), nil
}

// stateOf returns where the files about the account's mailboxes are.
func stateOf(c *Client) *imapstore.State {
	host, port := protocols.HostPort(c.line.URL, c.line.Scheme)
	return &imapstore.State{Dir: c.Settings.StateDir, Account: c.line.URL.User.Username() + "@" + host + "_" + port, Files: stateFiles(c.Settings.Files)}
}

func stateFiles(files Files) *imapstore.Files {
	if files == nil {
		return nil
	}
	return &imapstore.Files{
		Open:   func(path string) (imapstore.File, error) { return files.Open(path) },
		Remove: files.Remove, Rename: files.Rename,
	}
}

// spool returns the Spool setting as package imapstore takes it.
func (s *Settings) spool() func() (imapstore.SpoolFile, error) {
	if s.Spool == nil {
		return nil
	}
	return func() (imapstore.SpoolFile, error) { return s.Spool() }
}
