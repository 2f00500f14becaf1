package http

import (
	"context"
	nethttp "net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transport"
)

// Probe asks the server what it can do (OPTIONS for the client's own URL), over a
// connection of its own. Any answer below 500 means that it is up; with ProbeLogin
// a refused login means that it is not.
func (c *Client) Probe(ctx context.Context) (*protocols.Report, error) {
	r, err := transport.ProbeGate(ctx, c.url, &c.gate, c.probe)
	return r, c.wrap(err, "probe", "")
}

func (c *Client) probe(ctx context.Context, r *protocols.Report) error {
	if c.url.Scheme == "data" {
		return usage("a data URL has no server")
	}
	t := c.another()
	defer t.Close()
	u := &url.URL{Scheme: c.url.Scheme, Host: c.url.Host, Path: c.url.Path, RawPath: c.url.RawPath}
	if u.Path == "" {
		u.Path = "/"
	}
	resp, err := t.engine.perform(ctx, &Request{Method: nethttp.MethodOptions, URL: u, NoFollow: true, bare: true})
	if err != nil {
		if protocols.KindOf(err) != protocols.KindConnect {
			r.Phase = "greeting"
		}
		return err
	}
	measure(r, resp)
	r.Capabilities = capabilities(resp)
	if resp.Status >= 500 && resp.Status != nethttp.StatusNotImplemented {
		r.Phase = "caps"
		return refusal(resp)
	}
	resp.Body.Close()
	if !c.opts.ProbeLogin {
		return nil
	}
	r.Phase = "login"
	before := time.Now()
	resp, err = t.engine.perform(ctx, &Request{Method: nethttp.MethodHead, URL: u, NoFollow: true})
	if err != nil {
		return err
	}
	r.Login = time.Since(before)
	if resp.Status == nethttp.StatusUnauthorized || resp.Status == nethttp.StatusForbidden {
		return refusal(resp)
	}
	return resp.Body.Close()
}

func measure(r *protocols.Report, resp *Response) {
	t := resp.Times
	r.Resolve, r.Connect, r.TLS, r.Greeting = t.Resolve, t.Connect, t.TLS, t.FirstByte
	r.Address, r.Banner = resp.Address, strings.TrimSpace(resp.Proto+" "+resp.Header.Get("Server"))
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
