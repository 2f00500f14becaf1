package doctor

import (
	"context"
	"fmt"
	"io"
	nethttp "net/http"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
)

func httpList() list {
	return tableOf[*http.Client]([]step{
		{"answer", []string{"greeting", "certificate"}, httpAnswer},
		{loginStep, []string{"answer"}, httpLogin},
		{"HTTP/2", []string{"answer"}, httpVersion(http.HTTP2, "http2")},
		{"HTTP/3", []string{"answer"}, httpVersion(http.HTTP3, "http3")},
		{"methods", []string{"answer"}, httpMethods},
		{"ranges", []string{"answer"}, httpRanges},
		{"compression", []string{"answer"}, httpCompression},
		{"proxies on the way", []string{"answer"}, httpProxies},
		{"clock", []string{"answer"}, httpClock},
	})
}

// ask1 makes one request with a client of its own and returns the head of the answer.
// Nothing of the body is read.
func (w *walk) request(ctx context.Context, method string, header http.Header, set func(*http.Client), change func(*protocols.Options)) (*http.Response, error) {
	c, err := w.Open(w.target, w.options(change))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	h, is := protocols.As[*http.Client](c)
	if !is {
		return nil, protocols.Unsupported("http", "", "the client is another one")
	}
	if set != nil {
		set(h)
	}
	resp, err := h.Do(ctx, &http.Request{Method: method, URL: w.target.URL, Header: header, NoFollow: true})
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1))
	resp.Body.Close()
	if err != nil && method != nethttp.MethodHead {
		return nil, err
	}
	return resp, nil
}

// withoutLogin asks as a stranger would.
func withoutLogin(o *protocols.Options) { o.Credentials, o.Named = nobody, nobody }

// httpAnswer asks for the URL as a stranger.
func httpAnswer(ctx context.Context, w *walk) Result {
	resp, err := w.request(ctx, nethttp.MethodHead, nil, nil, withoutLogin)
	if err != nil {
		return w.failed(err)
	}
	w.answer = resp
	text := strings.TrimSpace(fmt.Sprintf("%s %d %s", resp.Proto, resp.Status, resp.Reason))
	if to := resp.Header.Get("Location"); to != "" && resp.Status/100 == 3 {
		text += " to " + to
	}
	if resp.Status == nethttp.StatusUnauthorized {
		return ok(text + "; it offers " + strings.Join(resp.Header.Values("Www-Authenticate"), ", "))
	}
	if resp.Status >= 500 {
		return w.failed(resp.AsError())
	}
	if resp.Status >= 400 {
		return without(text, "whether the address is right; the server works")
	}
	return ok(text)
}

// httpLogin is for servers that ask for one.
func httpLogin(ctx context.Context, w *walk) Result {
	if w.answer.Status != nethttp.StatusUnauthorized {
		return skipped("the server asks for none here")
	}
	cred, err := w.credential(ctx)
	switch {
	case err != nil:
		return w.failed(err)
	case cred.User == "" && cred.Token == "":
		return skipped("nobody to log in as: the URL names no user and there is no --user")
	}
	resp, err := w.request(ctx, nethttp.MethodHead, nil, nil, nil)
	if err != nil {
		return w.failed(err)
	}
	if resp.Status == nethttp.StatusUnauthorized || resp.Status == nethttp.StatusForbidden {
		return w.failed(resp.AsError())
	}
	w.set("user", cred.User)
	return ok(fmt.Sprintf("as %s: %d %s", cred.User, resp.Status, resp.Reason) + tokenText(cred))
}

// shortly is how long a version of HTTP that may be filtered is waited for.
const shortly = 4 * time.Second

// httpVersion asks by one version only.
func httpVersion(v http.Version, flag string) func(context.Context, *walk) Result {
	return func(ctx context.Context, w *walk) Result {
		if w.secure == nil {
			return skipped("without TLS there is HTTP/1.1 only")
		}
		resp, err := w.request(ctx, nethttp.MethodHead, nil, func(c *http.Client) { c.Settings.Version = v }, func(o *protocols.Options) {
			withoutLogin(o)
			if o.ConnectTimeout <= 0 || o.ConnectTimeout > shortly {
				o.ConnectTimeout = shortly
			}
		})
		if err != nil {
			return without(message(err), "")
		}
		return ok(resp.Proto + " works too (--" + flag + ")")
	}
}

// httpMethods asks which there are.
func httpMethods(ctx context.Context, w *walk) Result {
	resp, err := w.request(ctx, nethttp.MethodOptions, nil, nil, withoutLogin)
	if err != nil {
		return without("OPTIONS: "+message(err), "")
	}
	allow := strings.Join(resp.Header.Values("Allow"), ", ")
	if allow == "" {
		return without(fmt.Sprintf("the server does not say (OPTIONS: %d)", resp.Status), "")
	}
	if dav := resp.Header.Get("Dav"); dav != "" {
		allow += "; WebDAV " + dav
	}
	return ok(allow)
}

// httpRanges asks for one byte.
func httpRanges(ctx context.Context, w *walk) Result {
	resp, err := w.request(ctx, nethttp.MethodGet, http.Header{"Range": {"bytes=0-0"}, "Accept-Encoding": {"identity"}}, nil, withoutLogin)
	switch {
	case err != nil:
		return without(message(err), "")
	case resp.Status == nethttp.StatusPartialContent:
		return ok("downloads can be resumed")
	case resp.Status == nethttp.StatusOK:
		return without("the whole content comes: a download that was cut off starts anew", "")
	}
	return skipped(fmt.Sprintf("the address answers %d", resp.Status))
}

// httpCompression asks for content codings.
func httpCompression(ctx context.Context, w *walk) Result {
	resp, err := w.request(ctx, nethttp.MethodGet, http.Header{"Accept-Encoding": {"br, zstd, gzip, deflate"}}, nil, withoutLogin)
	switch {
	case err != nil:
		return without(message(err), "")
	case resp.Header.Get("Content-Encoding") != "":
		return ok(resp.Header.Get("Content-Encoding"))
	}
	return without("the content is not compressed", "")
}

// wayMarks are header fields that proxies and caches add.
var wayMarks = []string{"Via", "X-Cache", "X-Served-By", "Cf-Ray", "X-Varnish", "Age", "X-Squid-Error"}

// httpProxies says what stands between.
func httpProxies(_ context.Context, w *walk) Result {
	var seen []string
	for _, name := range wayMarks {
		if v := w.answer.Header.Get(name); v != "" {
			seen = append(seen, name+": "+v)
		}
	}
	if !w.direct {
		seen = append(seen, "a proxy that was configured")
	}
	if len(seen) == 0 {
		return ok("none shows itself")
	}
	return ok(strings.Join(seen, ", "))
}

// mostSkew is a difference of clocks that breaks signatures and caches.
const mostSkew = 2 * time.Minute

func httpClock(_ context.Context, w *walk) Result {
	date, err := nethttp.ParseTime(w.answer.Header.Get("Date"))
	if err != nil {
		return without("the server does not say what time it is", "")
	}
	skew := time.Since(date).Round(time.Second)
	if skew.Abs() > mostSkew {
		return without(fmt.Sprintf("the server's clock is %v off from this machine's", skew), "to set the clock (NTP), or set this machine's")
	}
	return ok("agrees with this machine's")
}
