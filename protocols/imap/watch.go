package imap

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// Watch reports what happens in a mailbox until the context ends: entries whose
// fact "event" is "new", "flags" or "gone" (only the UID is known then), or "reset"
// when the mailbox was recreated. It waits with IDLE (RFC 2177), or asks with NOOP
// if the server does not support that. When the connection is lost it makes a new
// one, and reports what has happened meanwhile.
//
// Without the name of a mailbox all of the account are watched, with NOTIFY (RFC 5465), on
// one connection. The entries are mailboxes: "changed" (messages or their flags), "listed"
// (made, renamed or deleted), or "reset", of no mailbox, after a new connection. Where the
// server does not support that, or refuses it, the error has class [errors.ErrUnsupported].
func (c *Client) Watch(ctx context.Context, text string) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		ctx, done := c.line.Observed(ctx, "watch", text)
		n, err := parseFor(c, text)
		if err == nil && n.UIDs() != "" {
			err = protocols.UsageError(proto, "watch", "the URL must name a mailbox, or an account")
		}
		var leave func()
		if err == nil {
			ctx, leave, err = c.line.Enter(ctx, text)
		}
		if err == nil {
			defer leave()
			tell := func(e protocols.Entry) error {
				if !yield(e, nil) {
					return line.ErrStop
				}
				return nil
			}
			if n.Mailbox == "" {
				err = watchAccount(ctx, c, tell)
			} else {
				err = (&watcher{c: c, n: n, yield: tell}).run(ctx)
			}
		}
		if errors.Is(err, line.ErrStop) {
			err = nil
		}
		err = c.wrap(err, "watch", text)
		done(err)
		if err != nil {
			yield(protocols.Entry{}, err)
		}
	}
}

// watcher is one Watch.
type watcher struct {
	c        *Client
	n        *imapwire.Name
	yield    yielder
	s        *session.Session
	box      *session.Mailbox
	started  bool
	validity uint32
	uids     []uint32 // of the mailbox, by sequence number
	modSeq   uint64
	news     []happening // not reported yet
	budget   session.Budget
	wake     func() // called at the first of them; may be nil
}

// longWatch is how long a connection must have lasted so that its loss is not counted
// with those before it.
const longWatch = time.Minute

// run watches on one connection after the other.
func (w *watcher) run(ctx context.Context) error {
	var began time.Time
	return retry.Policy{
		Retries: retry.Forever, Max: longWatch, Jitter: true,
		Again:    func(err error) bool { return w.started && comesBack(err) },
		Advanced: func() bool { return time.Since(began) > longWatch },
	}.Do(ctx, func() error {
		began = time.Now()
		return w.c.line.Run(ctx, func(s *session.Session) error { return w.session(ctx, s) })
	})
}

// comesBack reports whether a new connection may help.
func comesBack(err error) bool { return retry.MayPass(err) || imapwire.IsLost(err) }

// session watches on one connection. It returns only with an error.
func (w *watcher) session(ctx context.Context, s *session.Session) (err error) {
	s.Deselect()
	w.s = s
	if w.box, err = s.Open(w.n, false); err != nil {
		return err
	}
	w.clearNews()
	s.OnUntagged(w.collect)
	defer s.OnUntagged(nil)
	if err := w.catchUp(ctx); err != nil {
		return err
	}
	w.started = true
	for {
		if err := w.await(ctx); err != nil {
			return err
		}
		news := w.news
		w.clearNews()
		if err := w.report(ctx, news); err != nil {
			return err
		}
		if len(w.news) == 0 && int(w.box.Exists) != len(w.uids) {
			// What was reported does not add up, as when messages went while they were listed.
			if err := w.catchUp(ctx); err != nil {
				return err
			}
		}
	}
}

// maxNews bounds what one wait collects: happenings, and bytes of what they say.
const (
	maxNews      = 10_000
	maxNewsBytes = 8 << 20
)

func (w *watcher) clearNews() { w.news, w.budget = nil, maxNewsBytes }

// catchUp compares what was with what is.
func (w *watcher) catchUp(ctx context.Context) error {
	before, known := w.uids, w.validity != 0
	if known && w.validity != w.box.Validity {
		if err := w.yield(w.event("reset", 0, nil)); err != nil {
			return err
		}
		known = false
	}
	now, err := w.list()
	if err != nil {
		return err
	}
	since := w.modSeq
	w.clearNews() // the list knows
	w.uids, w.validity, w.modSeq = now, w.box.Validity, w.box.ModSeq
	if !known {
		return nil
	}
	for _, uid := range before {
		if _, there := slices.BinarySearch(now, uid); !there {
			if err := w.yield(w.event("gone", uid, nil)); err != nil {
				return err
			}
		}
	}
	last := lastOf(before)
	if since != 0 && w.box.ModSeq > since && last > 0 {
		if err := w.changed(ctx, last, since); err != nil {
			return err
		}
	}
	return w.fresh(ctx, last)
}

// lastOf returns the last UID of a list, 0 if there is none.
func lastOf(uids []uint32) uint32 {
	if len(uids) == 0 {
		return 0
	}
	return uids[len(uids)-1]
}

// maxWatched is the most messages of a mailbox that can be watched: their UIDs are held.
const maxWatched = 5_000_000

// list returns the UIDs of the mailbox.
func (w *watcher) list() ([]uint32, error) {
	found, err := w.box.SearchSet("ALL")
	if err != nil {
		return nil, err
	}
	if found.Count() > maxWatched {
		return nil, w.s.Fail(imapwire.ErrTooMany("messages"))
	}
	return slices.Collect(found.Each()), nil
}

