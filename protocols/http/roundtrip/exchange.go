package roundtrip

import (
	"cmp"
	"context"
	"errors"
	"io"
	nethttp "net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
)

// open returns the function that makes the clients of an origin.
func (t *Transport) open(base *url.URL) func(context.Context) (protocols.Client, error) {
	return func(context.Context) (protocols.Client, error) {
		c, err := http.New(base, t.c.Options)
		if err == nil && t.c.Setup != nil {
			err = t.c.Setup(c)
		}
		if err != nil {
			return nil, err
		}
		c.Settings.Share = cmp.Or(c.Settings.Share, &t.share)
		return c, nil
	}
}

// RoundTrip sends one request and returns the answer, whatever its status. The body of
// the request is closed at the latest when that of the answer is.
func (t *Transport) RoundTrip(r *nethttp.Request) (*nethttp.Response, error) {
	m, err := message(r)
	if err != nil {
		return nil, errors.Join(err, closed(r.Body))
	}
	p, err := t.pool(r.URL)
	if err != nil {
		return nil, errors.Join(err, closed(r.Body))
	}
	lent, err := p.Get(r.Context())
	if err != nil {
		return nil, errors.Join(err, closed(r.Body))
	}
	c, ok := lent.(*http.Client)
	if !ok { // open returns no other
		p.Drop(lent)
		return nil, errors.Join(errors.ErrUnsupported, closed(r.Body))
	}
	ctx, cancel := context.WithCancel(r.Context())
	done := func(err error) {
		cancel()
		p.Put(c, err)
		_ = closed(r.Body) // it was read as far as it was wanted
		if a, ok := m.Body.(*again); ok {
			_ = closed(a.fresh)
		}
	}
	resp, err := c.Do(ctx, m)
	if err != nil {
		done(err)
		return nil, err
	}
	return answer(r, resp, cancel, done), nil
}

func closed(body io.Closer) error {
	if body == nil {
		return nil
	}
	return body.Close()
}

// message returns a request in the form of package http.
func message(r *nethttp.Request) (*http.Request, error) {
	if r.URL == nil || r.URL.Host == "" {
		return nil, protocols.UsageError("http", "request", "the request has no URL with a host")
	}
	if len(r.Trailer) > 0 || r.Header.Get("Upgrade") != "" {
		return nil, protocols.Unsupported("http", "request", "trailers of requests and upgrades are not supported: "+address(r.URL))
	}
	u := *r.URL
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	m := http.NewRequest(r.Method, &u, nil)
	m.NoFollow, m.Header = true, r.Header.Clone()
	if m.Header == nil {
		m.Header = http.Header{}
	}
	if agent, set := m.Header["User-Agent"]; set && (len(agent) == 0 || agent[0] == "") {
		m.Header["User-Agent"] = nil // none at all, as net/http has it
	}
	if r.Host != "" && r.Host != r.URL.Host {
		m.Header["Host"] = []string{r.Host}
	}
	m.Expect = strings.EqualFold(r.Header.Get("Expect"), "100-continue")
	if r.Body != nil && r.Body != nethttp.NoBody {
		m.Body, m.Length = r.Body, r.ContentLength
		if r.GetBody != nil {
			m.Body = &again{Reader: r.Body, get: r.GetBody}
		}
	}
	return m, nil
}

// again is a body that can be read from its start again: for logins.
type again struct {
	io.Reader
	get   func() (io.ReadCloser, error)
	fresh io.Closer
}

// Seek goes to the start, or says that it is there.
func (a *again) Seek(at int64, whence int) (int64, error) {
	if at != 0 || whence == io.SeekEnd {
		return 0, errors.ErrUnsupported
	}
	if whence == io.SeekCurrent {
		return 0, nil
	}
	body, err := a.get()
	if err != nil {
		return 0, err
	}
	if a.fresh != nil {
		_ = a.fresh.Close() // it was read, or not wanted
	}
	a.Reader, a.fresh = body, body
	return 0, nil
}

// answer returns an answer in the form of net/http. done is called once when its body
// was read or closed; cancel ends a read that goes on.
func answer(r *nethttp.Request, resp *http.Response, cancel func(), done func(error)) *nethttp.Response {
	out := &nethttp.Response{
		Status: strconv.Itoa(resp.Status) + " " + cmp.Or(resp.Reason, nethttp.StatusText(resp.Status)), StatusCode: resp.Status,
		Proto: resp.Proto, Header: resp.Header, ContentLength: resp.Length, Request: r, TLS: resp.TLS,
	}
	out.ProtoMajor, out.ProtoMinor, _ = nethttp.ParseHTTPVersion(resp.Proto)
	b := &body{in: resp, out: out, cancel: cancel, done: done}
	out.Body = b
	if resp.Length == 0 || r.Method == nethttp.MethodHead {
		b.end(nil)
		out.Body = nethttp.NoBody
	}
	return out
}

// body is that of an answer. The client is free again at its end.
type body struct {
	in     *http.Response
	out    *nethttp.Response
	cancel func()
	done   func(error)

	mu   sync.Mutex
	err  error // of the next Read
	over bool
}

// Read reads. With io.EOF the trailer is there.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.in.Body.Read(p)
	if err != nil {
		b.err, b.out.Trailer = err, b.in.Trailer
		b.end(err)
	}
	return n, err
}

// end closes the body and frees the client, which is as good as err says.
func (b *body) end(err error) {
	if b.over {
		return
	}
	b.over = true
	if cerr := b.in.Body.Close(); err == nil || err == io.EOF {
		err = cerr
	}
	b.done(err)
}

// Close frees the client. It ends a Read that another goroutine waits for.
func (b *body) Close() error {
	if !b.mu.TryLock() {
		b.cancel()
		b.mu.Lock()
	}
	defer b.mu.Unlock()
	b.end(nil)
	b.err = nethttp.ErrBodyReadAfterClose
	return nil
}
