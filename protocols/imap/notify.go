package imap

import (
	"context"
	"time"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// watchAccount is Watch of all mailboxes of the account, on one connection, with NOTIFY
// (RFC 5465).
func watchAccount(ctx context.Context, c *Client, tell yielder) error {
	a := &accountWatcher{watcher: watcher{c: c}, tell: tell}
	return a.run(ctx)
}

// accountWatcher is one watch of an account. The set of a happening is the name of a mailbox.
type accountWatcher struct {
	watcher
	tell yielder
}

func (a *accountWatcher) run(ctx context.Context) error {
	var began time.Time
	return retry.Policy{
		Retries: retry.Forever, Max: longWatch, Jitter: true,
		Again:    func(err error) bool { return a.started && comesBack(err) },
		Advanced: func() bool { return time.Since(began) > longWatch },
	}.Do(ctx, func() error {
		began = time.Now()
		return a.c.line.Run(ctx, func(s *session.Session) error { return a.session(ctx, s) })
	})
}

// session watches on one connection. It returns only with an error.
func (a *accountWatcher) session(ctx context.Context, s *session.Session) error {
	if !s.Has("NOTIFY") {
		return imapwire.Missing("watch", "NOTIFY")
	}
	a.s = s
	if s.Selected() != nil && s.Has("UNSELECT") { // of a selected mailbox nothing would be said
		if err := s.Simple("UNSELECT"); err != nil {
			return err
		}
	}
	s.Deselect()
	s.OnUntagged(a.collect)
	defer s.OnUntagged(nil)
	if err := a.subscribe(); err != nil {
		return err
	}
	if a.started {
		if err := a.tell(a.event("reset", "")); err != nil {
			return err
		}
	}
	a.started = true
	for {
		if err := a.await(ctx); err != nil {
			return err
		}
		if err := a.report(); err != nil {
			return err
		}
	}
}

// subscribe asks for what happens. The server first says how all mailboxes are, which is no
// news.
func (a *accountWatcher) subscribe() error {
	err := a.s.Simple("NOTIFY", "SET", "STATUS", "(personal (MessageNew MessageExpunge FlagChange MailboxName))")
	if err != nil && imapwire.Refused(err) {
		return imapwire.Missing("watch", "NOTIFY for an account: "+err.Error())
	}
	a.clearNews()
	return err
}

// overflow is the code of a server that ends notifications: there were too many.
const overflow = "NOTIFICATIONOVERFLOW"

// collect gathers what happens.
func (a *accountWatcher) collect(r *imapwire.Response) error {
	h := happening{name: r.Name}
	ok := false
	switch r.Name {
	case "STATUS":
		h.set, _, ok = parseStatus(a.s, r)
	case "LIST":
		var l listed
		l, ok = parseList(a.s, r)
		h.set = l.name
	case "OK":
		if ok = r.Status().Code == overflow; ok {
			h.name = overflow
		}
	}
	if !ok {
		return nil
	}
	if len(a.news) >= maxNews || a.budget.Take(h.set) != nil {
		h = happening{name: overflow} // whatever it was
		a.news = a.news[:0]
	}
	a.news = append(a.news, h)
	if a.wake != nil {
		a.wake()
	}
	return nil
}

// report reports what happened, each mailbox once.
func (a *accountWatcher) report() error {
	news := a.news
	a.clearNews()
	told := map[[2]string]bool{}
	for _, h := range news {
		if told[[2]string{h.name, h.set}] {
			continue
		}
		told[[2]string{h.name, h.set}] = true
		what := "changed"
		switch h.name {
		case "LIST":
			what = "listed"
		case overflow:
			what = "reset"
			if err := a.subscribe(); err != nil {
				return err
			}
		}
		if err := a.tell(a.event(what, h.set)); err != nil {
			return err
		}
	}
	return nil
}

// event returns the entry of something that happened to a mailbox.
func (a *accountWatcher) event(what, mailbox string) protocols.Entry {
	e := mailboxEntry(a.s, &listed{name: mailbox})
	e.Facts = map[string]string{"event": what}
	return e
}
