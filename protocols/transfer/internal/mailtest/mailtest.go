// Package mailtest has what the tests of syncs of messages share.
package mailtest

import (
	"context"
	"os"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/imap"
	"github.com/netclients/netclients/protocols/mailstore"
	"github.com/netclients/netclients/protocols/transfer"
)

// Check ends a test that has failed.
func Check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Files keeps the files of an IMAP client.
type Files struct{}

// Open opens or makes a file for this process alone.
func (Files) Open(path string) (imap.File, error) { return file.OpenHeld(context.Background(), path) }

// Remove removes a file.
func (Files) Remove(path string) error { return os.Remove(path) }

// Rename renames a file.
func (Files) Rename(from, to string) error { return os.Rename(from, to) }

// IMAP is a mailbox of the account at a URL. The folder state has what its clients remember.
func IMAP(url, state, mailbox string) transfer.Endpoint {
	return transfer.Endpoint{Name: mailbox, URL: url, Protocol: "imap", Open: func() (protocols.Client, error) {
		u, err := protocols.ParseURL(url, "")
		if err != nil {
			return nil, err
		}
		c, err := imap.New(u, nil)
		if err == nil {
			c.Settings.StateDir, c.Settings.Files = state, Files{}
		}
		return c, err
	}}
}

// Maildir is the maildir in a folder.
func Maildir(dir string) transfer.Endpoint {
	return transfer.Endpoint{Name: dir, URL: "maildir:" + dir, Protocol: "maildir", Open: func() (protocols.Client, error) { return mailstore.NewMaildir(nil), nil }}
}
