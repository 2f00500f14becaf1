package imap

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// BulkGet reads many messages with few commands: names of one mailbox with rising
// UIDs go together. Commands do not overlap, for some servers then mix the
// answers; there are thousands of messages to each. What is not there is reported
// behind those of its command.
func (c *Client) BulkGet(ctx context.Context, names iter.Seq[string], each func(string, *protocols.Object, error) error) error {
	next, stop := iter.Pull(names)
	defer stop()
	release, err := c.enter(ctx)
	if err != nil {
		return c.wrap(err, "get", "")
	}
	defer release()
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
	return c.wrap(c.keeper.Run(ctx, b.run), "get", "")
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

// bulkStep is the most messages of one command; setBytes bounds it too.
const bulkStep = 5000

// bulk is one BulkGet.
type bulk struct {
	c    *Client
	ctx  context.Context
	s    *session
	next func() (string, bool)
	each func(string, *protocols.Object, error) error
	held *wanted // taken from next, but of the batch after

	part      *partial // start of a large message; nil: not looked for yet
	partOf    string   // mailbox
	sectioned bool     // only a part of each message is wanted
}

func (b *bulk) run(s *session) (err error) {
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
		w.err = b.s.open(w.n, b.c.Settings.MarkSeen)
	}
	var partial string
	if w.err == nil {
		partial, w.err = span(w.n, &protocols.GetOptions{})
	}
	if w.err != nil {
		return cmp.Or(b.s.broken(), b.each(w.text, nil, b.c.wrap(w.err, "get", w.text)))
	}
	b.sectioned = w.n.Section != "" || partial != ""
	if ok, err := b.goesOn(&w); ok || err != nil {
		return err
	}
	bt := b.collect(w)
	tag, no, err := b.s.send("UID FETCH", bt.set(), "(UID FLAGS INTERNALDATE RFC822.SIZE "+b.s.bodyItem(w.n.Section, partial)+")")
	if err == nil && no != nil {
		err = no.Err()
	}
	if err != nil {
		return err
	}
	st, err := b.s.wait(tag, true, func(r *imapwire.Response) error {
		if r.Name != "FETCH" {
			return nil
		}
		return b.one(bt, r)
	})
	if err != nil {
		return err
	}
	return b.missing(bt, st.Err())
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
		if !bt.fits(&w) || b.part.of(&w) {
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
			return b.s.fail(err)
		}
	}
	return nil
}

// one reports the message of a FETCH response, if it is one that was asked for.
func (b *bulk) one(bt *batch, r *imapwire.Response) error {
	m, err := imapwire.ParseFetch(r, b.s.c.limits)
	if err != nil {
		return b.s.fail(err)
	}
	bd := &body{s: b.s}
	m, ok, err := bd.take(r, m)
	if err != nil || !ok {
		return err
	}
	if w := bt.find(m.UID); w != nil {
		w.done = true
		return b.deliver(w, &m, bd)
	}
	return nil // nobody asked for it: what is left of it is dropped
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
func (b *bulk) deliver(w *wanted, m *imapwire.Message, bd *body) error {
	content, err := b.keepLarge(m, bd)
	if err != nil {
		return b.s.fail(err)
	}
	return b.hand(w, m, bd.size, content)
}

func (b *bulk) hand(w *wanted, m *imapwire.Message, size int64, content io.Reader) error {
	e := b.s.entry(m)
	e.Path, e.URL, e.Size = w.text, b.c.urlOf(w.text), size
	err := b.each(w.text, &protocols.Object{Entry: e, Body: bulkBody{content, b.s}}, nil)
	if err != nil {
		return b.s.fail(err)
	}
	return context.Cause(b.ctx)
}

// bulkBody is the content of one message of many.
type bulkBody struct {
	io.Reader
	s *session
}

// Read remembers a connection that is lost.
func (b bulkBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && err != io.EOF {
		b.s.fail(err)
	}
	return n, err
}

// Close does nothing: what was not read is dropped behind it.
func (b bulkBody) Close() error { return nil }
