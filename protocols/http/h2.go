package http

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	nethttp "net/http"
	"time"

	"golang.org/x/net/http2"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// http2Link is a link of HTTP/2 (RFC 9113), by golang.org/x/net/http2.
type http2Link struct {
	c    *Client
	conn *transport.Conn
	cc   *http2.ClientConn
	multi
}

func newHTTP2(c *Client, conn *transport.Conn) (link, error) {
	t := &http2.Transport{DisableCompression: true, AllowHTTP: true, MaxHeaderListSize: uint32(c.headLimit()), MaxReadFrameSize: 64 << 10}
	cc, err := t.NewClientConn(conn)
	if err != nil {
		conn.Close()
		return nil, badFrames(err)
	}
	l := &http2Link{c: c, conn: conn, cc: cc}
	l.multi = multi{c: c, trip: cc.RoundTrip, state: conn.TLS, address: conn.RemoteAddr().String(), event: conn.Event, timings: conn.Timings()}
	return l, nil
}

func (l *http2Link) good() bool { return !l.conn.Broken() && !l.spent }

func (l *http2Link) ready() bool { return l.good() && l.cc.CanTakeNewRequest() }

func (l *http2Link) close() {
	l.cc.Close()
	l.conn.Close()
}

func (l *http2Link) secret() error { return l.conn.AllowSecret() }

// multi is what the links of HTTP/2 and 3 share: a round trip in net/http's types.
type multi struct {
	c       *Client
	trip    func(*nethttp.Request) (*nethttp.Response, error)
	state   func() *tls.ConnectionState
	address string
	event   func(protocols.EventKind, string, int64)
	timings transport.Timings
	uses    int
	spent   bool
}

func (x *multi) send(ctx context.Context, m *message) (*Response, error) {
	used := x.uses > 0
	x.uses++
	ctx, cancel := context.WithCancel(ctx)
	start := time.Now()
	x.trace(m)
	r, err := x.trip(x.request(ctx, m))
	if err != nil {
		x.spent = true
		cause := context.Cause(ctx)
		cancel()
		if cause != nil {
			return nil, cause
		}
		if used {
			return nil, fresh{badFrames(err)}
		}
		return nil, badFrames(err)
	}
	if x.c.opts.Trace != nil {
		x.event(protocols.EventRecv, r.Proto+" "+r.Status, 0)
		for _, line := range headerLines(r.Header, map[string]bool{"Set-Cookie": true}) {
			x.event(protocols.EventRecv, line, 0)
		}
	}
	resp := &Response{
		Status: r.StatusCode, Proto: r.Proto, Header: r.Header, URL: m.URL, Method: m.method(), Length: r.ContentLength,
		Reused: used, Address: x.address, TLS: x.state(),
	}
	resp.Times.FirstByte = time.Since(start)
	if !used {
		resp.Times.Timings = x.timings
	}
	resp.Body = &body2{x: x, resp: resp, std: r, ctx: ctx, cancel: cancel}
	return resp, nil
}

// request puts a message into net/http's form.
func (x *multi) request(ctx context.Context, m *message) *nethttp.Request {
	u := *m.URL
	u.Host = hostField(m.URL)
	r := (&nethttp.Request{Method: m.method(), URL: &u, Header: clone(m.header), Host: u.Host, Proto: "HTTP/2.0", ProtoMajor: 2}).WithContext(ctx)
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
		r.Header.Del("Host")
	}
	if m.Body != nil {
		r.Body, r.ContentLength = io.NopCloser(m.Body), m.Length
		if m.Length == 0 {
			r.Body = nethttp.NoBody
		}
	}
	return r
}

func (x *multi) trace(m *message) {
	if x.c.opts.Trace == nil {
		return
	}
	x.event(protocols.EventSend, m.method()+" "+m.URL.RequestURI(), 0)
	for _, text := range headerLines(m.header, m.mask) {
		x.event(protocols.EventSend, text, 0)
	}
}

// badFrames keeps errors that have a kind, and calls all else a breach of the
// protocol.
func badFrames(err error) error {
	if protocols.KindOf(err) == protocols.Protocol {
		return cutError(io.ErrUnexpectedEOF)
	}
	if protocols.KindOf(err) != protocols.Internal {
		return err
	}
	return &protocols.Error{Kind: protocols.Protocol, Err: err}
}

// body2 is the body of an answer of HTTP/2 or 3.
type body2 struct {
	x      *multi
	resp   *Response
	std    *nethttp.Response
	ctx    context.Context
	cancel context.CancelFunc
	got    int64
	err    error
}

func (b *body2) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.std.Body.Read(p)
	b.got += int64(n)
	if err == nil {
		return n, nil
	}
	switch {
	case context.Cause(b.ctx) != nil:
		err = context.Cause(b.ctx)
	case err == io.EOF && b.resp.Length >= 0 && b.got != b.resp.Length && !noBody(b.resp.Method, b.resp.Status):
		err = cutError(io.ErrUnexpectedEOF)
	case err == io.EOF:
		b.resp.Trailer = b.std.Trailer
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = cutError(err)
	default:
		err = badFrames(err)
	}
	b.err = err
	if err != io.EOF {
		b.x.spent = true
	}
	return n, err
}

// Close ends the stream; one that is not at its end is reset.
func (b *body2) Close() error {
	b.err = protocols.ErrClosed
	err := b.std.Body.Close()
	b.cancel()
	if protocols.KindOf(err) == protocols.Interrupted {
		return nil
	}
	return err
}
