package http

import (
	"context"
	"iter"
	nethttp "net/http"
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

const (
	// mostAhead is how many requests wait for their answers on one connection.
	mostAhead = 32
	// mostAheadBytes bounds their heads: less than the buffers of two sockets hold,
	// so that neither side waits for the other to read.
	mostAheadBytes = 16 << 10
	// shortAnswer is the size up to which an answer lets more requests go ahead:
	// after a long one they would wait while another connection could serve them.
	shortAnswer = 256 << 10
)

// BulkGet reads many objects over one connection, in order. Once an answer has
// shown a server of HTTP/1.1 that keeps connections, requests are sent ahead of
// the answers (RFC 9112 9.3.2): few at first, more while the answers are short,
// none through a proxy. Those that a lost connection leaves without an answer are
// made again. A body that each does not read to its end may cost a connection.
func (c *Client) BulkGet(ctx context.Context, names iter.Seq[string], each func(string, *protocols.Object, error) error) (err error) {
	ctx, done := c.opts.Begin(ctx, operation(c, "get", ""))
	defer func() { done(err) }()
	next, stop := iter.Pull(names)
	defer stop()
	b := &bulk{c: c, next: next, each: each}
	for {
		if err := b.ahead(ctx); err != nil {
			return err
		}
		name, ok := b.take()
		if !ok {
			return nil
		}
		if err := b.alone(ctx, c, name); err != nil {
			return err
		}
	}
}

// bulk is one run of BulkGet.
type bulk struct {
	c    *Client
	next func() (string, bool)
	each func(string, *protocols.Object, error) error
	sent []sentGet // without an answer yet, the oldest first
	lost []string  // to be asked for again, before what next returns
}

// sentGet is a request that went ahead; m is nil for one that could not.
type sentGet struct {
	name string
	m    *outgoing
	size int // of its head
}

func (b *bulk) take() (string, bool) {
	if len(b.lost) > 0 {
		name := b.lost[0]
		b.lost = b.lost[1:]
		return name, true
	}
	return b.next()
}

// alone gets one object with all that Get does.
func (b *bulk) alone(ctx context.Context, c *Client, name string) error {
	obj, err := c.Get(ctx, name, nil)
	if err != nil && (ctx.Err() != nil || protocols.KindOf(err) == protocols.KindConnect) {
		return err
	}
	return b.give(name, obj, err)
}

func (b *bulk) give(name string, obj *protocols.Object, err error) error {
	err = b.each(name, obj, err)
	if obj != nil {
		obj.Body.Close()
	}
	return err
}

// ahead sends requests ahead over the kept connection, until there are no more
// names or the connection ends. The error is one that ends all of the run.
func (b *bulk) ahead(ctx context.Context) error {
	c := b.c
	l := c.conns.pipelined()
	if l == nil || c.Settings.Pace != nil {
		return nil
	}
	ctx, release, err := c.enter(ctx)
	if err != nil {
		return err
	}
	defer release()
	got, _, err := c.conns.take(ctx, c.url)
	if err != nil {
		return c.wrap(err, "get", "")
	}
	defer func() { c.conns.giveBack(c.url, got) }()
	if got != l { // it had ended meanwhile; the new one must prove itself first
		return nil
	}
	done := l.conn.Use(ctx)
	defer done()
	err = b.exchange(ctx, l)
	for _, s := range b.sent {
		b.lost = append(b.lost, s.name)
	}
	if l.spent = l.spent || len(b.sent) > 0; ctx.Err() != nil {
		return c.wrap(context.Cause(ctx), "get", "")
	}
	b.sent = nil
	return err
}

// exchange sends and receives. It leaves in sent what has no answer.
func (b *bulk) exchange(ctx context.Context, l *http1) error {
	for {
		if len(b.sent) <= l.window/2 && !b.fill(ctx, l) || len(b.sent) == 0 {
			return nil
		}
		oldest := b.sent[0]
		if oldest.m == nil {
			b.sent = b.sent[1:]
			if err := b.alone(ctx, b.c.beside(), oldest.name); err != nil {
				return err
			}
			continue
		}
		resp, err := b.receive(l, oldest)
		if protocols.KindOf(err) == protocols.KindTimeout {
			return b.c.wrap(err, "get", oldest.name)
		}
		if err != nil {
			return nil // asked for again, alone, and then told of
		}
		b.sent = b.sent[1:]
		switch {
		case resp.Length > shortAnswer:
			l.window = 1
		case resp.Length >= 0:
			l.window = min(2*l.window, mostAhead)
		}
		if err := b.deliver(ctx, oldest, resp); err != nil || l.spent {
			return err
		}
	}
}

// fill sends requests until as many wait as may. It reports whether the connection
// took them.
func (b *bulk) fill(ctx context.Context, l *http1) bool {
	waiting := 0
	for _, s := range b.sent {
		waiting += s.size
	}
	var out []byte
	for len(b.sent) < l.window && waiting < mostAheadBytes {
		name, ok := b.take()
		if !ok {
			break
		}
		s := sentGet{name: name}
		if s.m = b.prepare(ctx, l, name); s.m != nil {
			head, err := l.requestHead(s.m)
			if err != nil {
				return false
			}
			s.size = len(head)
			out = append(out, head...)
		}
		b.sent = append(b.sent, s)
		waiting += s.size
	}
	if len(out) == 0 {
		return true
	}
	_, err := l.conn.Write(out)
	return err == nil
}

// prepare returns the request for a name, or nil where it must be made alone: it is
// at another server, or something is wrong with it.
func (b *bulk) prepare(ctx context.Context, l *http1, name string) *outgoing {
	u, err := b.c.urlOf(name)
	if err != nil || wire.Check(name) != nil || !sameOrigin(u, b.c.url) {
		return nil
	}
	r := b.c.getRequest(u, &protocols.GetOptions{})
	if r.check() != nil {
		return nil
	}
	m, err := b.c.engine.prepare(ctx, r, b.c.engine.login(u))
	if err != nil || m.fit(l) != nil {
		return nil
	}
	return m
}

// receive reads the head of the answer to the oldest request.
func (b *bulk) receive(l *http1, s sentGet) (*Response, error) {
	start := time.Now()
	l.uses++
	l.interim.reset()
	r, err := l.head(s.m, 0)
	if err != nil {
		l.spent = true
		return nil, err
	}
	if jar := b.c.Settings.Jar; jar != nil {
		jar.Store(s.m.URL, r.Header, start)
	}
	return l.answer(s.m, r, time.Since(start), true, func() {}), nil
}

// deliver hands an answer over. One that asks for another request is made anew
// over another connection.
func (b *bulk) deliver(ctx context.Context, s sentGet, resp *Response) error {
	if leadsOn(resp) && !b.c.Settings.NoFollow || resp.Status == nethttp.StatusUnauthorized {
		resp.Body.Close()
		return b.alone(ctx, b.c.beside(), s.name)
	}
	var obj *protocols.Object
	resp, err := b.c.engine.decoded(resp, s.m.Request)
	if err == nil {
		if obj, err = b.c.object(s.name, resp, &protocols.GetOptions{}); err != nil {
			resp.Body.Close()
		} else {
			obj.Body = &content{c: b.c, name: s.name, body: &gatedBody{body: obj.Body}}
		}
	}
	return b.give(s.name, obj, b.c.wrap(err, "get", s.name))
}
