package http

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	nethttp "net/http"
	"net/http/httputil"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/httpauth"
	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
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
	proxy     *httpauth.Proxy // login to the proxy that takes requests in absolute form; nil: conn leads to the server

	proxyHeader Header // for that proxy
	spent       bool   // not good for another request
	cut         bool   // a body was stopped on its way
	uses        int
	interim     interim

	// window is how many requests may wait for answers: 0 until an answer has shown
	// a server that takes them ahead.
	window int
}

// headBuffer holds most heads with a small body after them, and is copied to a
// file at once before the kernel takes over.
const headBuffer = 16 << 10

// maxHead is what the head of an answer may have, if the limits allow as much.
const maxHead = 256 << 10

func newHTTP1(conn *transport.Conn, o *protocols.Options, headLimit int64) *http1 {
	b := &bound{from: conn, left: -1}
	return &http1{opts: o, headLimit: headLimit, conn: conn, bound: b, in: bufio.NewReaderSize(b, headBuffer), interim: newInterim(o, headLimit)}
}

// bound stops a head that does not end.
type bound struct {
	from io.Reader
	left int64 // -1: no bound
	err  error // of the connection, which the parsers above put other words for
}

func (b *bound) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, errLongHead()
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
		Hint: "use https; --allow-plaintext-auth sends it unencrypted",
	}
}

func (l *http1) private() bool { return l.proxy == nil && l.conn.Trusted() }

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
	l.interim.reset()
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
	if err == nil && status/100 == 2 {
		return up.surplus()
	}
	if !up.finish() {
		l.spent = true
	}
	return err
}

// errNoAnswer is the class of a connection that was closed before the answer began.
var errNoAnswer = errors.New("no answer")

// closedEarly says what an end before the answer means.
func closedEarly(err error) error {
	if errors.Is(err, io.EOF) {
		return &protocols.Error{Kind: protocols.KindProtocol, Retryable: true, Sentinel: errNoAnswer, Text: "the server closed the connection without an answer"}
	}
	return err
}

// head reads the final answer's head. until is an interim status that is good enough, or 0.
// Any number of interim answers may come before it, in the bounds of [interim].
func (l *http1) head(m *outgoing, until int) (*nethttp.Response, error) {
	for {
		l.bound.left = l.headLimit
		resp, err := l.readHead(m)
		if l.bound.left == 0 && err != nil {
			return nil, errLongHead()
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
			return nil, protocolError("the server switches to another protocol, which was not asked for")
		case resp.StatusCode < 100:
			return nil, protocolError("status " + strconv.Itoa(resp.StatusCode) + " does not exist")
		case resp.StatusCode >= 200, resp.StatusCode == until:
			return resp, nil
		}
		if err := l.interim.came(false); err != nil {
			return nil, err
		}
	}
}

// readHead reads one head, up to its empty line, and lets net/http parse it. A field
// without a name is passed over, as browsers do.
func (l *http1) readHead(m *outgoing) (*nethttp.Response, error) {
	var head []byte
	named := true // the field that a folded line belongs to
	for {
		line, err := l.in.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull {
			return nil, err
		}
		l.interim.bytes += int64(len(line))
		if bare := len(bytes.TrimRight(line, "\r\n")) == 0; bare && len(head) > 0 && head[len(head)-1] == '\n' {
			return parseHead(append(head, "\r\n"...), m)
		}
		if fresh := len(head) == 0 || head[len(head)-1] == '\n'; fresh && line[0] != ' ' && line[0] != '\t' {
			line = tight(line)
			named = line[0] != ':' && !isIdentity(line)
		}
		if named {
			head = append(head, oneLength(line)...)
		}
		if !bytes.HasPrefix(head, []byte("HTTP/")) && bytes.HasSuffix(head, []byte("\n")) { // no more of it is waited for
			return parseHead(head, m)
		}
	}
}

