package smtp

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/netclients/netclients/protocols"
)

// maxFruitless is how many connections in a row may end before a single message
// got its answer.
const maxFruitless = 3

// Send sends one message. The receipt reports what the server said of each
// recipient; it comes with the error too, as far as things went. When some
// recipients were refused and the others got the message, the error is of kind
// Partial. The Body of m is read once, or again from where it stood if it can seek.
func (c *Client) Send(ctx context.Context, m *protocols.Message) (*protocols.Receipt, error) {
	return c.SendMail(ctx, &Mail{From: m.From, To: m.To, Size: m.Size, AsIs: m.AsIs, Open: opener(m.Body)})
}

// Delivers says that a message that was sent is the server's.
func (c *Client) Delivers() {}

// opener returns the same reader each time it is asked, back at its start if it can
// seek, else once.
func opener(r io.Reader) func() (io.ReadCloser, error) {
	seeker, ok := r.(io.Seeker)
	start, used := int64(0), false
	return func() (io.ReadCloser, error) {
		switch {
		case r == nil:
			return nil, protocols.UsageError(proto, "", "there is no message")
		case !used && ok:
			var err error
			start, err = seeker.Seek(0, io.SeekCurrent)
			ok = err == nil
		case used && !ok:
			return nil, &protocols.Error{Kind: protocols.KindLocal, Text: "the message can be read only once"}
		case used:
			if _, err := seeker.Seek(start, io.SeekStart); err != nil {
				return nil, err
			}
		}
		used = true
		return io.NopCloser(r), nil
	}
}

// SendMail is Send for a message with options.
func (c *Client) SendMail(ctx context.Context, m *Mail) (receipt *protocols.Receipt, err error) {
	ctx, done := c.line.Observed(ctx, "send", "")
	defer func() { done(err) }()
	var result error
	err = c.SendAll(ctx, func(yield func(*Mail) bool) { yield(m) }, func(_ *Mail, r *protocols.Receipt, err error) {
		receipt, result = r, err
	})
	if result != nil {
		err = result
	}
	if receipt == nil {
		receipt = &protocols.Receipt{MessageID: m.MessageID}
	}
	return receipt, err
}

// SendAll sends messages one after the other on one connection, and on further
// ones where the server ends it. each is called once for every message taken from
// mails, with what the server said of it: nil, an error as that of Send, or one of
// class [ErrUnknown]. Calls come from this goroutine, in the order of the answers.
// No message that may have been accepted is sent twice. A nil among mails says that
// the next one may take its time: all that was taken is sent and answered before
// mails is asked again.
//
// SendAll's own error means that no connection could be had: messages not taken
// from mails were not sent.
func (c *Client) SendAll(ctx context.Context, mails iter.Seq[*Mail], each func(m *Mail, r *protocols.Receipt, err error)) (err error) {
	ctx, done := c.line.Observed(ctx, "send", "")
	defer func() { done(err) }()
	ctx, leave, err := c.line.Enter(ctx)
	if err != nil {
		return c.wrap(err, "send")
	}
	defer leave()
	next, stop := iter.Pull(mails)
	defer stop()
	d := &dispatch{c: c, next: next, report: func(m *Mail, r *protocols.Receipt, err error) {
		for ; m.rest != nil; m = m.rest.of {
			r, err = m.rest.merge(r, err)
		}
		c.hide(r)
		each(m, r, c.wrap(err, "send"))
	}}
	return c.wrap(d.run(ctx), "send")
}

// hide takes secrets out of a receipt, which a server may have said back.
func (c *Client) hide(r *protocols.Receipt) {
	if r == nil {
		return
	}
	c.line.Mask.Reply(&r.Reply)
	for i := range r.Recipients {
		r.Recipients[i].Text = c.line.Mask.Text(r.Recipients[i].Text)
	}
}

// dispatch is the work of one SendAll, over as many sessions as it takes.
type dispatch struct {
	c         *Client
	next      func() (*Mail, bool)
	report    func(*Mail, *protocols.Receipt, error)
	left      []*Mail // back from a session that ended
	fruitless int     // sessions in a row without an answer to any message
}

func (d *dispatch) take() (*Mail, bool) {
	if len(d.left) > 0 {
		m := d.left[0]
		d.left = d.left[1:]
		return m, true
	}
	for {
		m, ok := d.next()
		if !ok {
			return nil, false
		}
		if m == nil {
			return nil, true
		}
		err := m.check()
		if err == nil {
			return m, true
		}
		d.report(m, nil, err)
	}
}

func (d *dispatch) run(ctx context.Context) error {
	for {
		m, ok := d.take()
		if !ok {
			return nil
		}
		if m == nil {
			continue
		}
		d.left = append([]*Mail{m}, d.left...)
		s, done, err := d.c.line.Get(ctx)
		if err != nil {
			return d.giveUp(err)
		}
		err = d.drive(s)
		done()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || d.fruitless >= maxFruitless {
			return d.giveUp(err)
		}
	}
}

// drive sends on one session until all is sent or the session ends.
func (d *dispatch) drive(s *session) error {
	before := s.answered
	k := &courier{s: s, next: d.take, report: d.report}
	left, err := k.run()
	d.left = append(left, d.left...)
	if err == nil {
		return nil
	}
	s.Fail(err)
	switch used := before > 0; {
	case s.answered > before:
		d.fruitless = 0
	case used: // the server had let go of a session that rested
	default:
		d.fruitless++
		d.blame(left, err)
	}
	return err
}

// blame returns the error of a session that answered nothing to the message that
// was first, which may be the cause.
func (d *dispatch) blame(left []*Mail, err error) {
	if len(left) == 0 {
		return
	}
	d.left = d.left[1:]
	d.report(left[0], nil, plain(err))
}

// plain takes the wrapping of this package off.
func plain(err error) error {
	if closing, ok := errors.AsType[*errClosing](err); ok {
		return closing.reply
	}
	return err
}

// giveUp reports what was taken and cannot be sent any more.
func (d *dispatch) giveUp(err error) error {
	err = plain(err)
	for _, m := range d.left {
		d.report(m, nil, err)
	}
	d.left = nil
	return err
}
