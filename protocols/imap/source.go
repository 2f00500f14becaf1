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
)

var (
	_ protocols.MessageSource = (*Client)(nil)
	_ protocols.BulkRemover   = (*Client)(nil)
)

// OpenMailbox opens a mailbox for reading, as the source of an archive. With
// QRESYNC (RFC 7162) its Changes tell only what has changed since a State; without
// it they list the whole mailbox, which costs a line for each message.
func (c *Client) OpenMailbox(ctx context.Context, text string) (*protocols.Mailbox, error) {
	var m *protocols.Mailbox
	err := c.on(ctx, "sync", text, false, func(s *session, n *imapwire.Name) error {
		enabling, err := s.enableResync()
		if s.box = nil; err == nil {
			err = s.open(n, false)
		}
		if err == nil {
			err = enabling()
		}
		if err != nil {
			return err
		}
		m = &protocols.Mailbox{Account: c.account(s), Name: n.Mailbox, Validity: strconv.FormatUint(uint64(s.box.validity), 10)}
		m.Changes = func(ctx context.Context, since string) iter.Seq2[protocols.Entry, error] {
			return c.changes(ctx, text, m, since)
		}
		return nil
	})
	return m, err
}

// account says whose mailboxes these are.
func (c *Client) account(s *session) string {
	host, port := protocols.HostPort(c.url, c.scheme)
	return fmt.Sprintf("%s@%s:%s", s.user, host, port)
}

// enableResync turns QRESYNC on, where the server has it. The command goes out
// together with the next one, which opens the mailbox; enabling reads its answer,
// and a no is none of our business.
func (s *session) enableResync() (enabling func() error, err error) {
	if !s.caps["QRESYNC"] || s.enabled["QRESYNC"] || !s.hasOr2("ENABLE") {
		return func() error { return nil }, nil
	}
	tag, _, err := s.send("ENABLE", "QRESYNC")
	return func() error {
		_, err := s.wait(tag, false, nil)
		return err
	}, err
}

// sourceItems are what a sync wants to know of a message.
const sourceItems = "(UID FLAGS INTERNALDATE RFC822.SIZE)"

// changes lists the messages of a mailbox, or what became of them since a state.
func (c *Client) changes(ctx context.Context, text string, m *protocols.Mailbox, since string) iter.Seq2[protocols.Entry, error] {
	return c.listing(ctx, "sync", text, func(s *session, n *imapwire.Name, yield func(protocols.Entry) error) error {
		enabling, err := s.enableResync() // the session may be a new one
		if err == nil {
			err = s.open(n, false)
		}
		if err == nil {
			err = enabling()
		}
		if err != nil {
			return err
		}
		if strconv.FormatUint(uint64(s.box.validity), 10) != m.Validity {
			return &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrChanged, Retryable: true, Text: "the mailbox was made anew while it was being read"}
		}
		resync := s.enabled["QRESYNC"] && s.box.modSeq != 0
		state := ""
		if resync {
			state = strconv.FormatUint(s.box.modSeq, 10)
		}
		from, err := strconv.ParseUint(since, 10, 63)
		partly := resync && err == nil && from > 0 && from <= s.box.modSeq
		switch {
		case !partly:
			err = s.allMessages(ctx, yield)
		case from < s.box.modSeq:
			err = s.changedSince(from, yield)
		default:
			err = nil // nothing has happened
		}
		if err == nil {
			m.State, m.Complete = state, !partly
		}
		return err
	})
}

func (s *session) allMessages(ctx context.Context, yield func(protocols.Entry) error) error {
	return s.fetchSets(ctx, "FETCH", s.steps(), sourceItems, func(r *imapwire.Response) error { return s.sourceEntry(r, yield) })
}

// sourceEntry returns the entry of a FETCH response. News of flags alone are no entry.
func (s *session) sourceEntry(r *imapwire.Response, yield func(protocols.Entry) error) error {
	m, err := imapwire.ParseFetch(r, s.c.limits)
	if err != nil {
		return s.fail(err)
	}
	if m.UID == 0 || m.Size < 0 {
		return nil
	}
	m.Flags = slices.DeleteFunc(m.Flags, func(f string) bool { return strings.EqualFold(f, `\Recent`) })
	e := s.entry(&m)
	e.ID = e.UID
	return yield(e)
}

// changedSince lists what is new or has other flags, and what has gone (RFC 7162 3.2.6).
func (s *session) changedSince(from uint64, yield func(protocols.Entry) error) error {
	var stopped error
	items := fmt.Sprintf("%s (CHANGEDSINCE %d VANISHED)", sourceItems, from)
	err := s.ask(func(r *imapwire.Response) error {
		switch {
		case stopped != nil:
		case r.Name == "FETCH":
			stopped = s.sourceEntry(r, yield)
		case r.Name == "VANISHED":
			stopped = s.gone(r.Args, yield)
		}
		return s.broken()
	}, "UID FETCH", "1:*", items)
	if err == nil {
		err = stopped
	}
	return err
}

// gone returns the messages of a VANISHED response. Servers may name UIDs that never
// were: none above the next one is believed.
func (s *session) gone(args string, yield func(protocols.Entry) error) error {
	set, earlier := strings.CutPrefix(args, "(EARLIER) ")
	if !earlier {
		return nil
	}
	for uid := range imapwire.EachUID(set) {
		if s.box.uidNext != 0 && uid >= s.box.uidNext {
			break
		}
		if err := yield(protocols.Entry{Protocol: proto, Type: protocols.TypeGone, ID: strconv.FormatUint(uint64(uid), 10), Size: -1}); err != nil {
			return err
		}
	}
	return nil
}

// removeStep is how many messages are removed with one command.
const removeStep = 500

// BulkRemove deletes messages for good, many with one command, and no others.
func (c *Client) BulkRemove(ctx context.Context, names iter.Seq[string], each func(name string, err error) error) error {
	if each == nil {
		each = func(string, error) error { return nil }
	}
	return c.do(ctx, "rm", "", func(s *session) error {
		var part []wanted
		flush := func() error {
			err := s.removePart(part, each)
			part = part[:0]
			return err
		}
		for text := range names {
			w := wanted{text: text}
			w.n, w.err = imapwire.ParseName(text)
			if w.err == nil {
				w.err = checkArgs(text)
			}
			if w.err == nil && w.n.UID == 0 {
				w.err = protocols.UsageError(proto, "rm", "the URL names no single message: it wants ;UID=n behind the mailbox")
			}
			if w.err != nil {
				if err := each(text, c.wrap(w.err, "rm", text)); err != nil {
					return err
				}
				continue
			}
			if len(part) == removeStep || len(part) > 0 && part[0].n.Mailbox != w.n.Mailbox {
				if err := flush(); err != nil {
					return err
				}
			}
			part = append(part, w)
		}
		return flush()
	})
}

// removePart removes messages of one mailbox.
func (s *session) removePart(part []wanted, each func(name string, err error) error) error {
	if len(part) == 0 {
		return nil
	}
	err := s.open(part[0].n, true)
	if err == nil {
		var uids []uint32
		for _, w := range part {
			if err = s.sameValidity(w.n); err != nil {
				break
			}
			uids = append(uids, w.n.UID)
		}
		if err == nil {
			slices.Sort(uids)
			if err = s.remove(imapwire.UIDSet(slices.Compact(uids))); isNotFound(err) {
				err = nil // they are gone already
			}
		}
	}
	if err != nil && !imapwire.Refused(err) {
		return err
	}
	for _, w := range part {
		if err := each(w.text, s.c.wrap(err, "rm", w.text)); err != nil {
			return err
		}
	}
	return nil
}
