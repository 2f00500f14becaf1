package http

import (
	"context"
	nethttp "net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http/internal/multistatus"
)

// mayBeCollection reports whether WebDAV may know better than the answer to HEAD: it is a
// page in place of a folder, or a refusal that does not say that nothing is there.
func mayBeCollection(resp *Response, u *url.URL) bool {
	switch {
	case u.RawQuery != "":
		return false
	case resp.Status >= 400:
		return resp.Status != nethttp.StatusNotFound && resp.Status != nethttp.StatusGone && resp.Status != nethttp.StatusUnauthorized
	case resp.Status >= 300 || strings.HasSuffix(resp.URL.Path, "/"):
		return false // found out without it
	}
	kind := resp.Header.Get("Content-Type")
	return kind == "" || isHTML(kind) || resp.Length == 0 || strings.Contains(kind, "directory")
}

// statDAV describes an object by WebDAV (PROPFIND with depth 0). known is false where that
// says nothing.
func statDAV(ctx context.Context, c *Client, name string, u *url.URL) (e protocols.Entry, known bool, err error) {
	resp, err := c.engine.perform(ctx, propfind(u, "0"))
	if err != nil {
		return e, false, err
	}
	defer resp.Body.Close()
	lg := c.engine.login(u)
	if resp.Status != nethttp.StatusMultiStatus {
		lg.noDAV = lg.noDAV || !lg.hasDAV && noDAV(resp.Status) && resp.Status != nethttp.StatusNotFound
		if lg.hasDAV && (resp.Status == nethttp.StatusNotFound || resp.Status == nethttp.StatusGone) {
			return e, true, refusal(resp)
		}
		return e, false, nil
	}
	lg.hasDAV = true
	r, known, err := ownResponse(c, resp)
	if err != nil || !known {
		return e, known, err
	}
	if code := r.Refused(); code > 0 {
		return e, true, davRefusal(code, r.Href)
	}
	e = newDAVListing(c.site, resp.URL, nil).entry(c.SaveName(name), &r, 0)
	e.Path, e.URL = name, c.display(name)
	if e.Type == protocols.TypeDir {
		e.Path, e.Name = strings.TrimSuffix(name, "/"), strings.TrimPrefix(path.Base(u.Path), "/")
	}
	return e, true, nil
}

// ownResponse returns the response of a multistatus that is for the URL itself: the one with
// its path, or the only one, whatever path the server behind a proxy knows.
func ownResponse(c *Client, resp *Response) (own multistatus.Response, found bool, err error) {
	path, _ := hrefSegments(resp.URL.EscapedPath(), nil)
	count := 0
	err = multistatus.Parse(resp.Body, c.limits, func(r multistatus.Response) error {
		count++
		segments, ok := hrefSegments(r.Href, path)
		if exact := ok && slices.Equal(segments, path); exact && !found || count == 1 {
			own, found = r, exact
		}
		return nil
	})
	return own, found || count == 1, err
}
