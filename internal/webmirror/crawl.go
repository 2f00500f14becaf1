// Package webmirror copies a part of the web through the links of its pages: to files
// whose links lead to each other, or to an archive in the WARC format.
package webmirror

import (
	"context"
	"errors"
	"io"
	"mime"
	nethttp "net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http"
)

// Options say what is copied.
type Options struct {
	Hosts   []string // beside the first page's own: host or host:port
	Whole   bool     // any path of the host; else what is below the folder of the first page
	Depth   int      // links from the first page; 0: only it and what it needs
	Pages   int      // most documents that are fetched
	MaxSize int64    // of one document; 0: no limit
	Robots  bool     // robots.txt is kept
	Agent   string   // our name in it
	Report  func(Result)
	Again   func(ctx context.Context, do func() error) error // repeats what failed for a while
}

// Result is what became of a document.
type Result struct {
	URL, Place string
	Bytes      int64
	Seconds    float64
	Unchanged  bool
	Note       string
	Err        error
}

// Document is an answer that is stored.
type Document struct {
	URL     *url.URL
	Status  int
	Proto   string
	Reason  string
	Header  nethttp.Header
	Request nethttp.Header // that was sent beside our own
	Kind    string         // content type without parameters
	Body    *os.File       // at its beginning
	Size    int64
	Links   []Link
	Time    time.Time // of the answer
}

// Sink is where documents go.
type Sink interface {
	// Known returns what is stored of a URL and may still be right: the header of a
	// request for it only if it changed, and the links that it has. Nil: nothing.
	Known(u string) *Known
	// Store keeps a document, and returns where. Answers that are no content come too
	// (redirects, refusals); a sink that does not keep them returns an empty place.
	Store(ctx context.Context, d *Document) (place string, err error)
	// Moved notes that a URL leads to another one.
	Moved(from, to string)
	// End is called once, when there is no more to come; err is why it ended early.
	End(ctx context.Context, err error) error
}

// Known is what a sink has of a URL.
type Known struct {
	Header nethttp.Header // of the request
	Links  []Link
	Place  string
	Done   bool   // it is not asked for again
	Moved  string // the URL that it leads to
}

// Crawler goes through the pages.
type Crawler struct {
	Client *http.Client
	Sink   Sink
	Options

	root   *url.URL
	folder string
	queue  []step
	seen   map[string]bool
	rules  map[string]*http.Robots
	last   time.Time
}

// step is a document to fetch.
type step struct {
	url  string
	left int  // links that may still be followed from it
	need bool // a page needs it
	hops int  // redirects on the way to it
}

const maxHops = 20

// Run copies all that is reached from the page at root.
func (c *Crawler) Run(ctx context.Context, root *url.URL) error {
	c.root, c.seen, c.rules = root, map[string]bool{}, map[string]*http.Robots{}
	p := "/" + strings.TrimPrefix(root.Path, "/")
	c.folder = p[:strings.LastIndexByte(p, '/')+1]
	first := *root
	first.User, first.Fragment = nil, ""
	c.add(step{url: normal(&first), left: c.Depth})
	var err error
	for done := 0; len(c.queue) > 0 && err == nil; done++ {
		if done == c.Pages {
			err = &protocols.Error{Kind: protocols.KindPartial, Text: "the limit of documents is reached: there are more", Hint: "--max-pages sets another limit"}
			break
		}
		next := c.queue[0]
		c.queue = c.queue[1:]
		err = c.one(ctx, next)
	}
	return errors.Join(err, c.Sink.End(context.WithoutCancel(ctx), err))
}

func (c *Crawler) add(s step) {
	if !c.seen[s.url] && len(c.seen) < 20*c.Pages+maxLinks {
		c.seen[s.url] = true
		c.queue = append(c.queue, s)
	}
}

// inside reports whether a URL may be fetched: of the same host and below the folder, or
// of the same host where a page needs it, or of a host that was asked for.
func (c *Crawler) inside(u *url.URL, need bool) bool {
	own := strings.EqualFold(u.Host, c.root.Host) && (u.Scheme == c.root.Scheme || u.Scheme == "https")
	other := slices.ContainsFunc(c.Hosts, func(h string) bool { return strings.EqualFold(h, u.Host) })
	return other || own && (need || c.Whole || strings.HasPrefix(strings.TrimSuffix(path.Clean("/"+u.Path), "/")+"/", c.folder))
}

// one fetches a document. Only what ends the work is an error.
func (c *Crawler) one(ctx context.Context, s step) error {
	u, err := url.Parse(s.url)
	if err != nil {
		return nil
	}
	start := time.Now()
	r := Result{URL: s.url}
	if c.Robots && !c.allowed(ctx, u) {
		r.Note = "closed to robots by robots.txt"
		c.Report(r)
		return context.Cause(ctx)
	}
	if known := c.Sink.Known(s.url); known == nil || !known.Done {
		err = c.pause(ctx, u)
	}
	if err != nil {
		return err
	}
	err = c.Again(ctx, func() error { return c.fetch(ctx, s, u, &r) })
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	r.Seconds = time.Since(start).Seconds()
	r.Err = err
	c.Report(r)
	if kind := protocols.KindOf(err); kind == protocols.KindLocal {
		return err
	}
	return nil
}

