package imap

import (
	"context"
	"errors"
	"iter"
	"strconv"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// yielder takes the entries of a listing, one by one. Its error ends the listing.
type yielder func(protocols.Entry) error

// List lists the account (name empty, or a pattern with * or %), with the counts
// of each mailbox, or the messages of a mailbox. "?QUERY" after a mailbox lists
// what a search finds. Messages are streamed, with date, sender, recipients and
// subject; nothing is marked as seen.
func (c *Client) List(ctx context.Context, text string) iter.Seq2[protocols.Entry, error] {
	return listing(ctx, c, "ls", text, func(ctx context.Context, s *session.Session, n *imapwire.Name, yield yielder) error {
		switch {
		case n.Mailbox == "" || isPattern(n.Mailbox):
			return listMailboxes(s, n.Mailbox, false, yield)
		case n.Search != "":
			return listFound(ctx, s, n, n.Search, yield)
		}
		box, err := s.Refresh(n)
		if err != nil {
			return err
		}
		if n.UIDs() != "" {
			return listNamed(ctx, box, n, yield)
		}
		return listSets(ctx, box, "FETCH", box.Steps(), yield)
	})
}

// listing runs a listing as an iterator: the client is busy until the loop ends.
func listing(ctx context.Context, c *Client, op, text string, run func(ctx context.Context, s *session.Session, n *imapwire.Name, yield yielder) error, args ...string) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		n, err := parseFor(c, text)
		if err == nil {
			err = runOn(ctx, c, op, text, func(ctx context.Context, s *session.Session) error {
				return run(ctx, s, n, func(e protocols.Entry) error {
					if !yield(e, nil) {
						return line.ErrStop
					}
					return context.Cause(ctx)
				})
			}, args...)
		} else {
			err = c.wrap(err, op, text)
		}
		if err != nil && !errors.Is(err, line.ErrStop) {
			yield(protocols.Entry{}, err)
		}
	}
}

// listSets fetches one set after the other, with what a listing shows.
func listSets(ctx context.Context, box *session.Mailbox, verb string, sets iter.Seq[string], yield yielder) error {
	return box.Fetch(ctx, verb, sets, box.ListItems(), func(m *imapwire.Message) error {
		if m.UID == 0 || m.Header == "" && m.Size < 0 {
			return nil // news of flags
		}
		return yield(box.Entry(m))
	})
}

// listNamed lists the messages that a name has. One that is named by itself must
// exist.
func listNamed(ctx context.Context, box *session.Mailbox, n *imapwire.Name, yield yielder) error {
	found, lowest := false, n.Lowest()
	err := listSets(ctx, box, "UID FETCH", imapwire.OneSet(n.UIDs()), func(e protocols.Entry) error {
		if uid, err := strconv.ParseUint(e.UID, 10, 32); err != nil || uint32(uid) < lowest || n.UID != 0 && uint32(uid) != n.UID {
			return nil
		}
		found = true
		return yield(e)
	})
	if err == nil && !found && n.UID != 0 {
		err = notListed(ctx, box, n)
	}
	return err
}

// notListed returns the error for a message that a listing leaves out: some servers do
// so with one that they cannot read, and know it all the same.
func notListed(ctx context.Context, box *session.Mailbox, n *imapwire.Name) error {
	known := false
	err := box.Fetch(ctx, "UID FETCH", imapwire.OneSet(n.UIDs()), "(UID FLAGS)", func(m *imapwire.Message) error {
		known = known || m.UID == n.UID
		return nil
	})
	switch {
	case err != nil:
		return err
	case known:
		return &protocols.Error{Kind: protocols.KindRefused, Text: "the server has a message with UID " + n.UIDs() + ", but does not send it"}
	}
	return imapwire.NotFound("no message with UID " + n.UIDs())
}

// Stat describes a mailbox (STATUS) or a message.
func (c *Client) Stat(ctx context.Context, text string) (protocols.Entry, error) {
	var found *protocols.Entry
	n, err := parseFor(c, text)
	if err != nil {
		return protocols.Entry{}, c.wrap(err, "stat", text)
	}
	err = runOn(ctx, c, "stat", text, func(ctx context.Context, s *session.Session) error {
		if n.Mailbox == "" {
			found = &protocols.Entry{Protocol: proto, URL: c.URL(""), Type: protocols.TypeDir, Size: -1}
			return nil
		}
		if n.UIDs() == "" {
			e, err := statMailbox(s, n.Mailbox)
			found = &e
			return err
		}
		box, err := s.Open(n, false)
		if err != nil {
			return err
		}
		err = listNamed(ctx, box, n, func(e protocols.Entry) error {
			found = &e
			return nil
		})
		if err == nil && found == nil {
			err = imapwire.NotFound("no message with UIDs " + n.UIDs())
		}
		return err
	})
	if err != nil {
		return protocols.Entry{}, err
	}
	return *found, nil
}
