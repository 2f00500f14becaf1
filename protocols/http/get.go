package http

import (
	"context"
	"errors"
	"io"
	nethttp "net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// Condition asks for an object only when it is another or a newer one than is
// known (RFC 9110 13). The zero value is none.
type Condition struct {
	Newer time.Time // than this: If-Modified-Since
	Not   string    // this ETag: If-None-Match
}

// ErrNotModified is the class of the error that Get returns when the condition of
// the settings does not hold: there is nothing new.
var ErrNotModified = errors.New("not modified")

// Get opens an object (GET). The caller closes the object's Body; until then the
// client is busy. With an offset the answer must be just the part that was asked
// for, and with Same it must be of that object: If-Range asks the server, and an
// answer with another ETag, date or size is an error of class
// [protocols.ErrChanged]. Where no content coding was asked for the body is byte
// for byte what the server sends.
func (c *Client) Get(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	if o == nil {
		o = &protocols.GetOptions{}
	}
	return c.opts.Opened(ctx, operation(c, "get", name), func(ctx context.Context) (*protocols.Object, error) {
		return opened(ctx, c, name, func(ctx context.Context) (*protocols.Object, error) { return c.get(ctx, name, o) })
	})
}

// opened opens an object whose body frees the client.
func opened(ctx context.Context, c *Client, name string, open func(context.Context) (*protocols.Object, error)) (*protocols.Object, error) {
	ctx, release, err := c.enter(ctx, name)
	if err != nil {
		return nil, c.wrap(err, "get", name)
	}
	obj, err := open(ctx)
	if err != nil {
		release()
		return nil, c.wrap(err, "get", name)
	}
	obj.Body = &content{c: c, name: name, body: &gatedBody{body: obj.Body, release: release}}
	return obj, nil
}

// content names verb and URL in the errors of a body.
type content struct {
	c    *Client
	name string
	body *gatedBody
}

func (b *content) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if err != nil && err != io.EOF {
		err = b.c.wrap(err, "get", b.name)
	}
	return n, err
}

// WriteTo copies by the body's own fast way, where it has one.
func (b *content) WriteTo(w io.Writer) (int64, error) {
	n, err := b.body.WriteTo(w)
	if kind := protocols.KindOf(err); err != nil && kind != protocols.KindInternal && kind != protocols.KindLocal {
		err = b.c.wrap(err, "get", b.name)
	}
	return n, err
}

// Close frees the client.
func (b *content) Close() error { return b.body.Close() }

func (c *Client) get(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	if o.Offset < 0 || o.Length < 0 {
		return nil, usage("offset and length are 0 or more")
	}
	if c.url.Scheme == "data" || strings.HasPrefix(name, "data:") {
		return dataObject(name, o)
	}
	u, err := c.urlOf(name)
	if err != nil {
		return nil, err
	}
	resp, err := c.engine.perform(ctx, c.getRequest(u, o))
	if err != nil {
		return nil, err
	}
	obj, err := c.object(name, resp, o)
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	return obj, nil
}

// getRequest asks for an object or a part of it.
func (c *Client) getRequest(u *url.URL, o *protocols.GetOptions) *Request {
	r := &Request{URL: u, Header: Header{}}
	if o.Offset == 0 && o.Length == 0 {
		condition(r.Header, c.Settings.Condition)
		return r
	}
	r.raw = true // parts are of the bytes as they are sent
	end := ""
	if o.Length > 0 {
		end = strconv.FormatInt(o.Offset+o.Length-1, 10)
	}
	r.Header.Set("Range", "bytes="+strconv.FormatInt(o.Offset, 10)+"-"+end)
	switch same := o.Same; {
	case same == nil:
	case strings.HasPrefix(same.ID, `"`):
		r.Header.Set("If-Range", same.ID)
	case !same.Modified.IsZero() && same.Accuracy <= time.Second:
		r.Header.Set("If-Range", same.Modified.UTC().Format(nethttp.TimeFormat))
	}
	return r
}

func condition(h Header, c Condition) {
	if !c.Newer.IsZero() {
		h.Set("If-Modified-Since", c.Newer.UTC().Format(nethttp.TimeFormat))
	}
	if c.Not != "" {
		h.Set("If-None-Match", c.Not)
	}
}

// conditional reports whether a request for an object, or a part of one, has a
// condition that 304 answers.
func (c *Client) conditional(part bool) bool {
	own := c.Settings.Header
	return !part && c.Settings.Condition != Condition{} || len(own.Values("If-None-Match"))+len(own.Values("If-Modified-Since")) > 0
}

// old reports whether an object is no newer than wanted: servers are free to
// ignore the condition, and nginx takes one date only, that of the object.
func (c Condition) old(e *protocols.Entry) bool {
	return !c.Newer.IsZero() && !e.Modified.IsZero() && !e.Modified.After(c.Newer) || c.Not != "" && c.Not == e.ID
}