// changed reports flags that changed since a modification sequence.
func (w *watcher) changed(ctx context.Context, last uint32, since uint64) error {
	set := "1:" + strconv.FormatUint(uint64(last), 10)
	items := "(UID FLAGS) (CHANGEDSINCE " + strconv.FormatUint(since, 10) + ")"
	err := w.box.Fetch(ctx, "UID FETCH", imapwire.OneSet(set), items, func(m *imapwire.Message) error {
		return w.yield(w.event("flags", m.UID, m.Flags))
	})
	w.news = slices.DeleteFunc(w.news, func(h happening) bool { return h.name == "FETCH" }) // reported just now
	return err
}

// fresh reports the messages after a UID.
func (w *watcher) fresh(ctx context.Context, last uint32) error {
	if lastOf(w.uids) <= last {
		return nil
	}
	set := strconv.FormatUint(uint64(last)+1, 10) + ":*"
	return listSets(ctx, w.box, "UID FETCH", imapwire.OneSet(set), func(e protocols.Entry) error {
		if uidOf(&e) <= last {
			return nil // n:* means the last message, even if its UID is lower
		}
		if e.Facts == nil {
			e.Facts = map[string]string{}
		}
		e.Facts["event"] = "new"
		return w.yield(e)
	})
}

// uidOf returns the UID of a message's entry.
func uidOf(e *protocols.Entry) uint32 {
	uid, _ := strconv.ParseUint(e.UID, 10, 32)
	return uint32(uid)
}

// event returns the entry of something that happened to a message, or, with uid 0, to
// the mailbox.
func (w *watcher) event(what string, uid uint32, flags []string) protocols.Entry {
	if uid == 0 {
		path := imapwire.Escape(w.n.Mailbox)
		return protocols.Entry{Protocol: proto, URL: w.c.URL(path), Name: w.n.Mailbox, Path: path, Type: protocols.TypeMailbox, Size: -1,
			Facts: map[string]string{"event": what}}
	}
	e := w.box.Entry(&imapwire.Message{UID: uid, Flags: flags, Size: -1})
	e.Facts = map[string]string{"event": what}
	return e
}

// happening is one thing that the server reported.
type happening struct {
	name  string // EXISTS, EXPUNGE, FETCH, VANISHED
	num   uint32
	flags []string
	set   string
}

// await waits until something has happened.
func (w *watcher) await(ctx context.Context) error {
	for len(w.news) == 0 {
		var err error
		if w.s.Has("IDLE") {
			err = w.idle()
		} else if err = retry.Sleep(ctx, w.pollEvery()); err == nil {
			err = w.s.Simple("NOOP")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const defaultPoll = 30 * time.Second

func (w *watcher) pollEvery() time.Duration {
	if d := w.c.Settings.PollEvery; d > 0 {
		return d
	}
	return defaultPoll
}

// collect gathers what happens, during IDLE and during our own commands.
func (w *watcher) collect(r *imapwire.Response) error {
	h := happening{name: r.Name, num: r.Num}
	switch r.Name {
	case "EXISTS", "EXPUNGE":
	case "VANISHED":
		h.set = r.Args
	case "FETCH":
		m, err := imapwire.ParseFetch(r, w.s.Limits)
		if err != nil {
			return w.s.Fail(err)
		}
		if m.Size >= 0 {
			return nil // the answer to a command of ours
		}
		h.flags = m.Flags
	default:
		return nil
	}
	if len(w.news) >= maxNews || w.budget.Take(r.Args) != nil {
		return w.s.Fail(imapwire.ErrTooMany("events"))
	}
	w.news = append(w.news, h)
	if w.wake != nil {
		w.wake()
	}
	return nil
}

// report reports what happened, in its order.
func (w *watcher) report(ctx context.Context, news []happening) error {
	grown := false
	for _, h := range news {
		var err error
		switch h.name {
		case "EXISTS":
			grown = true
		case "EXPUNGE":
			if h.num >= 1 && int(h.num) <= len(w.uids) {
				uid := w.uids[h.num-1]
				w.uids = slices.Delete(w.uids, int(h.num)-1, int(h.num))
				err = w.yield(w.event("gone", uid, nil))
			}
		case "VANISHED":
			err = w.vanished(h.set)
		case "FETCH":
			if h.num >= 1 && int(h.num) <= len(w.uids) && h.flags != nil {
				err = w.yield(w.event("flags", w.uids[h.num-1], h.flags))
			}
		}
		if err != nil {
			return err
		}
	}
	w.modSeq = max(w.modSeq, w.box.ModSeq)
	if !grown || int(w.box.Exists) <= len(w.uids) {
		return nil
	}
	return w.grown(ctx)
}

// vanished reports messages that went, by UID.
func (w *watcher) vanished(set string) error {
	gone := imapwire.ParseRanges(set).Sorted()
	before := w.uids
	w.uids = slices.DeleteFunc(slices.Clone(before), gone.Has)
	for _, uid := range before {
		if !gone.Has(uid) {
			continue
		}
		if err := w.yield(w.event("gone", uid, nil)); err != nil {
			return err
		}
	}
	return nil
}

// grown reports messages that came.
func (w *watcher) grown(ctx context.Context) error {
	last := lastOf(w.uids)
	found, err := w.box.SearchSet("UID " + strconv.FormatUint(uint64(last)+1, 10) + ":*")
	if err != nil {
		return err
	}
	for uid := range found.Each() {
		if len(w.uids) == maxWatched {
			return w.s.Fail(imapwire.ErrTooMany("messages"))
		}
		if uid > last && len(w.uids) < int(w.box.Exists) {
			w.uids = append(w.uids, uid)
		}
	}
	return w.fresh(ctx, last)
}
