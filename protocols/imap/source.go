package imap

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

var _ protocols.MessageSource = (*Client)(nil)

// OpenMailbox opens a mailbox for reading, as the source of an archive. With
// QRESYNC (RFC 7162) its Changes list only what has changed since a State; without
// it they list the whole mailbox, which costs a line for each message.
func (c *Client) OpenMailbox(ctx context.Context, text string) (*protocols.Mailbox, error) {
	var m *protocols.Mailbox
	err := c.on(ctx, "sync", text, false, func(ctx context.Context, s *session.Session, n *imapwire.Name) error {
		s.Deselect()
		box, err := openResync(s, n)
		if err != nil {
			return err
		}
		m = &protocols.Mailbox{Account: account(c, s), Name: n.Mailbox, Validity: fmt.Sprint(box.Validity)}
		m.Changes = func(ctx context.Context, since string) iter.Seq2[protocols.Entry, error] {
			return changes(ctx, c, text, m, since)
		}
		return nil
	})
	return m, err
}

// account says whose mailboxes these are.
func account(c *Client, s *session.Session) string {
	host, port := protocols.HostPort(c.line.URL, c.line.Scheme)
	return fmt.Sprintf("%s@%s:%s", s.User, host, port)
}

// openResync opens a mailbox for reading, with QRESYNC if the server supports it.
func openResync(s *session.Session, n *imapwire.Name) (*session.Mailbox, error) {
	answer, err := s.EnableQResync()
	if err != nil {
		return nil, err
	}
	box, err := s.Open(n, false)
	if err != nil {
		return nil, err
	}
	return box, answer()
}

// sourceItems are what a sync wants to know of a message.
const sourceItems = "(UID FLAGS INTERNALDATE RFC822.SIZE)"

// changes lists the messages of a mailbox, or what became of them since a state.
func changes(ctx context.Context, c *Client, text string, m *protocols.Mailbox, since string) iter.Seq2[protocols.Entry, error] {
	return listing(ctx, c, "sync", text, func(ctx context.Context, s *session.Session, n *imapwire.Name, yield yielder) error {
		box, err := openResync(s, n) // the session may be a new one
		if err != nil {
			return err
		}
		if fmt.Sprint(box.Validity) != m.Validity {
			return &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrChanged, Retryable: true, Text: "the mailbox was recreated while it was being read"}
		}
		src := &source{s: s, box: box, yield: yield}
		state := ""
		resync := s.Enabled("QRESYNC") && box.ModSeq != 0
		if resync {
			state = strconv.FormatUint(box.ModSeq, 10)
		}
		from, err := strconv.ParseUint(since, 10, 63)
		partly := resync && err == nil && from > 0 && from <= box.ModSeq
		switch {
		case !partly:
			err = src.all(ctx)
		case from < box.ModSeq:
			err = src.since(from)
		default:
			err = nil // nothing has happened
		}
		if err == nil {
			if src.unnamed {
				state = "" // the next run looks again
			}
			m.State, m.Complete = state, !partly && !src.unnamed
		}
		return err
	})
}

// source lists a mailbox for a sync.
type source struct {
	s     *session.Session
	box   *session.Mailbox
	yield yielder

	unnamed bool // a message came without a UID, or not at all
	listed  uint64
}

// all lists the whole mailbox. Where the server leaves messages out, nothing must count
// as deleted.
func (src *source) all(ctx context.Context) error {
	due, gone := uint64(src.box.Exists), src.box.Gone
	if err := src.box.Fetch(ctx, "FETCH", src.box.Steps(), sourceItems, src.message); err != nil {
		return err
	}
	left := func() uint64 { return due - min(due, src.box.Gone-gone) }
	if src.listed < left() { // what others have expunged is not told during FETCH (RFC 3501 7.4.1)
		if err := src.s.Simple("NOOP"); err != nil {
			return err
		}
	}
	if due = left(); src.listed >= due {
		return nil
	}
	src.unnamed = true
	src.s.Conn.Event(protocols.EventWarning, fmt.Sprintf("the server lists %d of the %d messages in %s: the others are not synced, and none counts as deleted", src.listed, due, src.box.Name), 0)
	e := src.box.Entry(&imapwire.Message{Size: -1})
	e.ID = "messages that are not listed"
	return src.yield(e)
}

// message yields a message. News of flags alone are not one. Some servers leave out the
// size, or even the UID, of a message: one without a UID cannot be read, so it is
// yielded under a name that fails, and the listing is not complete.
func (src *source) message(m *imapwire.Message) error {
	if m.Size < 0 && m.Date.IsZero() {
		return nil
	}
	src.listed++
	if m.UID == 0 {
		src.unnamed = true
		e := src.box.Entry(m)
		e.ID = fmt.Sprintf("number %d without a UID", m.Seq)
		return src.yield(e)
	}
	m.Flags = slices.DeleteFunc(m.Flags, func(f string) bool { return strings.EqualFold(f, `\Recent`) })
	e := src.box.Entry(m)
	e.ID = e.UID
	return src.yield(e)
}

// since lists what is new or has other flags, and what has gone (RFC 7162 3.2.6).
func (src *source) since(modSeq uint64) error {
	var stopped error
	seen := session.Seen{} // some servers send an answer twice
	items := fmt.Sprintf("%s (CHANGEDSINCE %d VANISHED)", sourceItems, modSeq)
	err := src.s.Ask(func(r *imapwire.Response) error {
		switch {
		case stopped != nil:
		case r.Name == "FETCH":
			m, err := imapwire.ParseFetch(r, src.s.Limits)
			if err != nil {
				return src.s.Fail(err)
			}
			if !seen.Again(&m) {
				stopped = src.message(&m)
			}
		case r.Name == "VANISHED":
			stopped = src.gone(r.Args)
		}
		return src.s.Failed()
	}, "UID FETCH", "1:*", items)
	if err == nil {
		err = stopped
	}
	return err
}

// gone yields the messages of a VANISHED response. Servers may name UIDs that never
// existed: none from UIDNEXT on is believed.
func (src *source) gone(args string) error {
	set, earlier := strings.CutPrefix(args, "(EARLIER) ")
	if !earlier {
		return nil
	}
	for uid := range imapwire.EachUID(set) {
		if src.box.UIDNext != 0 && uid >= src.box.UIDNext {
			break
		}
		if err := src.yield(protocols.Entry{Protocol: proto, Type: protocols.TypeGone, ID: strconv.FormatUint(uint64(uid), 10), Size: -1}); err != nil {
			return err
		}
	}
	return nil
}
