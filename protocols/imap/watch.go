package imap

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// Watch reports what happens in a mailbox until the context ends: entries whose
// fact "event" is "new", "flags" or "gone" (only the UID is known then), or "reset"
// when the mailbox was made anew. It waits with IDLE (RFC 2177), or asks with NOOP
// where there is none. When the connection is lost it makes a new one, and reports
// what has happened meanwhile.
func (c *Client) Watch(ctx context.Context, text string) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		n, err := c.parse(text)
		if err == nil && (n.Mailbox == "" || n.UIDs() != "") {
			err = protocols.UsageError(proto, "watch", "the URL must name a mailbox")
		}
		var release func()
		if err == nil {
			release, err = c.enter(ctx, text)
		}
		if err == nil {
			defer release()
			w := &watcher{c: c, n: n, yield: func(e protocols.Entry) error {
				if !yield(e, nil) {
					return errStop
				}
				return nil
			}}
			err = w.run(ctx)
		}
		if err != nil && !errors.Is(err, errStop) {
			yield(protocols.Entry{}, c.wrap(err, "watch", text))
		}
	}
}

// watcher is one Watch.
type watcher struct {
	c        *Client
	n        *imapwire.Name
	yield    func(protocols.Entry) error
	started  bool
	validity uint32
	uids     []uint32 // of the mailbox, by sequence number
	modSeq   uint64
	news     []happening // not reported yet
	wake     func()      // called at the first of them; may be nil
}

// The waits between attempts to connect again.
const (
	againFirst = time.Second
	againMost  = time.Minute
)

// run watches on one connection after the other.
func (w *watcher) run(ctx context.Context) error {
	wait := againFirst
	for {
		began := time.Now()
		err := w.c.keeper.Run(ctx, func(s *session) error { return w.session(ctx, s) })
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		if err == nil || errors.Is(err, errStop) || !w.started || !comesBack(err) {
			return err
		}
		if time.Since(began) > againMost {
			wait = againFirst
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, againMost)
	}
}

