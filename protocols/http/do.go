package http

import (
	"cmp"
	"context"
	"io"
	"sync"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
)

// Do makes a request and returns the answer, whatever its status: 4xx and 5xx are
// no errors here, [Response.AsError] makes them some. Redirects are followed and
// logins made as the settings and options say. The caller closes the body; until
// then the client is busy. ctx covers the body too.
func (c *Client) Do(ctx context.Context, r *Request) (*Response, error) {
	at := protocols.Redact(c.url)
	if r.URL != nil {
		at = c.shown(r.URL)
	}
	ctx, done := c.opts.Begin(ctx, protocols.Op{Protocol: proto, Verb: "request", Host: c.url.Host, Name: at})
	resp, err := c.do(ctx, r)
	if err != nil {
		err = protocols.Wrap(err, proto, "request", at)
		done(err)
		return nil, err
	}
	if c.opts.Observe != nil {
		resp.Body = &seenBody{ReadCloser: resp.Body, done: done}
	}
	return resp, nil
}

// seenBody is the body of a request that the options' hook sees until it is closed.
type seenBody struct {
	io.ReadCloser
	err  error // what reading ended with
	done func(error)
	once sync.Once
}

func (b *seenBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// WriteTo copies the way the body itself does, which may be a fast one.
func (b *seenBody) WriteTo(w io.Writer) (int64, error) {
	n, err := io.Copy(w, b.ReadCloser)
	if err != nil {
		b.err = err
	}
	return n, err
}

// Close ends the operation.
func (b *seenBody) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(func() { b.done(cmp.Or(b.err, err)) })
	return err
}

// do is Do with the bare error.
func (c *Client) do(ctx context.Context, r *Request) (*Response, error) {
	ctx, release, err := c.enter(ctx)
	if err != nil {
		return nil, err
	}
	resp, err := c.engine.perform(ctx, r)
	if err != nil {
		release()
		return nil, err
	}
	resp.Body = &gatedBody{body: resp.Body, release: release}
	return resp, nil
}

// enter checks names and takes the gate; nothing is sent before. The operation uses the
// context that is returned, which ends when the client is closed, until it calls
// release.
func (c *Client) enter(ctx context.Context, names ...string) (_ context.Context, release func(), err error) {
	if err := wire.Check(names...); err != nil {
		return nil, nil, &protocols.Error{Kind: protocols.KindUsage, Err: err}
	}
	ctx, release, err = c.gate.Begin(ctx)
	if err == nil {
		strictly(c)
	}
	return ctx, release, err
}

// gatedBody keeps the client busy until it is closed.
type gatedBody struct {
	body    io.ReadCloser
	release func() // nil: somebody else holds the gate
}

func (b *gatedBody) Read(p []byte) (int, error) { return b.body.Read(p) }

// WriteTo copies the way the body itself does, which may be a fast one.
func (b *gatedBody) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, b.body) }

// Close frees the client.
func (b *gatedBody) Close() error {
	err := b.body.Close()
	if b.release != nil {
		b.release()
	}
	return err
}
