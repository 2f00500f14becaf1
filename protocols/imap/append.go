package imap

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapstore"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// Upload is one message to store.
type Upload struct {
	Body  io.Reader
	Flags []string
	Date  time.Time // the internal date; zero: now, as the server thinks
}

// Put stores a message in a mailbox (APPEND), with flags and date of the options.
// Line ends become CRLF. The entry has the message's UID if the server supports
// UIDPLUS.
func (c *Client) Put(ctx context.Context, text string, r io.Reader, o *protocols.PutOptions) (protocols.Entry, error) {
	if o == nil {
		o = &protocols.PutOptions{}
	}
	if o.Offset > 0 {
		return protocols.Entry{}, c.wrap(protocols.Unsupported(proto, "put", "a message is stored whole: an upload cannot be resumed"), "put", text)
	}
	up := Upload{Body: r, Flags: o.Flags, Date: o.Modified}
	var stored protocols.Entry
	one := func(yield func(Upload, error) bool) { yield(up, nil) }
	err := c.PutAll(ctx, text, one, func(_ int, e protocols.Entry, err error) error {
		stored = e
		return err
	})
	return stored, err
}

// PutAll stores many messages in one mailbox: in groups that the server stores
// whole or not at all if it supports MULTIAPPEND (RFC 3502), and without waiting in
// between if it supports LITERAL+. each is called once for every message, in order,
// with its entry or its error; an error that it returns ends the work. An error of
// the iterator ends it too.
func (c *Client) PutAll(ctx context.Context, text string, messages iter.Seq2[Upload, error], each func(i int, e protocols.Entry, err error) error) error {
	n, err := parseFor(c, text)
	if err == nil && (n.Mailbox == "" || n.UIDs() != "") {
		err = protocols.UsageError(proto, "put", "the URL must name a mailbox, not a message in it")
	}
	if err != nil {
		return c.wrap(err, "put", text)
	}
	return runOn(ctx, c, "put", text, func(ctx context.Context, s *session.Session) error {
		a := &imapstore.Appender{Session: s, Mailbox: n.Mailbox, Name: text, Create: c.Settings.Create, Spool: c.Settings.spool(), Each: each}
		a.Wrap = func(err error) error { return c.wrap(err, "put", text) }
		defer a.Clean()
		for up, err := range messages {
			if err == nil {
				err = a.Add(imapstore.Upload(up))
			}
			if err != nil {
				_ = a.Flush() // what was taken already is still reported
				return err
			}
		}
		return a.Flush()
	})
}