// fetch makes one request and stores the answer.
func (c *Crawler) fetch(ctx context.Context, s step, u *url.URL, r *Result) error {
	known := c.Sink.Known(s.url)
	if known != nil && known.Done {
		c.skip(s, known, r)
		return nil
	}
	req := http.NewRequest("", u, nil)
	req.NoFollow = true
	if known != nil {
		req.Header = known.Header
	}
	resp, err := c.Client.Do(ctx, req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.Status == nethttp.StatusNotModified && known != nil {
		r.Unchanged, r.Place = true, known.Place
		c.follow(s, known.Links)
		return nil
	}
	d := &Document{URL: u, Status: resp.Status, Proto: resp.Proto, Reason: resp.Reason, Header: resp.Header, Request: req.Header, Time: time.Now().UTC()}
	d.Kind, _, _ = mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err := c.spool(d, resp.Body); err != nil {
		return err
	}
	defer func() { d.Body.Close(); os.Remove(d.Body.Name()) }()
	if resp.Status == nethttp.StatusOK && (d.Kind == kindHTML || d.Kind == kindXHTM || d.Kind == kindCSS) {
		if d.Links, err = links(d.Body, u, d.Kind); err != nil {
			r.Note = "its links were not read to the end: " + err.Error()
		}
		if _, err := d.Body.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
	r.Bytes = d.Size
	if r.Place, err = c.Sink.Store(ctx, d); err != nil {
		return err
	}
	return c.judge(s, u, resp, d)
}

// skip goes on from what an interrupted run has stored.
func (c *Crawler) skip(s step, known *Known, r *Result) {
	r.Unchanged, r.Place = true, known.Place
	if known.Moved != "" {
		c.Sink.Moved(s.url, known.Moved)
		c.add(step{known.Moved, s.left, s.need, s.hops + 1})
	}
	c.follow(s, known.Links)
}

// judge follows what an answer leads to.
func (c *Crawler) judge(s step, u *url.URL, resp *http.Response, d *Document) error {
	switch at := resp.Header.Get("Location"); {
	case resp.Status >= 300 && resp.Status < 400 && at != "":
		to, err := u.Parse(at)
		if err != nil || s.hops == maxHops || !c.inside(to, s.need) {
			return &protocols.Error{Kind: protocols.KindRefused, Code: resp.Status, Text: "leads to " + at + ", which is not followed"}
		}
		to.User, to.Fragment, to.RawFragment = nil, "", ""
		c.Sink.Moved(s.url, normal(to))
		c.add(step{normal(to), s.left, s.need, s.hops + 1})
	case resp.Status != nethttp.StatusOK:
		return resp.AsError()
	}
	c.follow(s, d.Links)
	return nil
}

// follow queues the links of a document.
func (c *Crawler) follow(s step, found []Link) {
	for _, l := range found {
		u, err := url.Parse(l.URL)
		if err != nil || !c.inside(u, l.Need) {
			continue
		}
		left := s.left
		if !l.Need {
			left--
		}
		if left >= 0 {
			c.add(step{url: l.URL, left: left, need: l.Need})
		}
	}
}

// spool keeps the content in a file that goes away when it is closed.
func (c *Crawler) spool(d *Document, body io.Reader) error {
	f, err := os.CreateTemp("", "netclients-*.page")
	if err != nil {
		return &protocols.Error{Kind: protocols.KindLocal, Err: err}
	}
	limit := int64(1) << 62
	if c.MaxSize > 0 {
		limit = c.MaxSize
	}
	d.Size, err = io.Copy(f, io.LimitReader(body, limit))
	if err == nil && d.Size == limit {
		if n, _ := body.Read(make([]byte, 1)); n > 0 {
			err = protocols.ProtocolError("http", "sync", "larger than --max-size allows")
		}
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return err
	}
	d.Body = f
	return nil
}

// allowed reports whether robots.txt lets us fetch a URL.
func (c *Crawler) allowed(ctx context.Context, u *url.URL) bool {
	rules := c.rulesOf(ctx, u)
	return rules.Allowed(u.RequestURI())
}

func (c *Crawler) rulesOf(ctx context.Context, u *url.URL) *http.Robots {
	key := u.Scheme + "://" + u.Host
	if c.rules[key] == nil {
		rules, err := c.Client.Robots(ctx, key+"/", c.Agent)
		if err != nil {
			rules = &http.Robots{}
		}
		c.rules[key] = rules
	}
	return c.rules[key]
}

// pause waits as long as robots.txt wants it between two requests.
func (c *Crawler) pause(ctx context.Context, u *url.URL) error {
	if !c.Robots {
		return ctx.Err()
	}
	delay := min(c.rulesOf(ctx, u).Delay, time.Minute)
	wait := time.Until(c.last.Add(delay))
	c.last = time.Now()
	if delay <= 0 || wait <= 0 {
		return nil
	}
	defer func() { c.last = time.Now() }()
	return retry.Sleep(ctx, wait)
}
