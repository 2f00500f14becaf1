package http

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	nethttp "net/http"
	"slices"
	"strconv"
	"time"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
)

// write sends the request. The body is then on its way, or nil: it is sent, or the
// answer has come before it, and the connection is good for nothing else.
func (l *http1) write(m *outgoing) (*upload, error) {
	head, err := l.requestHead(m)
	if err != nil {
		return nil, err
	}
	if small, ok := smallBody(m.Request); ok {
		_, err := l.conn.Write(append(head, small...))
		transport.Sent(l.conn, int64(len(small)))
		return nil, err
	}
	if _, err := l.conn.Write(head); err != nil || m.Body == nil {
		return nil, err
	}
	if m.Expect {
		if early, err := l.consent(m); early || err != nil {
			l.spent = true
			return nil, err
		}
	}
	return l.startUpload(m), nil
}

// requestHead returns the head as bytes, and reports it to the trace.
func (l *http1) requestHead(m *outgoing) ([]byte, error) {
	target := requestTarget(m.URL)
	if m.Method == nethttp.MethodOptions && m.URL.Path == "*" {
		target = "*"
	}
	h := m.header
	if l.proxy != nil {
		target = m.URL.Scheme + "://" + hostField(m.URL) + target
		login, err := l.proxy.Authorization(m.method(), target, m.Body)
		if err != nil {
			return nil, err
		}
		h = maps.Clone(h)
		maps.Copy(h, l.proxyHeader)
		if login != "" {
			h["Proxy-Authorization"] = []string{login}
		}
	}
	var b bytes.Buffer
	line := m.method() + " " + target + " HTTP/1.1"
	fmt.Fprintf(&b, "%s\r\n", line)
	if len(h["Host"]) == 0 && !m.noHost {
		fmt.Fprintf(&b, "Host: %s\r\n", hostField(m.URL))
	}
	for _, name := range sortedNames(h) {
		for _, v := range h[name] {
			fmt.Fprintf(&b, "%s: %s\r\n", name, v)
		}
	}
	framing(&b, m)
	b.WriteString("\r\n")
	if l.opts.Trace != nil {
		l.traceRequest(line, h, m)
	}
	return b.Bytes(), nil
}

// framing says how long the body is (RFC 9112 6).
func framing(b *bytes.Buffer, m *outgoing) {
	switch {
	case m.Body != nil && m.Length < 0:
		b.WriteString("Transfer-Encoding: chunked\r\n")
	case m.Body != nil:
		b.WriteString("Content-Length: " + strconv.FormatInt(m.Length, 10) + "\r\n")
	case m.Method == nethttp.MethodPost || m.Method == nethttp.MethodPut || m.Method == nethttp.MethodPatch:
		b.WriteString("Content-Length: 0\r\n")
	}
	if m.Body != nil && m.Expect {
		b.WriteString("Expect: 100-continue\r\n")
	}
}

func (l *http1) traceRequest(line string, h Header, m *outgoing) {
	l.conn.Event(protocols.EventSend, line, 0)
	l.conn.Event(protocols.EventSend, "Host: "+hostField(m.URL), 0)
	for _, text := range headerLines(h) {
		l.conn.Event(protocols.EventSend, text, 0)
	}
}

func sortedNames(h Header) []string { return slices.Sorted(maps.Keys(h)) }

// smallBody returns a body in memory that fits after the head in one write.
func smallBody(r *Request) ([]byte, bool) {
	if r.Expect || r.Length < 0 || r.Length > headBuffer {
		return nil, false
	}
	switch r.Body.(type) {
	case *bytes.Reader, *bytes.Buffer, interface {
		io.Reader
		io.ByteReader
		io.WriterTo
		io.Seeker
	}:
		p := make([]byte, r.Length)
		if _, err := io.ReadFull(r.Body, p); err == nil {
			return p, true
		}
	}
	return nil, false
}

// consentWithin is how long to wait for 100; servers that do not know Expect
// never send it (RFC 9110 10.1.1).
const consentWithin = time.Second

// consent waits for 100 Continue. early: another answer has come.
func (l *http1) consent(m *outgoing) (early bool, err error) {
	l.conn.SetReadDeadline(time.Now().Add(consentWithin))
	_, err = l.in.Peek(1)
	l.conn.SetReadDeadline(time.Time{})
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() && !l.conn.Broken() {
		return false, nil
	}
	if err != nil {
		return false, closedEarly(err)
	}
	line, _ := l.in.Peek(len("HTTP/1.1 100"))
	if !bytes.HasSuffix(line, []byte(" 100")) {
		return true, nil
	}
	_, err = l.head(m, nethttp.StatusContinue)
	return false, err
}
