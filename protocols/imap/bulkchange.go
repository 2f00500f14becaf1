package imap

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"slices"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

var (
	_ protocols.BulkRemover = (*Client)(nil)
	_ protocols.BulkFlagger = (*Client)(nil)
)

// changeStep is how many messages are removed or flagged with one command.
const changeStep = 500

// BulkRemove deletes messages for good, many with one command, and no others.
func (c *Client) BulkRemove(ctx context.Context, names iter.Seq[string], each func(name string, err error) error) error {
	return bulkChange(ctx, c, "rm", names, each, func(box *session.Mailbox, set string) error { return box.Remove(set) })
}

// BulkFlag changes the flags of messages, of many with one command. Of the flags to add,
// those that the mailbox cannot store are left out.
func (c *Client) BulkFlag(ctx context.Context, change protocols.FlagChange, names iter.Seq[string], each func(name string, err error) error) error {
	return bulkChange(ctx, c, "flag", names, each, func(box *session.Mailbox, set string) error {
		if add := box.Storable(change.Add); len(add) > 0 {
			if err := box.Store(set, "+", add); err != nil {
				return err
			}
		}
		if remove := box.Storable(change.Remove); len(remove) > 0 {
			return box.Store(set, "-", remove)
		}
		return nil
	})
}

// bulkChange applies a change to many messages, to those of one mailbox together.
func bulkChange(ctx context.Context, c *Client, op string, names iter.Seq[string], each func(name string, err error) error, apply func(box *session.Mailbox, set string) error) error {
	if each == nil {
		each = func(string, error) error { return nil }
	}
	return runOn(ctx, c, op, "", func(ctx context.Context, s *session.Session) error {
		r := &changer{c: c, s: s, op: op, each: each, apply: apply}
		for text := range names {
			if err := r.add(text); err != nil {
				return err
			}
		}
		return r.flush()
	})
}

// changer is one change of many messages.
type changer struct {
	c     *Client
	s     *session.Session
	op    string
	each  func(name string, err error) error
	apply func(box *session.Mailbox, set string) error
	part  []wanted // of one mailbox
}

// add takes one name, and changes those before it when they are many, or when it is
// of another mailbox.
func (r *changer) add(text string) error {
	w := wanted{text: text}
	w.n, w.err = imapwire.ParseName(text)
	if w.err == nil {
		w.err = checkArgs(text)
	}
	if w.err == nil && w.n.UID == 0 {
		w.err = protocols.UsageError(proto, r.op, "the URL does not name a single message: add ;UID=n after the mailbox")
	}
	if w.err != nil {
		return r.each(text, r.c.wrap(w.err, r.op, text))
	}
	if len(r.part) == changeStep || len(r.part) > 0 && r.part[0].n.Mailbox != w.n.Mailbox {
		if err := r.flush(); err != nil {
			return err
		}
	}
	r.part = append(r.part, w)
	return nil
}

// flush changes the messages that were added.
func (r *changer) flush() error {
	if len(r.part) == 0 {
		return nil
	}
	err := r.change()
	if errors.Is(err, fs.ErrNotExist) && r.s.Selected() != nil {
		err = nil // they are gone already
	}
	if err != nil && !imapwire.Refused(err) {
		return err
	}
	for _, w := range r.part {
		if err := r.each(w.text, r.c.wrap(err, r.op, w.text)); err != nil {
			return err
		}
	}
	r.part = r.part[:0]
	return nil
}

func (r *changer) change() error {
	box, err := r.s.Open(r.part[0].n, true)
	if err != nil {
		return err
	}
	var uids []uint32
	for _, w := range r.part {
		if err := box.Same(w.n); err != nil {
			return err
		}
		uids = append(uids, w.n.UID)
	}
	slices.Sort(uids)
	return r.apply(box, imapwire.UIDSet(slices.Compact(uids)))
}
