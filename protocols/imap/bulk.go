package imap

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapstore"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// BulkGet reads many messages with few commands: names of one mailbox with rising
// UIDs go together. Commands do not overlap, because some servers then mix the
// answers; each asks for thousands of messages. Messages that do not exist are
// reported after the others of their command.
func (c *Client) BulkGet(ctx context.Context, names iter.Seq[string], each func(string, *protocols.Object, error) error) (err error) {
	ctx, done := c.line.Observed(ctx, "get", "")
	defer func() { done(err) }()
	next, stop := iter.Pull(names)
	defer stop()
	ctx, leave, err := c.line.Enter(ctx)
	if err != nil {
		return c.wrap(err, "get", "")
	}
	defer leave()
	b := &bulk{c: c, ctx: ctx, next: next, each: each}
	for { // what cannot be asked for needs no connection
		w, ok := b.take()
		if !ok {
			return nil
		}
		if w.err == nil {
			b.held = &w
			break
		}
		if err := each(w.text, nil, c.wrap(w.err, "get", w.text)); err != nil {
			return err
		}
	}
	return c.wrap(c.line.Run(ctx, b.run), "get", "")
}

// wanted is one message of a bulk transfer.
type wanted struct {
	text string
	n    *imapwire.Name
	err  error // of the name itself
	done bool  // it was reported
}

// batch is the messages of one command, by rising UID.
type batch struct {
	list []wanted
	at   int // the next one is looked for from here
}

// bulkStep is the most messages of one command; imapwire.SetBytes bounds it too.
const bulkStep = 5000

// bulk is one BulkGet.
type bulk struct {
	c    *Client
	ctx  context.Context
	s    *session.Session
	box  *session.Mailbox
	next func() (string, bool)
	each func(string, *protocols.Object, error) error
	held *wanted // taken from next, but of the batch after

	part      *imapstore.Partial // start of a large message; nil: not looked for yet
	partOf    string             // mailbox
	sectioned bool               // only a part of each message is wanted
}

func (b *bulk) run(s *session.Session) (err error) {
	b.s = s
	defer func() { b.closePartial(err == nil) }()
	for {
		w, ok := b.take()
		if !ok {
			return nil
		}
		if err := b.batch(w); err != nil {
			return err
		}
	}
}

// take returns the next name.
func (b *bulk) take() (wanted, bool) {
	if w := b.held; w != nil {
		b.held = nil
		return *w, true
	}
	text, ok := b.next()
	if !ok {
		return wanted{}, false
	}
	w := wanted{text: text}
	if w.err = checkArgs(text); w.err == nil {
		w.n, w.err = readable(text, &protocols.GetOptions{})
	}
	return w, true
}

// batch reads w with all that can go with it. Its error ends the whole.
func (b *bulk) batch(w wanted) error {
	if w.err == nil {
		b.box, w.err = b.s.Open(w.n, b.c.Settings.MarkSeen)
	}
	var partial string
	if w.err == nil {
		partial, w.err = span(w.n, &protocols.GetOptions{})
	}
	if w.err != nil {
		return cmp.Or(b.s.Failed(), b.each(w.text, nil, b.c.wrap(w.err, "get", w.text)))
	}
	b.sectioned = w.n.Section != "" || partial != ""
	if ok, err := b.resume(&w); ok || err != nil {
		return err
	}
	return b.fetch(b.collect(w), session.BodyItem(w.n.Section, partial, b.c.Settings.MarkSeen))
}

// maxRefusals is how many messages in a row a server may refuse before it is believed
// that it refuses the rest too.
const maxRefusals = 100

