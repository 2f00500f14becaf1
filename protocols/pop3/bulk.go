package pop3

import (
	"context"
	"iter"
	"slices"
	"strconv"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// item is one message of a bulk operation.
type item struct {
	name   string
	target target
	number int
	err    error // nothing was sent for it
}

// BulkGet reads many messages on one session, pipelined where the server offers
// that.
func (c *Client) BulkGet(ctx context.Context, names iter.Seq[string], each func(string, *protocols.Object, error) error) (err error) {
	ctx, done := c.line.Observed(ctx, "get", "")
	defer func() { done(err) }()
	return c.many(ctx, "get", names, func(name string, err error) error { return each(name, nil, err) }, func(ctx context.Context, s *session, names iter.Seq[string]) error {
		b := &body{s: s, ctx: ctx}
		return s.bulk("RETR", names, func(it item) error {
			if it.err != nil {
				return each(it.name, nil, s.c.wrap(it.err, "get", it.name))
			}
			return s.bulkOne(it, b, each)
		})
	})
}

// many runs an operation on many messages. Names that cannot be any are refused
// one by one; nothing is connected before the first that can.
func (c *Client) many(ctx context.Context, op string, names iter.Seq[string], refuse func(string, error) error, f func(ctx context.Context, s *session, names iter.Seq[string]) error) error {
	ctx, leave, err := c.line.Enter(ctx)
	if err != nil {
		return c.wrap(err, op, "")
	}
	defer leave()
	next, stop := iter.Pull(names)
	defer stop()
	for name, ok := next(); ok; name, ok = next() {
		if _, err := checkName(name); err != nil {
			if err := refuse(name, c.wrap(err, op, name)); err != nil {
				return err
			}
			continue
		}
		rest := func(yield func(string) bool) {
			for more := true; more && yield(name); name, more = next() {
			}
		}
		return c.wrap(c.line.Run(ctx, func(s *session) error { return f(ctx, s, rest) }), op, "")
	}
	return nil
}

// checkName checks the name of one message.
func checkName(name string) (target, error) {
	if err := wire.Check(name); err != nil {
		return target{}, &protocols.Error{Kind: protocols.KindUsage, Err: err}
	}
	return one(name)
}

// bulkOne reads one answer to RETR.
func (s *session) bulkOne(it item, b *body, each func(string, *protocols.Object, error) error) error {
	r, err := s.Reply()
	if err != nil {
		return err
	}
	if !ok(r) {
		return each(it.name, nil, s.c.wrap(refusal(r), "get", it.name))
	}
	e := s.message(it.target, it.number, announced(r.Text()))
	e.ID = s.ids.of(it.number)
	e.UID = e.ID
	*b = body{s: s, ctx: b.ctx, dot: s.dots(), name: e.Path, left: -1}
	err = each(it.name, &protocols.Object{Entry: e, Body: b}, nil)
	b.finish()
	if err == nil {
		err = s.Failed()
	}
	return err
}

// bulk sends a command for each name and has each read the answers in turn. An
// error that each returns stops it; answers that are still due then cost the
// connection.
func (s *session) bulk(verb string, names iter.Seq[string], each func(it item) error) error {
	if err := s.needIDs(); err != nil { // now, when no other answer is due
		return err
	}
	w := windowOf(s, func(it item) error {
		if it.err != nil {
			return nil
		}
		return s.Out.Cmd(verb, strconv.Itoa(it.number))
	})
	for it, err := range w.All(s.items(verb, names)) {
		if err != nil {
			return s.Fail(err)
		}
		if !s.pipelined() {
			s.Conn.QuickAck()
		}
		if err := each(it); err != nil {
			s.abandon(len(w.Pending()))
			return err
		}
	}
	return s.Failed()
}

// items finds the numbers of names.
func (s *session) items(verb string, names iter.Seq[string]) iter.Seq[item] {
	return func(yield func(item) bool) {
		for name := range names {
			it := item{name: name}
			if it.target, it.err = checkName(name); it.err == nil {
				it.err = s.stale(verb, it.target)
			}
			if it.err == nil {
				it.number, it.err = s.number(it.target)
			}
			if !yield(it) {
				return
			}
		}
	}
}

// Remove deletes a message and ends the session, for only QUIT makes the server do
// it. For many messages BulkRemove is the way.
func (c *Client) Remove(ctx context.Context, name string) error {
	var refused error
	err := c.bulkRemove(ctx, slices.Values([]string{name}), func(_ string, err error) error {
		refused = err
		return nil
	})
	if err == nil {
		err = refused
	}
	return err
}

// BulkRemove deletes messages (DELE), pipelined, and ends the session with QUIT.
// Nil means that the server has confirmed QUIT. With any error it deletes nothing,
// unless the error is that of QUIT itself: then nobody knows.
func (c *Client) BulkRemove(ctx context.Context, names iter.Seq[string], each func(name string, err error) error) error {
	if each == nil {
		each = func(string, error) error { return nil }
	}
	return c.bulkRemove(ctx, names, each)
}

func (c *Client) bulkRemove(ctx context.Context, names iter.Seq[string], each func(name string, err error) error) error {
	return c.many(ctx, "rm", names, each, func(ctx context.Context, s *session, names iter.Seq[string]) error {
		if c.memory().Knows(c.line.URL.Host, outOfStep) {
			return protocols.ProtocolError(proto, "rm", "the server's answers were out of step with the commands: nothing is deleted there")
		}
		gone := 0
		err := s.bulk("DELE", names, func(it item) error {
			if it.err == nil {
				r, err := s.Reply()
				if err != nil {
					return err
				}
				it.err = want(r)
			}
			if it.err == nil {
				gone++
			}
			return each(it.name, c.wrap(it.err, "rm", it.name))
		})
		if err != nil {
			c.line.Drop(s) // without QUIT: the server forgets the marks (RFC 1939 6)
			return err
		}
		if gone == 0 {
			return nil
		}
		c.numbered = s
		return s.commit()
	})
}

// stale refuses to delete by a number of an earlier session: it may mean another
// message by now.
func (s *session) stale(verb string, t target) error {
	if verb != "DELE" || t.uid != "" || s.c.numbered == nil || s.c.numbered == s {
		return nil
	}
	return protocols.UsageError(proto, "rm", "numbers may have changed since an earlier session: list anew, or name it by its unique id")
}

// commit ends the session so that the server deletes what is marked (RFC 1939 6).
func (s *session) commit() error {
	defer s.c.line.Drop(s)
	_, err := s.Need("QUIT")
	return err
}
