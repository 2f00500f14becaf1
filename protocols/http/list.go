package http

import (
	"context"
	"errors"
	"iter"
	"mime"
	nethttp "net/http"
	"net/url"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http/internal/multistatus"
)

// errStop says that the loop over a listing was left.
var errStop = errors.New("left")

// List lists a folder: by WebDAV (PROPFIND), or where the server has none, by the
// links of its index page. Of these only the ones that lead right below the page
// count. Entries that robots.txt closes are of type other. Sizes that the page
// does not tell exactly are asked for, one by one, unless the settings say not to.
func (c *Client) List(ctx context.Context, name string) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		ctx, done := c.opts.Begin(ctx, operation(c, "ls", name))
		ctx, release, err := c.enter(ctx, name)
		if err == nil {
			err = c.list(ctx, name, func(e protocols.Entry) bool { return yield(e, nil) })
			release()
		}
		if err == errStop {
			err = nil
		}
		err = c.wrap(err, "ls", name)
		done(err)
		if err != nil {
			yield(protocols.Entry{}, err)
		}
	}
}

// ListTree is List, of a folder that was an entry of another one: its path has no
// slash at the end, and servers would send us to the one with a slash.
func (c *Client) ListTree(ctx context.Context, root, name string) iter.Seq2[protocols.Entry, error] {
	if name != root {
		name = asFolder(name)
	}
	return c.List(ctx, name)
}

// list returns the entries of a folder. The gate is taken.
func (c *Client) list(ctx context.Context, name string, yield func(protocols.Entry) bool) error {
	u, err := c.urlOf(name)
	if err != nil {
		return err
	}
	if u.Scheme == "data" {
		return usage("a data URL has no entries")
	}
	done, err := c.listDAV(ctx, u, yield)
	if done {
		return err
	}
	if pageErr := c.listPage(ctx, u, yield); pageErr != nil {
		if err != nil && pageErr != errStop {
			return err
		}
		return pageErr
	}
	return nil
}

// claimsDAV reports whether the server says that it has WebDAV there. It is asked when a
// PROPFIND has failed: a server with WebDAV that is in trouble must not be listed by
// some page instead.
func (c *Client) claimsDAV(ctx context.Context, u *url.URL) bool {
	resp, err := c.engine.perform(ctx, &Request{Method: nethttp.MethodOptions, URL: u, NoFollow: true})
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return len(resp.Header.Values("Dav")) > 0
}

// isCutOff reports whether a request may have failed because of its method: firewalls close
// or reset the connection.
func isCutOff(err error) bool {
	return errors.Is(err, errNoAnswer) || protocols.KindOf(err) == protocols.KindConnect
}

// noDAV are the answers of servers, or places, without WebDAV.
func noDAV(status int) bool {
	return status != nethttp.StatusMultiStatus && status != nethttp.StatusUnauthorized && (status < 500 || status == nethttp.StatusNotImplemented)
}

// listDAV lists by WebDAV. done is false when the page is to be asked for: the server has
// no WebDAV there, or, with an error, something between does not let PROPFIND pass.
func (c *Client) listDAV(ctx context.Context, u *url.URL, yield func(protocols.Entry) bool) (done bool, err error) {
	lg := c.engine.login(u)
	if lg.noDAV || u.RawQuery != "" {
		return false, nil
	}
	at := *u
	if !strings.HasSuffix(at.Path, "/") {
		at.Path, at.RawPath = at.Path+"/", ""
	}
	ask := propfind(&at, "1")
	ask.within = u
	resp, err := c.engine.perform(ctx, ask)
	if errors.Is(err, errOutside) { // the page may be here all the same
		return false, nil
	}
	if err != nil {
		return !isCutOff(err) || lg.hasDAV || c.claimsDAV(ctx, u), err
	}
	defer resp.Body.Close()
	if noDAV(resp.Status) {
		lg.noDAV = resp.Status != nethttp.StatusNotFound
		return false, nil
	}
	if resp.Status != nethttp.StatusMultiStatus {
		err := refusal(resp)
		return resp.Status < 500 || lg.hasDAV || c.claimsDAV(ctx, u), err
	}
	lg.hasDAV = true
	listing := newDAVListing(c.site, resp.URL, yield)
	if err := multistatus.Parse(resp.Body, c.limits, listing.response); err != nil {
		return true, err
	}
	return true, listing.end()
}

