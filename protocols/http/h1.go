package http

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"io"
	nethttp "net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// http1 is a connection of HTTP/1.1 (RFC 9112). The head of an answer is read through
// a small buffer and parsed by net/http; what is left of a plain body comes
// straight from the connection.
type http1 struct {
	opts      *protocols.Options
	headLimit int64 // bytes of the head of an answer
	conn      *transport.Conn
	in        *bufio.Reader
	bound     *bound
	proxy     *url.URL // takes requests in absolute form; nil: conn leads to the server
	spent     bool     // not good for another request
	cut       bool     // a body was stopped on its way
	uses      int

	// window is how many requests may wait for answers: 0 until an answer has shown
	// a server that takes them ahead.
	window int
}

// headBuffer holds most heads with a small body behind them, and is copied to a
// file at once before the kernel takes over.
const headBuffer = 16 << 10

// most1xx bounds interim answers (RFC 9110 15.2).
const most1xx = 8

// maxHead is what the head of an answer may have, if the limits allow as much.
const maxHead = 256 << 10

func newHTTP1(conn *transport.Conn, o *protocols.Options, headLimit int64) *http1 {
	b := &bound{from: conn, left: -1}
	return &http1{opts: o, headLimit: headLimit, conn: conn, bound: b, in: bufio.NewReaderSize(b, headBuffer)}
}

// bound stops a head that does not end.
type bound struct {
	from io.Reader
	left int64 // -1: no bound
	err  error // of the connection, which the parsers above put other words for
}

func (b *bound) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, protocolError("the head of the answer is longer than the limit")
	}
	if b.left > 0 {
		p = p[:min(int64(len(p)), b.left)]
	}
	n, err := b.from.Read(p)
	if b.left > 0 {
		b.left -= int64(n)
	}
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

func (l *http1) usable() bool { return !l.spent && !l.conn.Broken() && l.in.Buffered() == 0 }

func (l *http1) ready() bool { return l.usable() && alive(l.conn) }

// close says goodbye under TLS, unless a body was cut: the server may not be reading.
func (l *http1) close() {
	if l.cut {
		l.conn.NetConn().Close()
	}
	l.conn.Close()
}

// allowSecret: behind a proxy that takes requests whole everything can be read there.
func (l *http1) allowSecret() error {
	if l.proxy == nil || l.opts.AllowPlaintextAuth {
		return l.conn.AllowSecret()
	}
	return &protocols.Error{
		Kind: protocols.KindAuth, Sentinel: protocols.ErrCleartext, Text: "refused to send a secret without TLS through a proxy",
		Hint: "use https; --allow-plaintext-auth sends it in clear",
	}
}

func (l *http1) send(ctx context.Context, m *outgoing) (*Response, error) {
	done := l.conn.Use(ctx)
	resp, err := l.exchange(ctx, m, done)
	if err != nil {
		l.spent = true
		done()
		return nil, err
	}
	return resp, nil
}

// staleError marks a failure before the first byte of an answer on a kept connection:
// the server had closed it, and the request may be made again on a new one.
type staleError struct{ error }

func (e staleError) Unwrap() error { return e.error }

func (l *http1) exchange(ctx context.Context, m *outgoing, done func()) (*Response, error) {
	used := l.uses > 0
	l.uses++
	start := time.Now()
	up, err := l.write(m)
	if err == nil {
		err = l.begins(m, up)
	}
	if err != nil {
		err = closedEarly(err)
		if used && ctx.Err() == nil && protocols.KindOf(err) != protocols.KindLocal {
			return nil, staleError{err}
		}
		return nil, err
	}
	resp, err := l.head(m, 0)
	if err != nil {
		if up != nil {
			up.finish()
		}
		return nil, err
	}
	return l.answer(m, resp, time.Since(start), used, func() {
		if up != nil && !up.finish() {
			l.spent = true
		}
		done()
	}), nil
}