// comesBack reports whether a new connection may help.
func comesBack(err error) bool {
	switch protocols.KindOf(err) {
	case protocols.KindConnect, protocols.KindTimeout, protocols.KindTemporary:
		return true
	case protocols.KindProtocol:
		return imapwire.IsLost(err)
	}
	return errors.Is(err, imapwire.ErrBye)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// session watches on one connection. It returns only with an error.
func (w *watcher) session(ctx context.Context, s *session) error {
	s.box = nil
	if err := s.open(w.n, false); err != nil {
		return err
	}
	s.news = func(r *imapwire.Response) error { return w.collect(s, r) }
	defer func() { s.news = nil }()
	if err := w.catchUp(ctx, s); err != nil {
		return err
	}
	w.started = true
	for {
		if err := w.await(ctx, s); err != nil {
			return err
		}
		news := w.news
		w.news = nil
		if err := w.report(ctx, s, news); err != nil {
			return err
		}
		if len(w.news) == 0 && int(s.box.exists) != len(w.uids) {
			// What was told does not add up, as when messages went while they were listed.
			if err := w.catchUp(ctx, s); err != nil {
				return err
			}
		}
	}
}

// catchUp compares what was with what is.
func (w *watcher) catchUp(ctx context.Context, s *session) error {
	before, known := w.uids, w.validity != 0
	if known && w.validity != s.box.validity {
		if err := w.yield(w.event(s, "reset", 0, nil)); err != nil {
			return err
		}
		known = false
	}
	now, err := w.list(s)
	if err != nil {
		return err
	}
	since := w.modSeq
	w.news = nil // the list knows
	w.uids, w.validity, w.modSeq = now, s.box.validity, s.box.modSeq
	if !known {
		return nil
	}
	for _, uid := range before {
		if _, there := slices.BinarySearch(now, uid); !there {
			if err := w.yield(w.event(s, "gone", uid, nil)); err != nil {
				return err
			}
		}
	}
	last := uint32(0)
	if len(before) > 0 {
		last = before[len(before)-1]
	}
	if since != 0 && s.box.modSeq > since && last > 0 {
		if err := w.changed(ctx, s, last, since); err != nil {
			return err
		}
	}
	return w.fresh(ctx, s, last)
}

// list returns the UIDs of the mailbox.
func (w *watcher) list(s *session) ([]uint32, error) {
	found, err := s.searchSet("ALL")
	if err != nil || found == "" {
		return nil, err
	}
	if err := s.plausible(found); err != nil {
		return nil, err
	}
	return slices.Collect(imapwire.EachUID(found)), nil
}

// changed reports flags that changed since a modification sequence.
func (w *watcher) changed(ctx context.Context, s *session, last uint32, since uint64) error {
	set := "1:" + strconv.FormatUint(uint64(last), 10)
	items := "(UID FLAGS) (CHANGEDSINCE " + strconv.FormatUint(since, 10) + ")"
	err := s.fetchSets(ctx, "UID FETCH", []string{set}, items, func(r *imapwire.Response) error {
		m, err := imapwire.ParseFetch(r, s.c.limits)
		if err != nil {
			return s.fail(err)
		}
		return w.yield(w.event(s, "flags", m.UID, m.Flags))
	})
	w.news = slices.DeleteFunc(w.news, func(h happening) bool { return h.name == "FETCH" }) // told just now
	return err
}

// fresh reports the messages behind a UID.
func (w *watcher) fresh(ctx context.Context, s *session, last uint32) error {
	if len(w.uids) == 0 || w.uids[len(w.uids)-1] <= last {
		return nil
	}
	set := strconv.FormatUint(uint64(last)+1, 10) + ":*"
	return s.listSets(ctx, "UID FETCH", []string{set}, func(e protocols.Entry) error {
		if uid, err := strconv.ParseUint(e.UID, 10, 32); err != nil || uint32(uid) <= last {
			return nil // n:* gives the last message, even if its UID is lower
		}
		if e.Facts == nil {
			e.Facts = map[string]string{}
		}
		e.Facts["event"] = "new"
		return w.yield(e)
	})
}

// event returns the entry of something that happened to a message.
func (w *watcher) event(s *session, what string, uid uint32, flags []string) protocols.Entry {
	m := imapwire.Message{UID: uid, Flags: flags, Size: -1}
	if uid == 0 {
		path := imapwire.Escape(w.n.Mailbox)
		return protocols.Entry{Protocol: proto, URL: s.c.urlOf(path), Name: w.n.Mailbox, Path: path, Type: protocols.TypeMailbox, Size: -1,
			Facts: map[string]string{"event": what}}
	}
	e := s.entry(&m)
	e.Facts = map[string]string{"event": what}
	return e
}

// happening is one thing that the server told.
type happening struct {
	name  string // EXISTS, EXPUNGE, FETCH, VANISHED
	num   uint32
	flags []string
	set   string
}

// mostHappenings bounds what one wait collects.
const mostHappenings = 10_000

// await waits until something has happened.
func (w *watcher) await(ctx context.Context, s *session) error {
	for len(w.news) == 0 {
		var err error
		if s.hasOr2("IDLE") {
			err = w.idle(s)
		} else if err = pause(ctx, w.pollEvery()); err == nil {
			err = s.simple("NOOP")
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
func (w *watcher) collect(s *session, r *imapwire.Response) error {
	h := happening{name: r.Name, num: r.Num}
	switch r.Name {
	case "EXISTS", "EXPUNGE":
	case "VANISHED":
		h.set = r.Args
	case "FETCH":
		m, err := imapwire.ParseFetch(r, s.c.limits)
		if err != nil {
			return s.fail(err)
		}
		if m.Size >= 0 {
			return nil // the answer to a command of ours
		}
		h.flags = m.Flags
	default:
		return nil
	}
	if len(w.news) >= mostHappenings {
		return s.fail(protocols.ProtocolError(proto, "", "news without end"))
	}
	w.news = append(w.news, h)
	if w.wake != nil {
		w.wake()
	}
	return nil
}

// mostIdle is how long one IDLE lasts: servers end a session after 30 minutes.
const mostIdle = 28 * time.Minute

// idle waits with IDLE. It is renewed well before the connection would count as
// silent, which shows that the server is still there.
func (w *watcher) idle(s *session) error {
	tag, no, err := s.send("IDLE")
	if err == nil && no == nil {
		no, err = s.consent(tag)
	}
	if err == nil && no != nil {
		err = no.Err()
	}
	if err != nil {
		return err
	}
	end := newIdleEnd(s, s.c.opts.IdleWithin())
	defer end.stop()
	if len(w.news) > 0 { // told together with the consent
		end.now()
	}
	w.wake = end.now
	st, err := s.wait(tag, false, nil)
	w.wake = nil
	if err != nil {
		return err
	}
	return st.Err()
}

// idleEnd says DONE, once: when something has happened, or when it is time.
type idleEnd struct {
	s     *session
	timer *time.Timer
	ended chan struct{}
	once  bool
}

func newIdleEnd(s *session, silence time.Duration) *idleEnd {
	wait := mostIdle
	if silence > 0 {
		wait = min(wait, silence*3/4)
	}
	e := &idleEnd{s: s, ended: make(chan struct{})}
	e.timer = time.AfterFunc(wait, func() {
		defer close(e.ended)
		e.done()
	})
	return e
}

func (e *idleEnd) done() {
	if e.s.sendLine("DONE") == nil {
		e.s.flush()
	}
}

// now ends the wait. The goroutine of the timer has ended when it returns.
func (e *idleEnd) now() {
	if e.stop() {
		e.done()
	}
}

// stop reports whether DONE is still to be said.
func (e *idleEnd) stop() bool {
	if e.once {
		return false
	}
	e.once = true
	if e.timer.Stop() {
		return true
	}
	<-e.ended
	return false
}

// report tells of what happened, in its order.
func (w *watcher) report(ctx context.Context, s *session, news []happening) error {
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
				err = w.yield(w.event(s, "gone", uid, nil))
			}
		case "VANISHED":
			err = w.vanished(s, h.set)
		case "FETCH":
			if h.num >= 1 && int(h.num) <= len(w.uids) && h.flags != nil {
				err = w.yield(w.event(s, "flags", w.uids[h.num-1], h.flags))
			}
		}
		if err != nil {
			return err
		}
	}
	w.modSeq = max(w.modSeq, s.box.modSeq)
	if !grown || int(s.box.exists) <= len(w.uids) {
		return nil
	}
	return w.grown(ctx, s)
}

// vanished reports messages that went, by UID.
func (w *watcher) vanished(s *session, set string) error {
	gone := imapwire.SortedRanges(set)
	before := w.uids
	w.uids = slices.DeleteFunc(slices.Clone(before), gone.Has)
	for _, uid := range before {
		if !gone.Has(uid) {
			continue
		}
		if err := w.yield(w.event(s, "gone", uid, nil)); err != nil {
			return err
		}
	}
	return nil
}

// grown reports messages that came.
func (w *watcher) grown(ctx context.Context, s *session) error {
	last := uint32(0)
	if len(w.uids) > 0 {
		last = w.uids[len(w.uids)-1]
	}
	found, err := s.searchSet("UID " + strconv.FormatUint(uint64(last)+1, 10) + ":*")
	if err != nil {
		return err
	}
	for uid := range imapwire.EachUID(found) {
		if uid > last && len(w.uids) < int(s.box.exists) {
			w.uids = append(w.uids, uid)
		}
	}
	return w.fresh(ctx, s, last)
}
