package http

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	nethttp "net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync/atomic"
	"time"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http/internal/upbody"
)

// http2 is a connection of HTTP/2 (RFC 9113), by net/http.
type http2 struct {
	conn *transport.Conn
	cc   *nethttp.ClientConn
	streams
}

// newHTTP2 starts HTTP/2 on a connection, which is in TLS already where there is
// any: net/http sees a plain one.
func (k *connector) newHTTP2(ctx context.Context, conn *transport.Conn) (connection, error) {
	t := &nethttp.Transport{
		DisableCompression:     true,
		MaxResponseHeaderBytes: k.headLimit,
		HTTP2:                  &nethttp.HTTP2Config{MaxReadFrameSize: 64 << 10},
		Protocols:              new(nethttp.Protocols),
		DialContext:            func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	}
	t.Protocols.SetUnencryptedHTTP2(true)
	cc, err := t.NewClientConn(ctx, "http", conn.RemoteAddr().String())
	if err != nil {
		conn.Close()
		return nil, badFrames(err)
	}
	h := &http2{conn: conn, cc: cc}
	h.streams = streams{
		many: k.settings.Share != nil, roundTrip: cc.RoundTrip, state: conn.TLS, address: conn.RemoteAddr().String(), traced: k.opts.Trace != nil, event: conn.Event, timings: conn.Timings(),
		interim: newInterim(k.opts, k.headLimit),
	}
	return h, nil
}

func (h *http2) usable() bool { return !h.conn.Broken() && !h.spent.Load() }

func (h *http2) ready() bool { return h.usable() && h.cc.Err() == nil && h.cc.Available() > 0 }

func (h *http2) close() {
	h.cc.Close()
	h.conn.Close()
}

func (h *http2) allowSecret() error { return h.conn.AllowSecret() }

func (h *http2) private() bool { return h.conn.Trusted() }

// streams is what the connections of HTTP/2 and 3 share: a round trip in net/http's
// types, on a stream of its own.
type streams struct {
	roundTrip func(*nethttp.Request) (*nethttp.Response, error)
	state     func() *tls.ConnectionState
	address   string
	traced    bool
	event     func(protocols.EventKind, string, int64)
	timings   transport.Timings
	interim   interim
	many      bool // other requests go over the connection too
	uses      atomic.Int64
	spent     atomic.Bool
}

func (x *streams) send(ctx context.Context, m *outgoing) (*Response, error) {
	used := x.uses.Add(1) > 1
	ctx, cancel := context.WithCancelCause(ctx)
	start := time.Now()
	x.trace(m)
	body := upbody.NewLent(m.Body, m.Length)
	req := x.request(x.bounded(ctx, cancel, body), m, body)
	r, err := x.roundTrip(req)
	if err != nil {
		body.TakeBack()
		if !x.many || ctx.Err() == nil {
			x.spent.Store(true)
		}
		cause := cmp.Or(body.Surplus(), context.Cause(ctx))
		cancel(nil)
		if cause != nil {
			return nil, cause
		}
		if used {
			return nil, staleError{badFrames(err)}
		}
		return nil, badFrames(err)
	}
	if err := body.Surplus(); err != nil {
		cancel(err)
		body.TakeBack()
		_ = r.Body.Close() // it answers what was not meant
		return nil, err
	}
	if x.traced {
		x.event(protocols.EventRecv, r.Proto+" "+r.Status, 0)
		for _, line := range headerLines(r.Header) {
			x.event(protocols.EventRecv, line, 0)
		}
	}
	resp := &Response{
		Status: r.StatusCode, Proto: r.Proto, Header: r.Header, URL: m.URL, Method: m.method(), Length: r.ContentLength,
		Reused: used, Address: x.address, TLS: cmp.Or(x.state(), r.TLS),
	}
	resp.Times.FirstByte = time.Since(start)
	if !used {
		resp.Times.connected(x.timings)
	}
	resp.Body = &body2{x: x, resp: resp, req: req, std: r, sent: body, cancel: func() { cancel(nil) }}
	return resp, nil
}