// tight removes blanks between the name of a field and its colon. A field that frames
// the content must not be overlooked for them (RFC 9112 5.1).
func tight(line []byte) []byte {
	name, rest, found := bytes.Cut(line, []byte(":"))
	short := bytes.TrimRight(name, " \t")
	if !found || len(short) == len(name) || bytes.ContainsAny(short, " \t") {
		return line
	}
	return slices.Concat(short, []byte(":"), rest)
}

// isIdentity reports whether a field is the transfer coding of RFC 2616 that codes nothing.
func isIdentity(line []byte) bool {
	name, value, _ := bytes.Cut(line, []byte(":"))
	return bytes.EqualFold(name, []byte("Transfer-Encoding")) && bytes.EqualFold(bytes.TrimSpace(value), []byte("identity"))
}

// oneLength returns a line of a head. The equal members of a Content-Length that is a list
// are one (RFC 9110 8.6); others stay, and are refused.
func oneLength(line []byte) []byte {
	name, value, _ := bytes.Cut(line, []byte(":"))
	if len(name) != len("Content-Length") || !bytes.EqualFold(name, []byte("Content-Length")) {
		return line
	}
	first, rest, list := bytes.Cut(value, []byte(","))
	first = bytes.TrimSpace(first)
	for member := range bytes.SplitSeq(rest, []byte(",")) {
		if list && !bytes.Equal(bytes.TrimSpace(member), first) {
			return line
		}
	}
	return slices.Concat(name, []byte(": "), first, []byte("\r\n"))
}

// parseHead parses a head that is whole. Chunks in an answer of HTTP/1.0, where net/http
// overlooks them, are decoded, and the connection is not used again (RFC 9112 6.1).
func parseHead(head []byte, m *outgoing) (*nethttp.Response, error) {
	parse := func() (*nethttp.Response, error) {
		return nethttp.ReadResponse(bufio.NewReader(bytes.NewReader(head)), &nethttp.Request{Method: m.method()})
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.0 ")) || !bytes.Contains(bytes.ToLower(head), []byte("\ntransfer-encoding:")) {
		return parse()
	}
	head[len("HTTP/1.")] = '1'
	resp, err := parse()
	if err == nil {
		resp.Proto, resp.ProtoMinor, resp.Close = "HTTP/1.0", 0, true
	}
	return resp, err
}

func errLongHead() error { return protocolError("the head of the answer is longer than the limit") }

// badHead distinguishes an answer that is not HTTP from a connection that failed.
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
		Reused: used, proxy: l.proxy, Address: l.conn.RemoteAddr().String(), TLS: l.conn.TLS(),
	}
	_, resp.Reason, _ = strings.Cut(r.Status, " ")
	resp.Times.FirstByte = first
	if !used {
		resp.Times.connected(l.conn.Timings())
	}
	l.spent = l.spent || r.Close
	if l.window == 0 && l.proxy == nil && r.ProtoAtLeast(1, 1) && !r.Close {
		l.window = 2
	}
	b := &body1{l: l, resp: resp, left: -1, done: done}
	if noBody(m.method(), r.StatusCode) {
		b.left = 0
		if m.method() != nethttp.MethodHead {
			resp.Length = 0
		}
	} else if len(r.TransferEncoding) == 0 && r.ContentLength >= 0 {
		b.left = r.ContentLength
	}
	switch {
	case b.left >= 0:
	case len(r.TransferEncoding) > 0:
		b.chunks = httputil.NewChunkedReader(l.in)
	default:
		l.spent, resp.open = true, true // it ends with the connection
	}
	resp.Body, resp.deadline = b, l.conn.SetReadDeadline
	return resp
}

// traceHead reports to a trace the head of an answer.
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
			if SecretHeader(name) {
				v = masked
			}
			lines = append(lines, name+": "+v)
		}
	}
	return lines
}

// secretWords are in the names of headers whose values are secrets, or may be.
var secretWords = []string{"auth", "cookie", "key", "password", "secret", "session", "token"}

// SecretHeader reports whether a trace must not show the value of a header. What a
// server asks for is not a secret, and shows why a login fails.
func SecretHeader(name string) bool {
	name = strings.ToLower(name)
	return name != "www-authenticate" && name != "proxy-authenticate" &&
		slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(name, word) })
}
