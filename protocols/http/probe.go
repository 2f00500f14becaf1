package http

import (
	"context"
	"fmt"
	nethttp "net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/transport"
	"github.com/netclients/netclients/protocols"
)

// Expect sets which answer means that the server is up. Probe then makes one request,
// and asks for no capabilities.
func (c *Client) Expect(e protocols.Expectation) { c.expected = &e }

// Probe gets the client's own URL over a connection of its own, and follows no
// redirect. A status of 200 to 399, or what [Client.Expect] has set, means that the
// server is up. Only with ProbeLogin does a login go out. Capabilities are those of an
// OPTIONS request that follows, as far as it is answered.
func (c *Client) Probe(ctx context.Context) (*protocols.Report, error) {
	r, err := transport.ProbeGate(ctx, c.url, &c.gate, probing{c}.run)
	return r, c.wrap(err, "probe", "")
}

// probing is one probe of a client's server.
type probing struct{ c *Client }

func (p probing) run(ctx context.Context, r *protocols.Report) error {
	c := p.c
	if c.url.Scheme == "data" {
		return usage("a data URL has no server")
	}
	t := c.another()
	defer t.Close()
	resp, err := ask(ctx, t, nethttp.MethodGet, true)
	if err != nil {
		if protocols.KindOf(err) != protocols.KindConnect {
			r.Phase = "greeting"
		}
		return err
	}
	measure(r, resp)
	r.Capabilities = capabilities(resp)
	if c.opts.ProbeLogin {
		resp.Body.Close()
		if resp, err = probeLogin(ctx, t, r); err != nil {
			return err
		}
	}
	if r.Phase != "login" {
		r.Phase = "answer"
	}
	if err := p.verdict(resp); err != nil || c.expected != nil {
		return err
	}
	if list, err := t.ListCapabilities(ctx); err == nil {
		r.Capabilities = list
	}
	return nil
}

// probeLogin asks again, with the login. The phase of the report is then "login" where
// that was refused.
func probeLogin(ctx context.Context, t *Client, r *protocols.Report) (*Response, error) {
	r.Phase = "login"
	before := time.Now()
	resp, err := ask(ctx, t, nethttp.MethodGet, false)
	if err != nil {
		return nil, err
	}
	r.Login, r.Status = time.Since(before), resp.Status
	if resp.Status != nethttp.StatusUnauthorized && resp.Status != nethttp.StatusForbidden {
		r.Phase = "answer"
	}
	return resp, nil
}

// ask makes a request for the client's own URL, bare without cookies and login.
func ask(ctx context.Context, c *Client, method string, bare bool) (*Response, error) {
	u := &url.URL{Scheme: c.url.Scheme, Host: c.url.Host, Path: c.url.Path, RawPath: c.url.RawPath, RawQuery: c.url.RawQuery}
	if u.Path == "" {
		u.Path = "/"
	}
	return c.engine.perform(ctx, &Request{Method: method, URL: u, NoFollow: true, bare: bare, raw: true})
}

// ListCapabilities asks the server what can be done with the client's own URL
// (OPTIONS). An answer of 500 or more is an error, but for 501.
func (c *Client) ListCapabilities(ctx context.Context) ([]protocols.Capability, error) {
	ctx, release, err := c.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	resp, err := ask(ctx, c, nethttp.MethodOptions, true)
	if err != nil {
		return nil, c.wrap(err, "caps", "")
	}
	if resp.Status >= 500 && resp.Status != nethttp.StatusNotImplemented {
		return nil, c.wrap(refusal(resp), "caps", "")
	}
	return capabilities(resp), resp.Body.Close()
}

// mostProbed is how much of a body is looked at for what is expected in it.
const mostProbed = 1 << 20

// verdict returns nil for an answer that was expected. It closes the body.
func (p probing) verdict(resp *Response) error {
	want := protocols.Expectation{}
	if p.c.expected != nil {
		want = *p.c.expected
	}
	if !statusIn(resp.Status, want.Status) {
		return p.unexpected(resp)
	}
	defer resp.Body.Close()
	for name, want := range want.Header {
		if !slices.ContainsFunc(resp.Header.Values(name), want.MatchString) {
			return notAsExpected(resp, fmt.Sprintf("no header %s matches %q", name, want))
		}
	}
	if want := want.Body; want != nil && !want.Match(readSome(resp.Body, mostProbed)) {
		return notAsExpected(resp, fmt.Sprintf("the body does not match %q", want))
	}
	return nil
}

// unexpected is the error for a status that was not expected: its own where it says
// no.
func (p probing) unexpected(resp *Response) error {
	if resp.Status >= 400 {
		err := refusal(resp)
		if e, ok := err.(*protocols.Error); ok && resp.Status == nethttp.StatusUnauthorized && !p.c.opts.ProbeLogin {
			e.Hint = "--login to probe with a login, or --expect-status 401"
		}
		return err
	}
	resp.Body.Close()
	return notAsExpected(resp, "this status was not expected")
}

func notAsExpected(resp *Response, text string) error {
	return &protocols.Error{Kind: protocols.KindRefused, Code: resp.Status, Text: resp.reason() + ": " + text}
}

func statusIn(status int, ranges []protocols.StatusRange) bool {
	if ranges == nil {
		return status >= 200 && status < 400
	}
	return slices.ContainsFunc(ranges, func(r protocols.StatusRange) bool { return status >= r.First && status <= r.Last })
}

func measure(r *protocols.Report, resp *Response) {
	t := resp.Times
	r.Resolve, r.Connect, r.TLS, r.Greeting = t.Resolve, t.Connect, t.TLS, t.FirstByte
	r.Address, r.Banner, r.Status = resp.Address, strings.TrimSpace(resp.Proto+" "+resp.Header.Get("Server")), resp.Status
	transport.ReportTLS(r, resp.TLS)
}

// told are the headers that say what a server can do.
var told = []string{"Allow", "Dav", "Accept-Ranges", "Accept-Patch", "Accept-Post", "Accept-Encoding", "Alt-Svc", "Ms-Author-Via", "Www-Authenticate", "Strict-Transport-Security"}

func capabilities(resp *Response) []protocols.Capability {
	list := []protocols.Capability{{Name: resp.Proto}}
	for _, name := range told {
		values := resp.Header.Values(name)
		if len(values) == 0 {
			continue
		}
		c := protocols.Capability{Name: name}
		for word := range strings.SplitSeq(strings.Join(values, ","), ",") {
			if word = strings.TrimSpace(word); word != "" && !slices.Contains(c.Params, word) {
				c.Params = append(c.Params, word)
			}
		}
		list = append(list, c)
	}
	return list
}