// bounded returns the context that bounds the interim answers of one exchange: what the
// libraries hand over they do not count themselves. Too many cancel it.
func (x *streams) bounded(ctx context.Context, cancel context.CancelCauseFunc, body *upbody.Lent) context.Context {
	run := x.interim
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
		for name, values := range h {
			run.bytes += int64(len(name) + len(strings.Join(values, ", ")) + len(": \r\n"))
		}
		run.bytes += int64(len("HTTP/2.0 100\r\n\r\n"))
		err := run.came(body.Sending())
		if err != nil {
			cancel(err) // the library's own error would not say why
		}
		return err
	}})
}

// request puts a message into net/http's form.
func (x *streams) request(ctx context.Context, m *outgoing, body *upbody.Lent) *nethttp.Request {
	u := *m.URL
	u.Host, u.RawQuery = hostField(m.URL), asciiOnly(m.URL.RawQuery)
	if len(m.header["User-Agent"]) == 0 {
		m.header["User-Agent"] = []string{""} // or net/http adds its own
	}
	r := (&nethttp.Request{Method: m.method(), URL: &u, Header: m.header.Clone(), Host: u.Host, Proto: "HTTP/2.0", ProtoMajor: 2}).WithContext(ctx)
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
		r.Header.Del("Host")
	}
	if m.Body != nil {
		r.Body, r.ContentLength = body, m.Length
		if m.Length == 0 {
			r.Body = nethttp.NoBody
		}
	}
	return r
}

func (x *streams) trace(m *outgoing) {
	if !x.traced {
		return
	}
	x.event(protocols.EventSend, m.method()+" "+requestTarget(m.URL), 0)
	for _, text := range headerLines(m.header) {
		x.event(protocols.EventSend, text, 0)
	}
	if m.Body != nil && m.Length > 0 {
		x.event(protocols.EventData, "sent", m.Length)
	}
}

// badFrames keeps errors that have a kind, and calls all else a breach of the
// protocol.
func badFrames(err error) error {
	if protocols.KindOf(err) == protocols.KindProtocol {
		return cutError(io.ErrUnexpectedEOF)
	}
	if protocols.KindOf(err) != protocols.KindInternal {
		return err
	}
	return &protocols.Error{Kind: protocols.KindProtocol, Err: err}
}

// body2 is the body of an answer of HTTP/2 or 3.
type body2 struct {
	x      *streams
	resp   *Response
	req    *nethttp.Request // its context covers the body
	std    *nethttp.Response
	sent   *upbody.Lent
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
	case context.Cause(b.req.Context()) != nil:
		err = context.Cause(b.req.Context())
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
	if err != io.EOF && (!b.x.many || b.req.Context().Err() == nil) {
		b.x.spent.Store(true)
	}
	return n, err
}

const (
	// bulkBuffer is what WriteTo gathers at most: for each read the libraries tell
	// the server how much more it may send, and frames are small.
	bulkBuffer = 256 << 10
	// gatherFor is how long it does that before it writes what came.
	gatherFor = 5 * time.Millisecond
)

// WriteTo copies the rest to w in large pieces.
func (b *body2) WriteTo(w io.Writer) (total int64, err error) {
	buf := make([]byte, bulkBuffer)
	for err == nil {
		n := 0
		for start := time.Now(); err == nil && n < len(buf)/2 && (n == 0 || time.Since(start) < gatherFor); {
			var k int
			k, err = b.Read(buf[n:])
			n += k
		}
		k, werr := w.Write(buf[:n])
		total += int64(k)
		if werr != nil {
			return total, werr
		}
	}
	if err == io.EOF {
		err = nil
	}
	return total, err
}

// Close ends the stream; one that is not at its end is reset.
func (b *body2) Close() error {
	if b.x.traced && b.got > 0 && b.err != protocols.ErrClosed {
		b.x.event(protocols.EventData, "received", b.got)
	}
	b.err = protocols.ErrClosed
	err := b.std.Body.Close()
	b.cancel()
	b.sent.TakeBack()
	if protocols.KindOf(err) == protocols.KindInterrupted {
		return nil
	}
	return err
}
