package file

import (
	"context"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/netclients/netclients/protocols"
)

// Get opens a file. The operation lasts until the Body is closed. Without Length the
// Body is a [*Body], so that a connection can take it by sendfile; with it, the Body's
// WriteTo does the same. Below the root only regular files are opened: a FIFO could block
// for ever.
func (c *Client) Get(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	if o == nil {
		o = &protocols.GetOptions{}
	}
	obj, err := c.get(ctx, name, o)
	return obj, wrap(err, "get", c.urlOf(name))
}

func (c *Client) get(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	ctx, leave, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	f, name, err := c.open(ctx, name)
	if err != nil {
		leave()
		return nil, err
	}
	obj, err := object(&Body{File: f, ctx: ctx, leave: leave}, o)
	if err != nil {
		f.Close()
		leave()
		return nil, err
	}
	obj.Path, obj.URL = name, c.urlOf(name)
	return obj, nil
}

// open opens a file for reading. The root itself is the user's own word and may
// be anything that can be read.
func (c *Client) open(ctx context.Context, name string) (*os.File, string, error) {
	name, err := clean(name)
	if err != nil {
		return nil, "", err
	}
	if name == "" {
		f, err := Open(ctx, c.path, RuleNamed, os.O_RDONLY, 0)
		return f, "", err
	}
	root, err := c.Root()
	if err != nil {
		return nil, "", err
	}
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	return f, name, err
}

// object checks what was opened and puts it in place.
func object(f *Body, o *protocols.GetOptions) (*protocols.Object, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsDir():
		return nil, &fs.PathError{Op: "read", Path: f.Name(), Err: syscall.EISDIR}
	case !info.Mode().IsRegular() && o.Offset == 0:
		return &protocols.Object{Entry: entry(info), Body: f}, nil
	}
	obj := &protocols.Object{Entry: entry(info), Offset: o.Offset, Body: f}
	if o.Same != nil && !same(obj.Entry, *o.Same) {
		return nil, &protocols.Error{Kind: protocols.KindLocal, Sentinel: protocols.ErrChanged}
	}
	if o.Offset > obj.Size {
		return nil, protocols.UsageError(proto, "get", "the file ends before the offset")
	}
	if o.Offset > 0 {
		if _, err := f.Seek(o.Offset, io.SeekStart); err != nil {
			return nil, err
		}
	}
	if o.Length > 0 && o.Length < obj.Size-o.Offset {
		obj.Body = &part{f: f, left: io.LimitedReader{R: f.File, N: o.Length}}
	}
	return obj, nil
}

// same compares with what an earlier look said, as exactly as that could.
func same(now, then protocols.Entry) bool {
	if then.Size >= 0 && now.Size != then.Size {
		return false
	}
	unit := max(then.Accuracy, time.Second)
	if then.Accuracy == 0 && then.Modified.Nanosecond() != 0 {
		unit = 1
	}
	return then.Modified.IsZero() || now.Modified.Truncate(unit).Equal(then.Modified.Truncate(unit))
}

// Body is an open file as the body of an object. Close ends the operation.
type Body struct {
	*os.File
	ctx   context.Context
	leave func()
}

// Read reads, until the operation has ended.
func (b *Body) Read(p []byte) (int, error) {
	if err := context.Cause(b.ctx); err != nil {
		return 0, err
	}
	return b.File.Read(p)
}

// WriteTo hands a connection the type that it knows how to send without copying.
func (b *Body) WriteTo(w io.Writer) (int64, error) {
	if err := context.Cause(b.ctx); err != nil {
		return 0, err
	}
	if to, ok := w.(io.ReaderFrom); ok {
		return to.ReadFrom(b.File)
	}
	return io.Copy(w, b.File)
}

// Close closes the file.
func (b *Body) Close() error {
	defer b.leave()
	return b.File.Close()
}

// OSFile returns the file, for those who can pass it to the kernel.
func (b *Body) OSFile() *os.File { return b.File }

// Opened returns the file that a reader is, or that it is the [*Body] of.
func Opened(r io.Reader) (*os.File, bool) {
	switch r := r.(type) {
	case *os.File:
		return r, true
	case *Body:
		return r.File, true
	}
	return nil, false
}

// part is a range of a file.
type part struct {
	f    *Body
	left io.LimitedReader
}

func (p *part) Read(b []byte) (int, error) { return p.left.Read(b) }
func (p *part) Close() error               { return p.f.Close() }

// WriteTo hands a connection the type that it knows how to send without copying.
func (p *part) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, &p.left) }