// begins waits for the first byte of the answer. A body that is still on its way
// is stopped when the answer is anything but a success.
func (l *http1) begins(m *outgoing, up *upload) error {
	if up == nil {
		l.bound.left = l.headLimit
		_, err := l.in.Peek(1)
		return err
	}
	status, err := up.status(m)
	if (err != nil || status/100 != 2) && !up.finish() {
		l.spent = true
	}
	return err
}

// closedEarly says what an end before the answer means.
func closedEarly(err error) error {
	if errors.Is(err, io.EOF) {
		return &protocols.Error{Kind: protocols.KindProtocol, Retryable: true, Text: "the server closed the connection without an answer"}
	}
	return err
}

// head reads the final answer's head. until is 100 when that is good enough.
func (l *http1) head(m *outgoing, until int) (*nethttp.Response, error) {
	for range most1xx {
		l.bound.left = l.headLimit
		resp, err := nethttp.ReadResponse(l.in, &nethttp.Request{Method: m.method()})
		if l.bound.left == 0 && err != nil {
			return nil, protocolError("the head of the answer is longer than the limit")
		}
		l.bound.left = -1
		if err != nil && l.bound.err != nil {
			err = l.bound.err
		}
		if err != nil {
			return nil, badHead(err)
		}
		l.traceHead(resp)
		switch {
		case resp.StatusCode == nethttp.StatusSwitchingProtocols:
			return nil, protocolError("the server changes to another protocol, which was not asked for")
		case resp.StatusCode < 100:
			return nil, protocolError("status " + strconv.Itoa(resp.StatusCode) + " does not exist")
		case resp.StatusCode >= 200, resp.StatusCode == until:
			return resp, nil
		}
	}
	return nil, protocolError("one interim answer after the other, and no final one")
}

// badHead tells an answer that is no HTTP from a connection that failed.
func badHead(err error) error {
	if e, ok := errors.AsType[*protocols.Error](err); ok {
		return e
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return &protocols.Error{Kind: protocols.KindProtocol, Retryable: true, Text: "the connection ended inside of the answer's head"}
	}
	if k := protocols.KindOf(err); k != protocols.KindInternal {
		return err
	}
	return protocolError("the answer is not HTTP: " + err.Error())
}

// answer makes the Response of a head. done ends the request's hold on the
// connection, and is called when the body is closed.
func (l *http1) answer(m *outgoing, r *nethttp.Response, first time.Duration, used bool, done func()) *Response {
	resp := &Response{
		Status: r.StatusCode, Proto: r.Proto, Header: r.Header, URL: m.URL, Method: m.method(), Length: r.ContentLength,
		Reused: used, Address: l.conn.RemoteAddr().String(), TLS: l.conn.TLS(),
	}
	_, resp.Reason, _ = strings.Cut(r.Status, " ")
	resp.Times.FirstByte = first
	if !used {
		resp.Times.Timings = l.conn.Timings()
	}
	l.spent = l.spent || r.Close
	if l.window == 0 && l.proxy == nil && r.ProtoAtLeast(1, 1) && !r.Close {
		l.window = 2
	}
	b := &body1{l: l, resp: resp, std: r, left: -1, done: done}
	if noBody(m.method(), r.StatusCode) {
		b.left = 0
		if m.method() != nethttp.MethodHead {
			resp.Length = 0
		}
	} else if len(r.TransferEncoding) == 0 && r.ContentLength >= 0 {
		b.left = r.ContentLength
	}
	resp.Body = b
	return resp
}

// noBody: RFC 9112 6.3.
func noBody(method string, status int) bool {
	return method == nethttp.MethodHead || status == nethttp.StatusNoContent || status == nethttp.StatusNotModified
}

// body1 is the body of an HTTP/1.1 answer.
type body1 struct {
	l    *http1
	resp *Response
	std  *nethttp.Response // reads chunks, and up to the end of the connection
	left int64             // of a known length; -1: std knows
	err  error             // sticky; io.EOF: all of it came
	done func()            // nil after Close
}

