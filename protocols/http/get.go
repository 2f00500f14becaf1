package http

import (
	"context"
	"errors"
	"fmt"
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
	ctx, release, err := c.enter(ctx, name)
	if err != nil {
		return nil, c.wrap(err, "get", name)
	}
	obj, err := c.get(ctx, name, o)
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
	r := c.getRequest(u, o)
	resp, err := c.engine.perform(ctx, r)
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
	r.Header.Set("Range", fmt.Sprintf("bytes=%d-%s", o.Offset, end))
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
	switch {
	case resp.Status == nethttp.StatusPartialContent && part:
		size, err := checkPart(resp, o)
		if err != nil {
			return nil, err
		}
		obj.Size = size
	case resp.Status == nethttp.StatusRequestedRangeNotSatisfiable && part:
		return c.behindEnd(obj, resp, o)
	case resp.Status == nethttp.StatusNotModified && !c.conditional(part):
		return nil, protocolError("304 Not Modified, and nobody asked whether it is")
	case resp.Status == nethttp.StatusNotModified, !part && resp.Status < 300 && c.Settings.Condition.old(&e):
		return nil, &protocols.Error{Kind: protocols.KindRefused, Code: nethttp.StatusNotModified, Sentinel: ErrNotModified}
	case resp.Status >= 400 && (!c.Settings.AnyStatus || part):
		return nil, refusal(resp)
	case resp.Status/100 == 3:
		return nil, &protocols.Error{Kind: protocols.KindRefused, Code: resp.Status, Text: "a redirect to " + strconv.Quote(resp.Header.Get("Location")) + ", not followed"}
	case resp.Status == nethttp.StatusPartialContent && len(c.Settings.Header.Values("Range")) == 0:
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

// firstPart is the start of a body that is longer.
type firstPart struct {
	io.ReadCloser
	left int64
}

func (f *firstPart) Read(p []byte) (int, error) {
	if f.left <= 0 {
		return 0, io.EOF
	}
	n, err := f.ReadCloser.Read(p[:min(int64(len(p)), f.left)])
	f.left -= int64(n)
	return n, err
}

// checkPart compares Content-Range with what was asked for (RFC 9110 14.4), and
// returns the size of the whole, or -1.
func checkPart(resp *Response, o *protocols.GetOptions) (int64, error) {
	text := resp.Header.Get("Content-Range")
	first, last, size, ok := parseContentRange(text)
	if !ok || first < 0 {
		return 0, protocolError("a part without a Content-Range that says which: " + strconv.Quote(text))
	}
	wanted := o.Length == 0 || last <= o.Offset+o.Length-1
	if first != o.Offset || !wanted || resp.Length >= 0 && resp.Length != last-first+1 {
		return 0, protocolError(fmt.Sprintf("asked for the bytes from %d, got %q with %d bytes", o.Offset, text, resp.Length))
	}
	return size, nil
}

// parseContentRange reads "bytes 0-9/100", "bytes 0-9/*" and "bytes */100"; first
// is -1 for the last one, size -1 where it is not told.
func parseContentRange(text string) (first, last, size int64, ok bool) {
	unit, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	span, total, slash := strings.Cut(rest, "/")
	if !strings.EqualFold(unit, "bytes") || !slash {
		return 0, 0, 0, false
	}
	size = -1
	if total != "*" {
		if size, ok = number(total); !ok {
			return 0, 0, 0, false
		}
	}
	if span == "*" {
		return -1, -1, size, size >= 0
	}
	a, b, _ := strings.Cut(span, "-")
	first, okA := number(a)
	last, okB := number(b)
	ok = okA && okB && first <= last && (size < 0 || last < size)
	return first, last, size, ok
}

func number(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && digits(s)
}

// behindEnd takes the refusal of a part: one that starts just after the end of
// the object is empty.
func (c *Client) behindEnd(obj *protocols.Object, resp *Response, o *protocols.GetOptions) (*protocols.Object, error) {
	_, _, size, ok := parseContentRange(resp.Header.Get("Content-Range"))
	if !ok || size != o.Offset || o.Same != nil && o.Same.Size >= 0 && o.Same.Size != size {
		if ok && o.Same != nil {
			resp.Body.Close()
			return nil, &protocols.Error{Kind: protocols.KindRefused, Code: resp.Status, Sentinel: protocols.ErrChanged, Text: fmt.Sprintf("it has %d bytes now", size)}
		}
		return nil, refusal(resp)
	}
	obj.Size = size
	obj.Body = struct {
		io.Reader
		io.Closer
	}{strings.NewReader(""), resp.Body}
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

// Stat describes an object (HEAD). Where a server does not do HEAD, GET does it,
// and its body is left.
func (c *Client) Stat(ctx context.Context, name string) (protocols.Entry, error) {
	e, err := c.stat(ctx, name, nil)
	return e, c.wrap(err, "stat", name)
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
	var resp *Response
	for _, method := range []string{nethttp.MethodHead, nethttp.MethodGet} {
		if resp, err = c.engine.perform(ctx, &Request{Method: method, URL: u, raw: true, within: within}); err != nil {
			return protocols.Entry{}, err
		}
		if resp.Status != nethttp.StatusMethodNotAllowed && resp.Status != nethttp.StatusNotImplemented || method == nethttp.MethodGet {
			break
		}
		resp.Body.Close()
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
