package nntp

import (
	"context"
	"errors"
	"iter"

	"github.com/netclients/netclients/internal/line"
	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// The most commands in flight, and the number of unanswered ones at which more are
// sent. With a round trip of 50 ms, a window of only 250 delays 20000 articles by seconds.
const (
	windowHigh = 1000
	windowLow  = 800
)

// BulkGet reads many articles on one connection, pipelined, in order.
func (c *Client) BulkGet(ctx context.Context, names iter.Seq[string], each func(string, *protocols.Object, error) error) error {
	return c.BulkPart(ctx, names, Whole, each)
}

// BulkPart is BulkGet for the header or the body alone.
func (c *Client) BulkPart(ctx context.Context, names iter.Seq[string], part Part, each func(string, *protocols.Object, error) error) (err error) {
	ctx, done := c.line.Observed(ctx, "get", "")
	defer func() { done(err) }()
	ctx, leave, err := c.line.Enter(ctx)
	if err != nil {
		return c.wrap(err, "get", "")
	}
	defer leave()
	next, stop := iter.Pull(names)
	defer stop()
	first, ok := next()
	for ; ok; first, ok = next() { // invalid names need no connection
		if _, err := article(first); err == nil {
			break
		} else if err := each(first, nil, c.wrap(err, "get", first)); err != nil {
			return err
		}
	}
	if !ok {
		return nil
	}
	left := []string{first}
	for len(left) > 0 { // once more for each login that expires
		held := left
		left, err = c.bulkRun(ctx, &bulk{part: part, each: each}, func(yield func(string) bool) {
			for _, name := range held {
				if !yield(name) {
					return
				}
			}
			for name, ok := next(); ok && yield(name); name, ok = next() {
			}
		}, held[0])
	}
	return c.wrap(err, "get", "")
}

// bulkRun gets articles in one session, and returns those that are left when its login
// has expired.
func (c *Client) bulkRun(ctx context.Context, b *bulk, names iter.Seq[string], first string) (left []string, err error) {
	err = c.line.Run(ctx, func(s *session) error {
		b.ctx, b.s = ctx, s
		if err := b.probe(ctx, first); err != nil {
			return err
		}
		return b.run(names)
	})
	return b.left, err
}

// bulk is one run of BulkPart.
type bulk struct {
	ctx    context.Context // of the call
	s      *session
	part   Part
	each   func(string, *protocols.Object, error) error
	sent   string // the group of the commands sent last
	groups map[string]error
	left   []string // unanswered when the login has expired
	denied []denial // articles refused with 502, not reported yet
}

// denial is an article that was refused with 502. That is also what a server says that
// is about to close the connection (RFC 3977 3.2.1): then nothing is known of the article.
type denial struct {
	name string
	err  error
}

// mostDenied is the number of such refusals in a row after which they are believed.
const mostDenied = 100

// report passes an article, or why there is none, to each, after those denied before it.
func (b *bulk) report(name string, o *protocols.Object, err error) error {
	denied := b.denied
	b.denied = nil
	for _, d := range denied {
		if err := b.each(d.name, nil, d.err); err != nil {
			return err
		}
	}
	if name == "" {
		return nil
	}
	return b.each(name, o, err)
}

// deny keeps a refusal until it is known that the session goes on.
func (b *bulk) deny(name string, err error) error {
	if e, ok := errors.AsType[*protocols.Error](err); !ok || e.Code != 502 || len(b.denied) == mostDenied {
		return b.report(name, nil, err)
	}
	b.denied = append(b.denied, denial{name, err})
	return nil
}

// errExpired ends a session whose login has expired.
var errExpired = errors.New("the login has expired")

// job is a name with its commands in flight.
type job struct {
	name   string
	target target
	bad    error // the name is invalid
	enters bool  // GROUP was sent ahead
}

// probe sends one command before the pipeline starts, so that a server that requires
// MODE READER gets it first. A session with a login or a selected group needs no
// probe. The reply about the article itself is ignored.
func (b *bulk) probe(ctx context.Context, name string) error {
	t, err := article(name)
	if err != nil || b.s.loggedIn || b.s.group != "" {
		return nil
	}
	var r *protocols.Reply
	if t.id != "" {
		r, err = b.s.Cmd("STAT", t.id)
	} else {
		r, err = b.s.Cmd("GROUP", t.group)
	}
	if err != nil {
		return err
	}
	if r.Code == 211 && t.group != "" {
		_, err = b.s.entered(t.group, r)
		return err
	}
	_, err = b.s.remedy(ctx, r)
	return err
}

// run keeps a window of commands in flight.
func (b *bulk) run(names iter.Seq[string]) error {
	b.sent, b.groups = b.s.group, map[string]error{}
	high, low := b.s.window()
	w := wire.NewWindow(b.s.Out, high, low, b.send)
	jobs := func(yield func(*job) bool) {
		for name := range names {
			t, err := article(name)
			if !yield(&job{name: name, target: t, bad: err}) {
				return
			}
		}
	}
	for j, err := range w.All(jobs) {
		if err != nil {
			return b.s.Fail(err)
		}
		if err := b.answer(j); err != nil {
			if err == errExpired {
				for _, d := range b.denied {
					b.left = append(b.left, d.name)
				}
				b.left = append(b.left, j.name)
				for _, p := range w.Pending() {
					b.left = append(b.left, p.name)
				}
				return b.s.Fail(err)
			}
			if b.s.Failed() == nil && len(w.Pending()) > 0 {
				b.s.Fail(line.ErrStop) // unread replies are in flight
			}
			return err
		}
	}
	if len(b.denied) > 0 {
		if err := b.s.Quiet(!b.s.deflated); err != nil {
			return err
		}
	}
	return b.report("", nil, nil)
}

// send adds the commands of one article.
func (b *bulk) send(j *job) error {
	if j.bad != nil {
		return nil
	}
	if j.target.group != "" && j.target.group != b.sent {
		j.enters = true
		if err := b.s.Queue("GROUP", j.target.group); err != nil {
			return err
		}
		b.sent = j.target.group
		if b.s.c.Settings.NoPipelining {
			return nil // answer sends the rest
		}
	}
	return b.s.Queue(string(b.part), j.target.spec())
}

// answer reads the replies for one article and passes it to each.
func (b *bulk) answer(j *job) error {
	if j.bad != nil {
		return b.report(j.name, nil, b.s.c.wrap(j.bad, "get", j.name))
	}
	if j.enters {
		if err := b.enter(j.target.group); err != nil {
			return err
		}
		if refused := b.groups[j.target.group]; refused != nil && b.s.c.Settings.NoPipelining {
			return b.report(j.name, nil, b.s.c.wrap(refused, "get", j.name))
		}
	}
	r, err := b.reply(j)
	if err != nil {
		return err
	}
	if b.s.expired(r) {
		return errExpired
	}
	if refused := b.groups[j.target.group]; refused != nil {
		return b.elsewhere(j, r, refused)
	}
	e, err := articleReader{b.s}.begun(r, j.target, b.part)
	if err != nil {
		if b.s.Failed() != nil || b.s.Last.Code == 400 {
			return b.s.Fail(err)
		}
		return b.fill(j, err)
	}
	b.s.served = true
	content := articleReader{b.s}.newBody(j.name)
	content.release = func() {}
	err = b.report(j.name, &protocols.Object{Entry: e, Body: content}, nil)
	content.Close()
	if err == nil {
		err = b.s.Failed()
	}
	return err
}

// reply reads the reply about one article. One command at a time, its command goes out
// only now, when GROUP was answered.
func (b *bulk) reply(j *job) (*protocols.Reply, error) {
	if !j.enters || !b.s.c.Settings.NoPipelining {
		return b.s.Reply()
	}
	return b.s.Cmd(string(b.part), j.target.spec())
}

// fill passes the article of another server, or the error of this one, to each.
func (b *bulk) fill(j *job, missing error) error {
	o, err := filler{b.s.c}.article(b.ctx, j.target, b.part, missing)
	if err != nil {
		return b.deny(j.name, b.s.c.wrap(err, "get", j.name))
	}
	defer o.Body.Close()
	return b.report(j.name, o, nil)
}

// enter reads the reply to GROUP. After a refusal the articles that follow belong to
// another group and are dropped.
func (b *bulk) enter(group string) error {
	r, err := b.s.Reply()
	if err != nil {
		return err
	}
	if b.s.expired(r) {
		return errExpired
	}
	if r.Code != 211 {
		b.groups[group] = refusal(r)
		b.sent = "" // GROUP is sent again for the next name
		return nil
	}
	delete(b.groups, group)
	_, err = b.s.entered(group, r)
	return err
}

// elsewhere drops the reply for an article whose group was refused.
func (b *bulk) elsewhere(j *job, r *protocols.Reply, refused error) error {
	if hasData(r.Code, string(b.part)) {
		if err := b.s.block().Drain(mostDrained); err != nil {
			return b.s.Fail(err)
		}
	}
	return b.report(j.name, nil, b.s.c.wrap(refused, "get", j.name))
}
