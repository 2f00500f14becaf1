package mailstore

import (
	"context"
	"io"
	"iter"

	"github.com/netclients/netclients/protocols"
)

// do runs one operation: a second one at the same time fails with an error of class
// [protocols.ErrBusy], and Close ends it with one of class [protocols.ErrClosed].
func (p *parent) do(ctx context.Context, op, name string, run func(ctx context.Context) error) error {
	ctx, leave, err := p.gate.Begin(ctx)
	if err != nil {
		return p.wrap(err, op, name)
	}
	defer leave()
	return p.wrap(run(ctx), op, name)
}

// Close ends an operation that is in progress. The client cannot be used after it.
func (p *parent) Close() error {
	p.gate.Close()
	return nil
}

// Probe reports that the local disk is there.
func (p *parent) Probe(ctx context.Context) (*protocols.Report, error) {
	r := &protocols.Report{URL: p.proto + ":"}
	err := p.do(ctx, "probe", "", func(context.Context) error { return nil })
	r.Up = err == nil
	return r, err
}

// opener opens a message. Only its Entry, Offset and Body count.
type opener func(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error)

// get opens a message for the caller, for whom the client is busy until the body is
// closed.
func (p *parent) get(ctx context.Context, name string, o *protocols.GetOptions, open opener) (*protocols.Object, error) {
	if o == nil {
		o = &protocols.GetOptions{}
	}
	ctx, leave, err := p.gate.Begin(ctx)
	if err != nil {
		return nil, p.wrap(err, "get", name)
	}
	obj, err := open(ctx, name, o)
	if err != nil {
		leave()
		return nil, p.wrap(err, "get", name)
	}
	obj.Body = &openBody{ReadCloser: obj.Body, ctx: ctx, leave: leave, wrap: func(err error) error { return p.wrap(err, "get", name) }}
	return obj, nil
}

// openBody is the content of a message while the client is busy with it.
type openBody struct {
	io.ReadCloser
	ctx   context.Context
	leave func()
	wrap  func(error) error
}

func (b *openBody) Read(buf []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, b.wrap(context.Cause(b.ctx))
	}
	n, err := b.ReadCloser.Read(buf)
	if err != nil && err != io.EOF {
		err = b.wrap(err)
	}
	return n, err
}

func (b *openBody) Close() error {
	defer b.leave()
	return b.ReadCloser.Close()
}

// bulkGet opens one message after the other, as one operation.
func (p *parent) bulkGet(ctx context.Context, names iter.Seq[string], each func(string, *protocols.Object, error) error, open opener) error {
	ctx, leave, err := p.gate.Begin(ctx)
	if err != nil {
		return p.wrap(err, "get", "")
	}
	defer leave()
	for name := range names {
		if ctx.Err() != nil {
			return p.wrap(context.Cause(ctx), "get", name)
		}
		obj, err := open(ctx, name, &protocols.GetOptions{})
		err = each(name, obj, p.wrap(err, "get", name))
		if obj != nil {
			obj.Body.Close()
		}
		if err != nil {
			return err
		}
	}
	return nil
}
