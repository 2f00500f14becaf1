package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	nethttp "net/http"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/http/internal/upbody"
)

// expectFrom is the size from which a body waits for the server's consent.
const expectFrom = upbody.Buffer

// Put stores r (PUT): of a known size with its length, else in chunks. It is one
// request, so that servers that write to a temporary file of their own show the
// old content or the new. A server with WebDAV that does not lets the old
// content go first; nothing is renamed here. Resuming, appending and names
// of the server's choice are not part of the protocol.
func (c *Client) Put(ctx context.Context, name string, r io.Reader, o *protocols.PutOptions) (protocols.Entry, error) {
	if o == nil {
		o = &protocols.PutOptions{}
	}
	e := protocols.Entry{Protocol: proto, URL: c.display(name), Name: c.SaveName(name), Path: name, Type: protocols.TypeFile, Size: -1}
	ctx, done := c.opts.Begin(ctx, operation(c, "put", name))
	err := c.wrap(c.put(ctx, name, r, o, &e), "put", name)
	done(err)
	return e, err
}

func (c *Client) put(ctx context.Context, name string, r io.Reader, o *protocols.PutOptions, e *protocols.Entry) error {
	if o.Offset > 0 || o.Append || o.Unique {
		return protocols.Unsupported(proto, "put", "HTTP can only store an object whole, under the name that is given")
	}
	if err := wire.Check(name); err != nil {
		return &protocols.Error{Kind: protocols.KindUsage, Err: err}
	}
	u, err := c.writable(name)
	if err != nil {
		return err
	}
	sent := &upbody.Counter{R: r}
	req := &Request{Method: nethttp.MethodPut, URL: u, Body: sent, Length: -1, Expect: true}
	if n := sizeOf(r, o); n >= 0 {
		req.Length, req.Expect = n, n >= expectFrom
		if _, ok := r.(upbody.File); ok {
			req.Body = r // as it is, so that the kernel can send it
		}
	}
	if s, ok := r.(io.Seeker); ok && req.Body == sent {
		req.Body = upbody.Seekable{Counter: sent, S: s}
	}
	if _, again := req.Body.(io.Seeker); !again && req.Length > upbody.Buffer {
		req.Expect = true // whatever the server asks for, it asks before the body
	}
	if !o.Modified.IsZero() { // for servers that take it, such as ownCloud's
		req.Header = Header{"X-Oc-Mtime": {fmt.Sprint(o.Modified.Unix())}}
	}
	resp, err := c.do(ctx, req)
	if err != nil {
		return err
	}
	if err := refused(resp, c.limits); err != nil {
		return err
	}
	defer resp.Body.Close()
	if e.Size = req.Length; e.Size < 0 {
		e.Size = sent.N
	}
	if tag := resp.Header.Get("ETag"); strings.HasPrefix(tag, `"`) {
		e.ID = tag
	}
	return nil
}

// sizeOf returns how many bytes a reader will give, or -1.
func sizeOf(r io.Reader, o *protocols.PutOptions) int64 {
	if o.Size > 0 {
		return o.Size
	}
	return upbody.Length(r)
}

// change makes a request without a body that changes something.
func (c *Client) change(ctx context.Context, op, method, name string, h Header) (err error) {
	ctx, done := c.opts.Begin(ctx, operation(c, op, name))
	defer func() { done(err) }()
	_, err = c.changed(ctx, method, name, h)
	if e, ok := errors.AsType[*protocols.Error](err); ok && method == "MKCOL" {
		e.Sentinel = mkcolClass(e)
	}
	return c.wrap(err, op, name)
}

// mkcolClass: 405 says that there is something already, 409 that the folder above
// is missing (RFC 4918 9.3.1).
func mkcolClass(e *protocols.Error) error {
	switch e.Code {
	case nethttp.StatusMethodNotAllowed:
		return fs.ErrExist
	case nethttp.StatusConflict:
		return fs.ErrNotExist
	}
	return e.Sentinel
}

func (c *Client) changed(ctx context.Context, method, name string, h Header) (*Response, error) {
	if err := wire.Check(name); err != nil {
		return nil, &protocols.Error{Kind: protocols.KindUsage, Err: err}
	}
	u, err := c.writable(name)
	if err != nil {
		return nil, err
	}
	resp, err := c.do(ctx, &Request{Method: method, URL: u, Header: h})
	if err != nil {
		return nil, err
	}
	if err := refused(resp, c.limits); err != nil {
		return nil, err
	}
	return resp, resp.Body.Close()
}

// refused returns the error of an answer to a change, whose body it closes then, or nil.
func refused(resp *Response, limits protocols.Limits) error {
	switch {
	case resp.Status >= 300:
		return refusal(resp)
	case resp.Status == nethttp.StatusMultiStatus:
		return multiRefusal(resp, limits)
	}
	return nil
}

// Remove deletes an object (DELETE). A folder is deleted by Unmake.
func (c *Client) Remove(ctx context.Context, name string) error {
	return c.change(ctx, "rm", nethttp.MethodDelete, name, nil)
}

// Make makes a collection by WebDAV (MKCOL, RFC 4918 9.3).
func (c *Client) Make(ctx context.Context, name string) error {
	return c.change(ctx, "mkdir", "MKCOL", asFolder(name), nil)
}

// asFolder returns the name of a collection: with a slash at its end.
func asFolder(name string) string {
	if name == "" || strings.HasSuffix(name, "/") || isURL(name) && strings.Contains(name, "?") {
		return name
	}
	return name + "/"
}

// Unmake deletes an empty collection. DELETE would take all that is in it
// (RFC 4918 9.6.1), so that it is listed first.
func (c *Client) Unmake(ctx context.Context, name string) error {
	name = asFolder(name)
	err := c.empty(ctx, name)
	if err == nil {
		_, err = c.changed(ctx, nethttp.MethodDelete, name, nil)
	}
	return c.wrap(err, "rmdir", name)
}

func (c *Client) empty(ctx context.Context, name string) error {
	for _, err := range c.List(ctx, name) {
		if err != nil {
			return err
		}
		return &protocols.Error{Kind: protocols.KindRefused, Text: "the folder is not empty"}
	}
	return nil
}

// Move renames by WebDAV (MOVE, RFC 4918 9.9). A file that has the new name already is
// replaced. A folder is not: the server would delete all that is in it.
func (c *Client) Move(ctx context.Context, from, to string) error {
	u, err := c.writable(to)
	if err == nil && wire.Check(to) != nil {
		err = &protocols.Error{Kind: protocols.KindUsage, Err: wire.Check(to)}
	}
	if err != nil {
		return c.wrap(err, "mv", from)
	}
	h := Header{"Destination": {u.String()}, "Overwrite": {"F"}}
	_, err = c.changed(ctx, "MOVE", from, h)
	if no, ok := errors.AsType[*StatusError](err); ok && no.Status == nethttp.StatusPreconditionFailed { // something is there
		there, serr := c.stat(ctx, to, nil)
		if serr == nil && there.Type == protocols.TypeDir {
			return c.wrap(&protocols.Error{
				Kind: protocols.KindRefused, Code: no.Status, Text: "a folder has that name, and all that is in it would be deleted", Err: no,
				Hint: "name the new place inside of it, or remove it first",
			}, "mv", from)
		}
		h["Overwrite"] = []string{"T"}
		_, err = c.changed(ctx, "MOVE", from, h)
	}
	return c.wrap(err, "mv", from)
}