func (b *body1) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.left == 0 {
		return 0, b.end(io.EOF)
	}
	var n int
	var err error
	if b.left < 0 {
		n, err = b.std.Body.Read(p)
	} else {
		n, err = b.l.in.Read(p[:min(int64(len(p)), b.left)])
		b.left -= int64(n)
		if err == io.EOF && b.left > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	if err != nil {
		err = b.end(err)
	}
	return n, err
}

// WriteTo copies the rest to w. A plain connection is spliced to a file.
func (b *body1) WriteTo(w io.Writer) (int64, error) {
	if b.left < 0 || b.err != nil {
		return io.Copy(w, struct{ io.Reader }{b})
	}
	total := int64(0)
	if n := int(min(int64(b.l.in.Buffered()), b.left)); n > 0 {
		p, _ := b.l.in.Peek(n)
		k, err := w.Write(p)
		b.l.in.Discard(k)
		total, b.left = int64(k), b.left-int64(k)
		if err != nil {
			return total, err
		}
	}
	n, err := b.l.conn.WriteToN(w, b.left)
	total, b.left = total+n, b.left-n
	if err == nil && b.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return total, b.end(err)
	}
	b.end(io.EOF)
	return total, nil
}

// end settles how the body ended.
func (b *body1) end(err error) error {
	if err == io.EOF {
		b.resp.Trailer = b.std.Trailer
	} else {
		b.l.spent = true
		if b.l.bound.err != nil {
			err = b.l.bound.err
		}
		err = cutError(err)
	}
	b.err = err
	return err
}

// cutError says what is wrong with a body that is not whole.
func cutError(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &protocols.Error{Kind: protocols.KindProtocol, Retryable: true, Text: "the connection ended before the end of the content"}
	case protocols.KindOf(err) == protocols.KindInternal:
		return protocolError("the content is not framed as HTTP: " + err.Error())
	}
	return err
}

// drainWithin is how much of a body that nobody reads is read to save a connection.
const drainWithin = 64 << 10

// Close ends the answer and lets go of the connection.
func (b *body1) Close() error {
	if b.done == nil {
		return nil
	}
	if b.err == nil && b.left != 0 && (b.left < 0 || b.left > drainWithin || !b.drain()) {
		b.l.spent = true
	}
	b.err = protocols.ErrClosed
	b.done()
	b.done = nil
	return nil
}

// drain reads the short rest of a body.
func (b *body1) drain() bool {
	_, err := io.Copy(io.Discard, struct{ io.Reader }{b})
	return err == nil
}

// proxyLogin returns the value of Proxy-Authorization for a proxy's URL.
func proxyLogin(p *url.URL) string {
	pass, _ := p.User.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(p.User.Username()+":"+pass))
}

// traceHead tells a trace the head of an answer.
func (l *http1) traceHead(r *nethttp.Response) {
	if l.opts.Trace == nil {
		return
	}
	l.conn.Event(protocols.EventRecv, r.Proto+" "+r.Status, 0)
	for _, line := range headerLines(r.Header) {
		l.conn.Event(protocols.EventRecv, line, 0)
	}
}

// masked is what stands in place of a secret.
const masked = "****"

// headerLines returns a header as lines in the order of names, secrets masked.
func headerLines(h Header) []string {
	var lines []string
	for _, name := range sortedNames(h) {
		for _, v := range h[name] {
			if isSecret(name) {
				v = masked
			}
			lines = append(lines, name+": "+v)
		}
	}
	return lines
}

// secretWords are in the names of headers whose values are secrets, or may be.
var secretWords = []string{"auth", "cookie", "key", "password", "secret", "session", "token"}

// isSecret reports whether a trace must not show the value of a header. What a
// server asks for is no secret, and tells why a login fails.
func isSecret(name string) bool {
	name = strings.ToLower(name)
	return name != "www-authenticate" && name != "proxy-authenticate" &&
		slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(name, word) })
}
