package http

import (
	"context"
	"errors"
	"io"
	nethttp "net/http"
	"net/textproto"
	"net/url"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http/internal/upbody"
)

// defaultRedirects is how many redirects are followed.
const defaultRedirects = 20

// exchanger makes requests: it logs in, follows redirects, and undoes content codings.
// One request at a time.
type exchanger struct {
	site
	settings *Settings
	opts     *protocols.Options
	limits   protocols.Limits
	conns    *connector
	logins   map[string]*login // by origin
	within   *url.URL          // see Client.Confine
}

// perform makes a request and follows where it leads. The gate is taken.
func (x *exchanger) perform(ctx context.Context, r *Request) (*Response, error) {
	if err := errors.Join(r.check(), checkHeader(x.settings.Header)); err != nil {
		return nil, err
	}
	start, limit := time.Now(), x.settings.MaxRedirects
	if limit <= 0 {
		limit = defaultRedirects
	}
	body := upbody.NewReplay(r.Body)
	own, err := r.measured()
	if err != nil {
		return nil, err
	}
	own.Body, own.URL = body.Reader(), x.cleaned(own.URL)
	for hop := 0; ; hop++ {
		resp, err := x.withLogin(ctx, &own, body)
		if err != nil {
			return nil, err
		}
		if resp.TLS != nil && len(resp.TLS.VerifiedChains) > 0 {
			x.settings.HSTS.Learn(own.URL, resp.Header, time.Now())
		}
		if !r.bare && x.settings.Jar != nil {
			x.settings.Jar.Store(own.URL, resp.Header, time.Now())
		}
		resp.Hops, resp.Times.Total = hop, time.Since(start)
		if r.NoFollow || x.settings.NoFollow || !leadsOn(resp) {
			return x.decoded(resp, &own)
		}
		if hop == limit {
			resp.Body.Close()
			return nil, protocolError("more than " + plural(limit, "redirect"))
		}
		next, err := x.follow(&own, resp)
		resp.Body.Close()
		if err == nil && next.Body != nil {
			err = body.Rewind()
		}
		if err != nil {
			return nil, err
		}
		own = *next
	}
}

// withLogin makes a request, and once more with a login when the server wants one.
func (x *exchanger) withLogin(ctx context.Context, r *Request, body *upbody.Replay) (*Response, error) {
	lg := x.login(r.URL)
	for attempt := 0; ; attempt++ {
		m, err := x.prepare(ctx, r, lg)
		if err != nil {
			return nil, err
		}
		resp, err := x.roundTrip(ctx, m, body)
		if err == nil && resp.Status == nethttp.StatusExpectationFailed && m.Expect { // RFC 9110 10.1.1
			resp.Body.Close()
			plain := *r
			plain.Expect = false
			if err := body.Rewind(); err != nil {
				return nil, err
			}
			r = &plain
			continue
		}
		if err != nil {
			return nil, err
		}
		again, err := x.challenged(ctx, lg, resp, m)
		if err != nil || !again || attempt == maxLogins {
			if err != nil {
				resp.Body.Close()
			}
			return resp, err
		}
		resp.Body.Close()
		if r.Body != nil {
			if err := body.Rewind(); err != nil {
				return nil, err
			}
		}
	}
}

// maxLogins is how often a request is made again because of its login: early credentials,
// those that the server or a proxy asks for, and new nonces of both.
const maxLogins = 4

// challenged reports whether a request is to be made again, with a login for the server or
// for the proxy.
func (x *exchanger) challenged(ctx context.Context, lg *login, resp *Response, m *outgoing) (again bool, err error) {
	if resp.proxy != nil && resp.Status == nethttp.StatusProxyAuthRequired {
		return resp.proxy.Challenged(ctx, resp.Header.Values("Proxy-Authenticate"))
	}
	if resp.proxy != nil {
		resp.proxy.Accepted(resp.Header.Get("Proxy-Authentication-Info"))
	}
	if resp.Status != nethttp.StatusUnauthorized {
		lg.answered(resp, m)
		return false, nil
	}
	if m.bare {
		return false, nil
	}
	return lg.challenged(ctx, resp, m)
}