// fetch reads the messages of a batch. If the server refuses the command, one of the
// messages may be to blame, most likely the first that did not come: it is asked for
// alone, and then the rest.
func (b *bulk) fetch(bt *batch, item string) error {
	for refusals := 0; ; {
		why, err := b.ask(bt, item)
		if err != nil {
			return err
		}
		bt.list = slices.DeleteFunc(bt.list, func(w wanted) bool { return w.done })
		bt.at = 0
		if len(bt.list) < 2 || protocols.KindOf(why) != protocols.KindRefused || refusals == maxRefusals {
			return b.missing(bt, why)
		}
		alone := &batch{list: slices.Clone(bt.list[:1])}
		if why, err = b.ask(alone, item); err != nil {
			return err
		}
		refusals++
		if alone.list[0].done {
			refusals = 0
		}
		if err := b.missing(alone, why); err != nil {
			return err
		}
		bt.list = bt.list[1:]
	}
}

// ask sends the command of a batch and hands out what comes. refusal is the error that
// the server answers with.
func (b *bulk) ask(bt *batch, item string) (refusal, err error) {
	st, err := b.box.FetchContent(bt.set(), item, func(c *session.Content, m *imapwire.Message) error {
		w := bt.find(m.UID)
		if w == nil {
			return nil // nobody asked for it: it is dropped
		}
		w.done = true
		return b.deliver(w, m, c)
	})
	if err != nil {
		return nil, err
	}
	return st.Err(), nil
}

// collect takes the names that can go with the first one.
func (b *bulk) collect(first wanted) *batch {
	bt := &batch{list: []wanted{first}}
	ranges := 1
	for len(bt.list) < bulkStep && ranges*len("4294967295,") < imapwire.SetBytes {
		w, ok := b.take()
		if !ok {
			break
		}
		if !bt.fits(&w) || b.begun(&w) {
			b.held = &w
			break
		}
		if w.n.UID != bt.list[len(bt.list)-1].n.UID+1 {
			ranges += 2
		}
		bt.list = append(bt.list, w)
	}
	return bt
}

// fits reports whether a message can go with those of the batch.
func (bt *batch) fits(w *wanted) bool {
	if w.err != nil {
		return false
	}
	first, last := bt.list[0].n, bt.list[len(bt.list)-1].n
	like := *w.n
	like.UID = first.UID
	return like == *first && w.n.UID > last.UID
}

// set returns the UIDs of a batch, neighbours as ranges.
func (bt *batch) set() string {
	var uids []uint32
	for _, w := range bt.list {
		uids = append(uids, w.n.UID)
	}
	return imapwire.UIDSet(uids)
}

// missing reports what was asked for and did not come.
func (b *bulk) missing(bt *batch, why error) error {
	for _, w := range bt.list {
		if w.done {
			continue
		}
		err := why
		if err == nil {
			err = imapwire.NotFound(fmt.Sprintf("no message with UID %d, or no such part in it", w.n.UID))
		}
		if err := b.each(w.text, nil, b.c.wrap(err, "get", w.text)); err != nil {
			return b.s.Fail(err)
		}
	}
	return nil
}

// find returns the message with that UID, if it has not come yet. Messages come by
// rising UID, on nearly all servers.
func (bt *batch) find(uid uint32) *wanted {
	if last := bt.list[len(bt.list)-1].n; uid < bt.list[0].n.UID || uid > last.UID {
		return nil
	}
	for range bt.list {
		w := &bt.list[bt.at]
		bt.at = (bt.at + 1) % len(bt.list)
		if w.n.UID == uid && !w.done {
			return w
		}
	}
	return nil
}

// deliver hands one message to the caller.
func (b *bulk) deliver(w *wanted, m *imapwire.Message, c *session.Content) error {
	content, err := b.keepLarge(m, c)
	if err != nil {
		return b.s.Fail(err)
	}
	return b.hand(w, m, c.Size, content)
}

func (b *bulk) hand(w *wanted, m *imapwire.Message, size int64, content io.Reader) error {
	e := b.box.Entry(m)
	e.Path, e.URL, e.Size = w.text, b.c.URL(w.text), size
	err := b.each(w.text, &protocols.Object{Entry: e, Body: io.NopCloser(content)}, nil)
	if err != nil {
		return b.s.Fail(err)
	}
	return context.Cause(b.ctx)
}
