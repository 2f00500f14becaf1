package ftp

import (
	"context"
	"iter"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// BulkGet reads many files on one session, each with its commands in one flight.
// Where the server is known to take it, the next flight goes out as soon as the data
// of a file has ended, ahead of the reply that confirms it: that saves a round trip.
// Nothing is sent while data flows: some servers take that for an attempt to abort.
func (c *Client) BulkGet(ctx context.Context, names iter.Seq[string], each func(string, *protocols.Object, error) error) (err error) {
	ctx, done := c.line.Observed(ctx, "get", "")
	defer func() { done(err) }()
	ctx, leave, err := c.line.Enter(ctx)
	if err != nil {
		return c.line.Wrap(err, "get", "")
	}
	defer leave()
	next, stop := iter.Pull(names)
	defer stop()
	b := &bulk{c: c, ctx: ctx, names: next}
	defer b.rest()
	for name, ok := b.take(); ok; name, ok = b.take() {
		if err := b.one(name, each); err != nil {
			return c.line.Wrap(err, "get", name)
		}
	}
	return nil
}

// bulk is one BulkGet.
type bulk struct {
	c     *Client
	ctx   context.Context
	names func() (string, bool)
	name  *string  // the next one, which was looked at already
	s     *session // kept from file to file while commands are under way; nil: none
	free  func()   // lets go of s
}

// take returns the next name.
func (b *bulk) take() (string, bool) {
	if name := b.name; name != nil {
		b.name = nil
		return *name, true
	}
	return b.names()
}

// one reads one file. Its error ends the whole: the caller's, or that of a
// connection that is lost.
func (b *bulk) one(name string, each func(string, *protocols.Object, error) error) error {
	c := b.c
	if err := checkName(name); err != nil {
		return each(name, nil, c.line.Wrap(err, "get", name))
	}
	freed := false
	d, err := c.get(b.ctx, name, &protocols.GetOptions{}, b.session, func() { freed = true })
	if err != nil {
		if !c.line.Held() {
			return err // the connection is lost
		}
		return each(name, nil, c.line.Wrap(err, "get", name))
	}
	d.next = b.launch
	err = each(name, d.obj, nil)
	if !freed {
		d.Close()
	}
	return err
}

// session returns the session of the whole, see [sessions].
func (b *bulk) session(ctx context.Context) (s *session, done func(), err error) {
	if b.s == nil {
		if b.s, b.free, err = b.c.line.Get(ctx); err != nil {
			b.s = nil
			return nil, nil, err
		}
	}
	return b.s, func() {
		if b.s.ahead == nil || b.s.Failed() != nil {
			b.rest()
		}
	}, nil
}

// rest lets go of the session. One with commands under way is not used again.
func (b *bulk) rest() {
	if b.s != nil {
		b.s.ahead = nil
		b.free()
		b.s = nil
	}
}

// launched is a transfer of a whole file whose commands have been sent.
type launched struct {
	*opening
	name  string
	e     protocols.Entry
	steps []step
}

// launch sends the commands for the next file.
func (b *bulk) launch() {
	s := b.s
	if !(opener{s}).leads() {
		return
	}
	name, ok := b.take()
	if !ok {
		return
	}
	b.name = &name
	absolute := strings.HasPrefix(name, "/") || strings.HasPrefix(s.home, "/")
	if checkName(name) != nil || s.away && !absolute {
		return
	}
	path, err := s.path(b.ctx, name)
	if err != nil {
		return
	}
	l := &launched{name: name, e: b.c.entry(name)}
	t := transfer{verb: "RETR", arg: path, ahead: s.factSteps(path, &l.e, false)}
	l.opening = &opening{s: s, ctx: b.ctx, mode: &modes[s.mode], transfer: t}
	l.steps = append(l.prepare(), l.start()...)
	if (flight{s}).takeOff(l.steps) == nil {
		s.ahead = l
	}
}

// leads reports whether the commands of a transfer may go out before the last reply
// to the one before, whose data has ended.
func (s opener) leads() bool {
	o := &s.c.Settings
	plain := len(o.Before) == 0 && len(o.After) == 0 && !o.ASCII && s.c.folder == nil
	return plain && s.shown && !s.dataFirst() && s.typ == 'I' && modes[s.mode].passive && s.Failed() == nil
}

// land reads the replies to the commands, and returns the body of the file.
func (l *launched) land() (*download, error) {
	s := l.s
	if err := (flight{s}).land(l.ctx, l.steps, l.abandon); err != nil {
		l.abandon()
		return nil, reader{s}.unlessFile(l.transfer.arg, err)
	}
	st, err := l.finish()
	if err != nil {
		return nil, err
	}
	d := st.download(l.ctx, l.name, &l.e, 0)
	if l.e.Size < 0 {
		l.e.Size = announced(st.begun)
	}
	return d, nil
}
