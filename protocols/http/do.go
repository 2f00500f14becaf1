package http

import (
	"context"
	"errors"
	"io"
	"maps"
	nethttp "net/http"
	"net/textproto"
	"sync/atomic"
	"time"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Do makes a request and returns the answer, whatever its status: 4xx and 5xx are
// no errors here, [Response.AsError] makes them some. Redirects are followed and
// logins made as the settings and options say. The caller closes the body; until
// then the client is busy. ctx covers the body too.
func (c *Client) Do(ctx context.Context, r *Request) (*Response, error) {
	resp, err := c.do(ctx, r)
	if err != nil {
		at := protocols.Redact(c.url)
		if r.URL != nil {
			at = c.shown(r.URL)
		}
		return nil, protocols.Wrap(err, proto, "request", at)
	}
	return resp, nil
}

// do is Do with the bare error.
func (c *Client) do(ctx context.Context, r *Request) (*Response, error) {
	release, err := c.enter(ctx)
	if err != nil {
		return nil, err
	}
	resp, err := c.perform(ctx, r)
	if err != nil {
		release()
		return nil, err
	}
	resp.Body = &held{body: resp.Body, release: release}
	return resp, nil
}

// enter checks names and takes the gate; nothing is sent before.
func (c *Client) enter(ctx context.Context, names ...string) (release func(), err error) {
	if err := wire.Check(names...); err != nil {
		return nil, &protocols.Error{Kind: protocols.KindUsage, Err: err}
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if err := c.gate.Enter(); err != nil {
		return nil, err
	}
	return c.gate.Leave, nil
}

// held keeps the client busy until the body is closed.
type held struct {
	body    io.ReadCloser
	release func()
}

func (h *held) Read(p []byte) (int, error) { return h.body.Read(p) }

// WriteTo copies by the body's own fast way, where it has one.
func (h *held) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, h.body) }

// Close frees the client.
func (h *held) Close() error {
	err := h.body.Close()
	if h.release != nil {
		h.release()
		h.release = nil
	}
	return err
}

// defaultRedirects is how many redirects are followed.
const defaultRedirects = 20

// perform makes a request and follows where it leads. The gate is taken.
func (c *Client) perform(ctx context.Context, r *Request) (*Response, error) {
	if err := errors.Join(r.check(), checkHeader(c.Settings.Header)); err != nil {
		return nil, err
	}
	start, most := time.Now(), c.Settings.MaxRedirects
	if most <= 0 {
		most = defaultRedirects
	}
	body := newReplay(r.Body)
	own := *r
	own.Body = body.reader()
	for hop := 0; ; hop++ {
		resp, err := c.authorized(ctx, &own, body)
		if err != nil {
			return nil, err
		}
		if !r.bare && c.Settings.Jar != nil {
			c.Settings.Jar.Store(own.URL, resp.Header, time.Now())
		}
		resp.Hops, resp.Times.Total = hop, time.Since(start)
		if r.NoFollow || c.Settings.NoFollow || !leadsOn(resp) {
			return c.decoded(resp, &own)
		}
		if hop == most {
			resp.Body.Close()
			return nil, protocolError("more than " + plural(most, "redirect"))
		}
		next, err := c.follow(&own, resp)
		resp.Body.Close()
		if err == nil && next.Body != nil {
			err = body.rewind()
		}
		if err != nil {
			return nil, err
		}
		own = *next
	}
}

// authorized makes a request, and once more with a login when the server wants one.
func (c *Client) authorized(ctx context.Context, r *Request, body *replay) (*Response, error) {
	lg := c.login(r.URL)
	for attempt := 0; ; attempt++ {
		m, err := c.message(ctx, r, lg)
		if err != nil {
			return nil, err
		}
		resp, err := c.once(ctx, m, body)
		if err != nil || r.bare || resp.Status != nethttp.StatusUnauthorized || attempt == 2 {
			return resp, err
		}
		again, err := lg.challenged(ctx, resp, m)
		if err != nil || !again {
			if err != nil {
				resp.Body.Close()
			}
			return resp, err
		}
		resp.Body.Close()
		if r.Body != nil {
			if err := body.rewind(); err != nil {
				return nil, err
			}
		}
	}
}

// message decides what goes out with a request. Settings' headers are for the
// client's own server where they are secrets.
func (c *Client) message(ctx context.Context, r *Request, lg *login) (*message, error) {
	m := &message{Request: r, header: Header{}}
	m.header["User-Agent"] = []string{userAgent}
	m.header["Accept"] = []string{"*/*"}
	m.header["Accept-Encoding"] = []string{"identity"}
	if c.Settings.Compressed && !r.raw {
		m.header["Accept-Encoding"] = []string{codings}
	}
	if jar := c.Settings.Jar; jar != nil && !r.bare {
		if line := jar.Line(r.URL, time.Now()); line != "" {
			m.header["Cookie"] = []string{line}
		}
	}
	own := sameOrigin(r.URL, c.url)
	if !r.bare {
		c.overlay(m.header, c.Settings.Header, own)
	}
	c.overlay(m.header, r.Header, true)
	if _, set := m.header["Authorization"]; !set && !r.bare {
		if err := lg.authorize(ctx, m); err != nil {
			return nil, err
		}
	}
	m.secret = len(m.header["Authorization"]) > 0
	return m, nil
}