// prepare decides what goes out with a request. Header fields of the settings that may
// be secrets are for the client's own server only.
func (x *exchanger) prepare(ctx context.Context, r *Request, lg *login) (*outgoing, error) {
	m := &outgoing{Request: r, header: Header{}}
	m.header["User-Agent"] = []string{userAgent}
	m.header["Accept"] = []string{"*/*"}
	m.header["Accept-Encoding"] = []string{"identity"}
	if x.settings.Compressed && !r.raw {
		m.header["Accept-Encoding"] = []string{codings}
	}
	if jar := x.settings.Jar; jar != nil && !r.bare {
		if line := jar.Line(r.URL, time.Now()); line != "" {
			m.header["Cookie"] = []string{line}
		}
	}
	own := x.owns(r.URL)
	if !r.bare {
		overlay(m.header, x.settings.Header, own)
	}
	overlay(m.header, r.Header, true)
	_, set := m.header["Authorization"]
	if dropped := own && isDropped(x.settings.Header, "Authorization"); !set && !dropped && !r.bare {
		if err := lg.authorize(ctx, m); err != nil {
			return nil, err
		}
	}
	m.secret = len(m.header["Authorization"]) > 0
	m.noHost = own && isDropped(x.settings.Header, "Host") || isDropped(r.Header, "Host")
	return m, nil
}

// overlay puts headers of the user in place of ours. One without a value drops
// ours. Anything a user supplies may be a secret (X-Api-Key), so that another origin
// gets only what is plainly none.
func overlay(to, from Header, own bool) {
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

// isDropped reports whether the user's headers drop one of ours.
func isDropped(h Header, name string) bool {
	values, set := h[name]
	return set && len(values) == 0
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

// roundTrip sends a request over the connection to its origin. One that a kept connection
// did not take is sent on a new one, where that can do no harm.
func (x *exchanger) roundTrip(ctx context.Context, m *outgoing, body *upbody.Replay) (*Response, error) {
	for attempt := 1; ; attempt++ {
		if x.settings.Pace != nil {
			if err := x.settings.Pace(ctx); err != nil {
				return nil, err
			}
		}
		conn, reused, err := x.conns.take(ctx, m.URL)
		if err != nil {
			return nil, err
		}
		var resp *Response
		if err = m.fit(conn); err == nil {
			resp, err = conn.send(ctx, m)
		}
		if err == nil {
			resp.Body = &lentConn{ReadCloser: resp.Body, from: x.conns, url: m.URL, conn: conn}
			return resp, nil
		}
		x.conns.giveBack(m.URL, conn)
		if !reused || attempt > maxConnections || !isStale(err) || !repeatable(m, body) {
			return nil, err
		}
	}
}

func isStale(err error) bool {
	_, ok := errors.AsType[staleError](err)
	return ok
}

// repeatable: a request without effects that is sent twice has none twice (RFC
// 9110 9.2.2).
func repeatable(m *outgoing, body *upbody.Replay) bool {
	switch m.method() {
	case nethttp.MethodPost, nethttp.MethodPatch, "LOCK":
		return false
	}
	return m.Body == nil || body.Rewind() == nil
}

// lentConn is a body that returns its connection when it is closed.
type lentConn struct {
	io.ReadCloser
	from *connector
	url  *url.URL
	conn connection // nil: it was given back
}

// WriteTo copies the way the body itself does, which may be a fast one.
func (b *lentConn) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, b.ReadCloser) }

// Close closes the body and keeps the connection for the next request.
func (b *lentConn) Close() error {
	err := b.ReadCloser.Close()
	if b.conn != nil {
		b.from.giveBack(b.url, b.conn)
		b.conn = nil
	}
	return err
}