// object checks that an answer to GET is what was asked for.
func (c *Client) object(name string, resp *Response, o *protocols.GetOptions) (*protocols.Object, error) {
	e := c.entryOf(name, resp, c.Settings.Compressed)
	obj := &protocols.Object{Entry: e, Body: resp.Body, Offset: o.Offset}
	part := o.Offset > 0 || o.Length > 0
	partial := resp.Status == nethttp.StatusPartialContent && !isWhole(resp)
	switch {
	case partial && part:
		size, err := checkPart(resp, o)
		if err != nil {
			return nil, err
		}
		obj.Size = size
	case resp.Status == nethttp.StatusRequestedRangeNotSatisfiable && part:
		return behindEnd(obj, resp, o)
	case resp.Status == nethttp.StatusNotModified && !c.conditional(part):
		return nil, protocolError("304 Not Modified, and nobody asked whether it is")
	case resp.Status == nethttp.StatusNotModified, !part && resp.Status < 300 && c.Settings.Condition.old(&e):
		return nil, &protocols.Error{Kind: protocols.KindRefused, Code: nethttp.StatusNotModified, Sentinel: ErrNotModified}
	case resp.Status >= 400 && (!c.Settings.AnyStatus || part):
		return nil, refusal(resp)
	case resp.Status/100 == 3:
		return nil, &protocols.Error{Kind: protocols.KindRefused, Code: resp.Status, Text: "a redirect to " + strconv.Quote(resp.Header.Get("Location")) + ", not followed"}
	case partial && len(c.Settings.Header.Values("Range")) == 0:
		return nil, protocolError("a part came where all was asked for")
	case o.Offset > 0:
		if o.Same != nil && unchanged(o.Same, &e) != nil {
			return nil, unchanged(o.Same, &e)
		}
		return nil, &protocols.Error{Kind: protocols.KindRefused, Sentinel: errors.ErrUnsupported, Code: resp.Status, Text: "the server sends all of it: it cannot start at an offset"}
	case o.Length > 0:
		obj.Body = &firstPart{resp.Body, o.Length}
	}
	if o.Same != nil {
		if err := unchanged(o.Same, &obj.Entry); err != nil {
			return nil, err
		}
	}
	return obj, nil
}

// unchanged compares what was with what is, as far as both are known.
func unchanged(was, is *protocols.Entry) error {
	changed := was.Size >= 0 && is.Size >= 0 && was.Size != is.Size || was.ID != "" && is.ID != "" && was.ID != is.ID
	if !was.Modified.IsZero() && !is.Modified.IsZero() {
		changed = changed || was.Modified.Sub(is.Modified).Abs() >= max(was.Accuracy, is.Accuracy, time.Second)
	}
	if changed {
		return &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrChanged}
	}
	return nil
}

// Stat describes an object (HEAD). Where a server refuses HEAD or shows a page, WebDAV is
// asked, so that folders are the same here and in listings. Where a server does not do
// HEAD, GET does it, and its body is left.
func (c *Client) Stat(ctx context.Context, name string) (protocols.Entry, error) {
	ctx, done := c.opts.Begin(ctx, operation(c, "stat", name))
	e, err := c.stat(ctx, name, nil)
	err = c.wrap(err, "stat", name)
	done(err)
	return e, err
}

// operation is one as the options' hook sees it.
func operation(c *Client, verb, name string) protocols.Op {
	return protocols.Op{Protocol: proto, Verb: verb, Host: c.url.Host, Name: name}
}

// stat is Stat, in a folder that redirects must not lead out of; nil: anywhere.
func (c *Client) stat(ctx context.Context, name string, within *url.URL) (protocols.Entry, error) {
	ctx, release, err := c.enter(ctx, name)
	if err != nil {
		return protocols.Entry{}, err
	}
	defer release()
	if strings.HasPrefix(name, "data:") {
		obj, err := dataObject(name, &protocols.GetOptions{})
		if err != nil {
			return protocols.Entry{}, err
		}
		return obj.Entry, nil
	}
	u, err := c.urlOf(name)
	if err != nil {
		return protocols.Entry{}, err
	}
	lg := c.engine.login(u)
	if lg.hasDAV && within == nil {
		if e, known, err := statDAV(ctx, c, name, u); known {
			return e, err
		}
	}
	resp, err := c.engine.perform(ctx, &Request{Method: nethttp.MethodHead, URL: u, raw: true, within: within})
	if err != nil {
		return protocols.Entry{}, err
	}
	if within == nil && !lg.hasDAV && !lg.noDAV && mayBeCollection(resp, u) {
		if e, known, err := statDAV(ctx, c, name, u); known {
			resp.Body.Close()
			return e, err
		}
	}
	if resp.Status == nethttp.StatusMethodNotAllowed || resp.Status == nethttp.StatusNotImplemented {
		resp.Body.Close()
		if resp, err = c.engine.perform(ctx, &Request{URL: u, raw: true, within: within}); err != nil {
			return protocols.Entry{}, err
		}
	}
	if resp.Status >= 300 {
		return protocols.Entry{}, refusal(resp)
	}
	resp.Body.Close()
	e := c.entryOf(name, resp, c.Settings.Compressed)
	if strings.HasSuffix(u.Path, "/") || sameOrigin(resp.URL, u) && resp.URL.Path == u.Path+"/" {
		e.Type, e.Size = protocols.TypeDir, -1
		e.Path = strings.TrimSuffix(e.Path, "/")
		e.Name = strings.TrimPrefix(path.Base(u.Path), "/")
	}
	return e, nil
}