// overlay puts headers of the user in place of ours. One without a value drops
// ours. All that a user gives may be a secret (X-Api-Key), so that another origin
// gets only what is plainly none.
func (c *Client) overlay(to, from Header, own bool) {
	for name, values := range from {
		name = textproto.CanonicalMIMEHeaderKey(name)
		if !own && !harmless[name] || framed[name] {
			continue
		}
		if name == "Cookie" && len(to["Cookie"]) > 0 && len(values) > 0 {
			to["Cookie"] = []string{to["Cookie"][0] + "; " + values[0]}
			continue
		}
		if len(values) == 0 {
			delete(to, name)
			continue
		}
		to[name] = values
	}
}

// harmless headers of the user go along to where a redirect leads.
var harmless = map[string]bool{
	"Accept": true, "Accept-Charset": true, "Accept-Encoding": true, "Accept-Language": true, "Cache-Control": true,
	"Content-Type": true, "Content-Language": true, "Content-Encoding": true, "If-Match": true, "If-None-Match": true,
	"If-Modified-Since": true, "If-Unmodified-Since": true, "If-Range": true, "Range": true, "User-Agent": true, "Depth": true,
}

// framed headers say how the body is sent, and are ours alone: a second word on
// that is how requests are smuggled (RFC 9112 11.2).
var framed = map[string]bool{"Content-Length": true, "Transfer-Encoding": true, "Connection": true, "Expect": true, "Te": true, "Trailer": true, "Upgrade": true}

// once sends a message over the link of its origin. One that a kept connection
// did not take is sent on a new one, where that can do no harm.
func (c *Client) once(ctx context.Context, m *message, body *replay) (*Response, error) {
	for {
		l, reused, err := c.link(ctx, m.URL)
		if err != nil {
			return nil, err
		}
		if m.secret {
			err = l.secret()
		}
		var resp *Response
		if err == nil {
			resp, err = l.send(ctx, m)
		}
		if err == nil {
			resp.Body = &linked{ReadCloser: resp.Body, c: c, m: m, l: l}
			return resp, nil
		}
		c.keep(m.URL, l)
		if !reused || !isFresh(err) || !repeatable(m, body) {
			return nil, err
		}
	}
}

func isFresh(err error) bool {
	_, ok := errors.AsType[fresh](err)
	return ok
}

// repeatable: a request without effects that is sent twice has none twice (RFC
// 9110 9.2.2).
func repeatable(m *message, body *replay) bool {
	switch m.method() {
	case nethttp.MethodPost, nethttp.MethodPatch, "LOCK":
		return false
	}
	return m.Body == nil || body.rewind() == nil
}

// linked returns the link back when the body is closed.
type linked struct {
	io.ReadCloser
	c *Client
	m *message
	l link
}

// WriteTo copies by the body's own fast way, where it has one.
func (b *linked) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, b.ReadCloser) }

// Close closes the body and keeps the link for the next request.
func (b *linked) Close() error {
	err := b.ReadCloser.Close()
	if b.l != nil {
		b.c.keep(b.m.URL, b.l)
		b.l = nil
	}
	return err
}

// replay is a request's body that may have to go out again.
type replay struct {
	body  io.Reader
	seek  io.Seeker // nil: it cannot
	start int64
	read  atomic.Bool // something was taken of a body that cannot seek
}

func newReplay(body io.Reader) *replay {
	p := &replay{body: body}
	if s, ok := body.(io.Seeker); ok {
		if at, err := s.Seek(0, io.SeekCurrent); err == nil {
			p.seek, p.start = s, at
		}
	}
	return p
}

// reader returns what to send: the body itself, where the kernel may know it.
func (p *replay) reader() io.Reader {
	if p.body == nil || p.seek != nil {
		return p.body
	}
	return p
}

// Read reads a body that can be read only once.
func (p *replay) Read(b []byte) (int, error) {
	p.read.Store(true)
	return p.body.Read(b)
}

// rewind goes back to where the body starts.
func (p *replay) rewind() error {
	if p.body == nil || p.seek == nil && !p.read.Load() {
		return nil
	}
	if p.seek == nil {
		return &protocols.Error{
			Kind: protocols.KindRefused, Text: "the body would have to be sent again, and it can be read only once",
			Hint: "take it from a file; or give the last URL, and --auth MECHANISM for a login",
		}
	}
	_, err := p.seek.Seek(p.start, io.SeekStart)
	return err
}

// clone returns a copy of a header that may be changed.
func clone(h Header) Header {
	if h == nil {
		return Header{}
	}
	return maps.Clone(h)
}
