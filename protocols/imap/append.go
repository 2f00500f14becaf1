package imap

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/netclients/netclients/protocols"
)

// Upload is one message to store.
type Upload struct {
	Body  io.Reader
	Flags []string
	Date  time.Time // the internal date; zero: now, as the server thinks
}

// Put stores a message in a mailbox (APPEND), with flags and date of the options.
// Line ends become CRLF. The entry tells its UID, where the server has UIDPLUS.
func (c *Client) Put(ctx context.Context, text string, r io.Reader, o *protocols.PutOptions) (protocols.Entry, error) {
	if o == nil {
		o = &protocols.PutOptions{}
	}
	if o.Offset > 0 {
		return protocols.Entry{}, c.wrap(protocols.Unsupported(proto, "put", "a message is stored whole: there is nothing to go on from"), "put", text)
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

// PutAll stores many messages in one mailbox: in groups that the server takes
// whole or not at all where it has MULTIAPPEND (RFC 3502), and without waiting in
// between where it has LITERAL+. each is called once for every message, in order,
// with its entry or its error; an error that it returns ends the work. An error of
// the iterator ends it too.
func (c *Client) PutAll(ctx context.Context, text string, messages iter.Seq2[Upload, error], each func(i int, e protocols.Entry, err error) error) error {
	n, err := c.parse(text)
	if err == nil && (n.Mailbox == "" || n.UIDs() != "") {
		err = protocols.UsageError(proto, "put", "the URL must name a mailbox, and no message in it")
	}
	if err != nil {
		return c.wrap(err, "put", text)
	}
	return c.do(ctx, "put", text, func(s *session) error {
		a := &appender{s: s, box: n.Mailbox, text: text, each: each}
		defer a.clean()
		for up, err := range messages {
			if err == nil {
				err = a.add(up)
			}
			if err != nil {
				a.flush() // what was taken already is still told of
				return err
			}
		}
		return a.flush()
	})
}
