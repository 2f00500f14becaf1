// Package mailstore reads and writes mail on local disks: maildirs and mbox files.
// Both are clients in the sense of package protocols, so that they can be listed,
// read, written and synchronised like mailboxes on servers. It implements no RFC
// but the default format of RFC 4155 for mbox, with the quoting known as mboxrd.
//
// # URLs
//
// maildir:DIR is a maildir, maildir:DIR/cur/NAME one message in it. mbox:FILE is an
// mbox, mbox:FILE;MSG=5 its fifth message. Nothing in them is percent-coded; a file
// whose name has control characters is listed, but no URL names it.
//
// # What is kept
//
// Messages are kept byte for byte as they were given, CRLF line ends included: mail
// programs and libraries read both kinds. What comes out of a store is what went in.
// Flags are letters in the names of a maildir. In an mbox they are fields Status and
// X-Status before the first line of the message, which are not part of it: the line
// "From " says that they are ours, and they are taken off again.
//
// # Whole or absent
//
// A message gets its name in a maildir when all of it is written, and, unless the
// caller wants it otherwise, on the disk: files are forced there one by one, or,
// where many came at once and the file system is known to do that right, together
// (syncfs). To an mbox messages are appended by groups, under a dot-lock and an fcntl lock; an append that was cut off is undone
// by the next run. Names of messages in an archive hold a key (see
// [protocols.Archive]), by which the next run knows what is there.
package mailstore

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// MaildirSpec describes maildirs to the catalog.
func MaildirSpec() *protocols.Spec {
	return spec("maildir", "maildirs on this machine", func(o *protocols.Options) protocols.Client { return NewMaildir(o) })
}

// MboxSpec describes mbox files to the catalog.
func MboxSpec() *protocols.Spec {
	return spec("mbox", "mbox files on this machine", func(o *protocols.Options) protocols.Client { return NewMbox(o) })
}

func spec(name, summary string, open func(*protocols.Options) protocols.Client) *protocols.Spec {
	return &protocols.Spec{
		Name: name, Summary: summary, Hidden: true,
		Schemes: []protocols.Scheme{{Name: name, TLS: protocols.TLSNone}},
		New:     func(_ *url.URL, o *protocols.Options) (protocols.Client, error) { return open(o), nil },
		Path:    func(u *url.URL) (string, error) { return storePath(name, u) },
	}
}

// storePath returns the local path of a URL.
func storePath(proto string, u *url.URL) (string, error) {
	path := u.Path
	if u.Host != "" || path == "" {
		return "", protocols.UsageError(proto, "", "write "+proto+":PATH; it has no host")
	}
	if strings.ContainsRune(path, 0) {
		return "", protocols.UsageError(proto, "", "the path contains a NUL")
	}
	if rest, ok := strings.CutPrefix(path, "~/"); ok { // which a shell leaves after the colon
		home, err := os.UserHomeDir()
		if err != nil {
			return "", &protocols.Error{Proto: proto, Kind: protocols.KindLocal, Err: err}
		}
		path = filepath.Join(home, rest)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", &protocols.Error{Proto: proto, Kind: protocols.KindLocal, Err: err}
	}
	return abs, nil
}

// parent is what both kinds of clients are made of.
type parent struct {
	proto  string
	limits protocols.Limits
	gate   protocols.Gate
}

func newParent(proto string, o *protocols.Options) parent {
	if o == nil {
		o = &protocols.Options{}
	}
	return parent{proto: proto, limits: o.Limits.WithDefaults()}
}

// wrap adds the verb and the URL to an error.
func (p *parent) wrap(err error, op, name string) error {
	if errors.Is(err, errNotMbox) {
		err = localError(err)
	}
	return protocols.Wrap(err, p.proto, op, p.proto+":"+name)
}

// absent is the error for a message that does not exist.
func absent(name string) error {
	return &protocols.Error{Kind: protocols.KindRefused, Sentinel: errNotExist, Text: "no message " + filepath.Base(name)}
}