// listPage lists the links of an index page.
func (c *Client) listPage(ctx context.Context, u *url.URL, yield func(protocols.Entry) bool) error {
	robots, done, err := c.askRobots(ctx, u)
	defer done()
	if err != nil {
		return err
	}
	resp, err := c.engine.perform(ctx, &Request{URL: u, within: u, Header: Header{"Accept": {"text/html, application/xhtml+xml"}}})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch {
	case resp.Status >= 300:
		return refusal(resp)
	case strings.TrimSuffix(resp.URL.Path, "/") != strings.TrimSuffix(u.Path, "/"):
		return &protocols.Error{Kind: protocols.KindRefused, Text: "the listing is somewhere else: " + protocols.Redact(resp.URL), Hint: "give that URL"}
	case !isHTML(resp.Header.Get("Content-Type")):
		return &protocols.Error{Kind: protocols.KindRefused, Text: "no folder: the answer is " + resp.Header.Get("Content-Type") + ", no index page"}
	}
	rules := robots()
	return parseIndex(resp.Body, !resp.open, resp.URL, func(e protocols.Entry) error {
		if e.Type != protocols.TypeInfo && e.Parsed() {
			c.placed(&e, resp.URL, rules)
			c.sized(ctx, &e, u)
		}
		if !yield(e) {
			return errStop
		}
		return nil
	})
}

func isHTML(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "text/html" || kind == "application/xhtml+xml")
}

// placed returns an entry of a page its names. e.Path is its URL's path.
func (c *Client) placed(e *protocols.Entry, page *url.URL, rules *robots) {
	at := withPath(page, e.Path)
	e.Protocol, e.URL = proto, c.shown(at)
	if !rules.allows(at.EscapedPath()) && !c.Settings.NoRobots {
		e.Type = protocols.TypeOther
		e.Facts = map[string]string{"robots": "disallowed"}
	}
	if e.Path, _ = pathOf(at); !c.owns(at) {
		e.Path = at.String()
	}
	e.Path = strings.TrimSuffix(e.Path, "/")
}

// sized asks for size and time of a file in a folder, where the page has none that
// is exact.
func (c *Client) sized(ctx context.Context, e *protocols.Entry, folder *url.URL) {
	if e.Type != protocols.TypeFile || e.Size >= 0 || c.Settings.IndexOnly {
		return
	}
	at, err := c.beside().stat(ctx, e.Path, folder)
	if err != nil {
		return
	}
	e.Size, e.ID = at.Size, at.ID
	if at.Type == protocols.TypeDir { // it redirects to itself with a slash
		e.Type, e.URL = protocols.TypeDir, e.URL+"/"
	}
	if !at.Modified.IsZero() {
		e.Modified, e.Accuracy = at.Modified, 0
	}
}

// beside returns a second client of the same server, for what must be asked while
// an answer is being read.
func (c *Client) beside() *Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.side == nil {
		c.side = c.another()
		if c.gate.Closed() {
			c.side.Close()
		}
	}
	c.side.engine.within = c.engine.within
	return c.side
}

// another returns another client of the same server, not connected.
func (c *Client) another() *Client {
	t, _ := New(c.url, c.opts)
	t.Settings = c.Settings
	t.Settings.Closed = nil
	return t
}

// indexTimes are how index pages write dates: nginx, Apache, lighttpd.
var indexTimes = []string{"02-Jan-2006 15:04", "2006-01-02 15:04", "02-Jan-2006 15:04:05", "2006-01-02 15:04:05", "2006-Jan-02 15:04:05"}

// indexFacts reads time and size in the text after a link. Times are exact to
// the minute, and of a zone that no page names: they tell of a day only.
func indexFacts(text string, e *protocols.Entry) {
	words := strings.Fields(text)
	for i := 0; i+1 < len(words) && i < 8; i++ {
		for _, layout := range indexTimes {
			t, err := time.Parse(layout, words[i]+" "+words[i+1])
			if err != nil {
				continue
			}
			e.Modified, e.Accuracy = t, 24*time.Hour
			if i+2 < len(words) && e.Type == protocols.TypeFile {
				if n, ok := number(words[i+2]); ok {
					e.Size = n
				}
			}
			return
		}
	}
}
