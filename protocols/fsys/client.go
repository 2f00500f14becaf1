package fsys

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"path"
	"strings"

	"github.com/netclients/netclients/protocols"
)

const proto = "fs"

// Client makes a client of a file system, such as one of package embed: a Lister,
// Statter and Getter for package transfer and the functions of package protocols. Names
// are those of package io/fs; the empty one is the root. Entries have URLs with the
// scheme "fs", which no catalog opens. It does no I/O.
//
// Nothing is written to f. The caller closes the client, which leaves f as it is.
func Client(f fs.FS) protocols.Client { return &client{f: f} }

type client struct {
	f    fs.FS
	gate protocols.Gate
}

var (
	_ protocols.Lister  = (*client)(nil)
	_ protocols.Statter = (*client)(nil)
	_ protocols.Getter  = (*client)(nil)
)

// Probe reports whether the root can be read.
func (c *client) Probe(ctx context.Context) (*protocols.Report, error) {
	r := &protocols.Report{URL: "fs:"}
	_, err := c.Stat(ctx, "")
	r.Up = err == nil
	return r, err
}

// Close ends an operation that is in progress.
func (c *client) Close() error {
	c.gate.Close()
	return nil
}

// nameOf returns the name for the file system.
func nameOf(name string) (string, error) {
	if name = strings.TrimSuffix(name, "/"); name == "" {
		name = "."
	}
	if !fs.ValidPath(name) {
		return "", protocols.UsageError(proto, "", "the name is not one of a file system: no leading slash, no empty, . or .. elements")
	}
	return name, nil
}

// begin takes the client for one operation on a name.
func (c *client) begin(ctx context.Context, name string) (_ context.Context, leave func(), at string, err error) {
	if at, err = nameOf(name); err != nil {
		return nil, nil, "", err
	}
	ctx, leave, err = c.gate.Begin(ctx)
	return ctx, leave, at, err
}

func (c *client) wrap(err error, op, name string) error {
	if err == nil {
		return nil
	}
	if _, ours := errors.AsType[*protocols.Error](err); !ours {
		e := &protocols.Error{Kind: protocols.KindLocal, Err: err}
		if errors.Is(err, fs.ErrNotExist) {
			e.Sentinel = fs.ErrNotExist
		}
		err = e
	}
	return protocols.Wrap(err, proto, op, "fs:"+name)
}

// List lists a directory in the order of names.
func (c *client) List(ctx context.Context, name string) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		of, leave, at, err := c.begin(ctx, name)
		if err == nil {
			defer leave()
			err = c.list(of, at, yield)
		}
		if err != nil && !errors.Is(err, errEnough) {
			yield(protocols.Entry{}, c.wrap(err, "ls", name))
		}
	}
}

var errEnough = errors.New("the caller has enough")

func (c *client) list(ctx context.Context, at string, yield func(protocols.Entry, error) bool) error {
	all, err := fs.ReadDir(c.f, at)
	for _, d := range all {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return err
		}
		if !yield(c.entry(path.Join(at, d.Name()), info), nil) {
			return errEnough
		}
	}
	return err
}

// entry describes a file.
func (c *client) entry(at string, info fs.FileInfo) protocols.Entry {
	e := protocols.Entry{
		Protocol: proto, URL: "fs:" + at, Name: info.Name(), Path: at, Type: protocols.TypeFile, Size: info.Size(),
		Modified: info.ModTime(), Mode: info.Mode() &^ fs.ModeType, HasMode: true,
	}
	switch mode := info.Mode(); {
	case mode.IsDir():
		e.Type, e.Size = protocols.TypeDir, protocols.SizeUnknown
	case mode&fs.ModeSymlink != 0:
		e.Type, e.Size = protocols.TypeLink, protocols.SizeUnknown
		e.Target, _ = fs.ReadLink(c.f, at) // not every file system can tell
	case !mode.IsRegular():
		e.Type = protocols.TypeOther
	}
	return e
}

// Stat describes a file or directory.
func (c *client) Stat(ctx context.Context, name string) (protocols.Entry, error) {
	_, leave, at, err := c.begin(ctx, name)
	if err != nil {
		return protocols.Entry{}, c.wrap(err, "stat", name)
	}
	defer leave()
	info, err := fs.Stat(c.f, at)
	if err != nil {
		return protocols.Entry{}, c.wrap(err, "stat", name)
	}
	return c.entry(at, info), nil
}

// Get opens a file. Where it cannot seek, what comes before the offset is read and
// dropped.
func (c *client) Get(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	if o == nil {
		o = &protocols.GetOptions{}
	}
	ctx, leave, at, err := c.begin(ctx, name)
	if err != nil {
		return nil, c.wrap(err, "get", name)
	}
	obj, err := c.get(ctx, at, o, leave)
	if err != nil {
		leave()
		return nil, c.wrap(err, "get", name)
	}
	return obj, nil
}

func (c *client) get(ctx context.Context, at string, o *protocols.GetOptions, leave func()) (*protocols.Object, error) {
	if o.Offset < 0 || o.Length < 0 {
		return nil, protocols.UsageError(proto, "get", "offset and length are 0 or more")
	}
	f, err := c.f.Open(at)
	if err != nil {
		return nil, err
	}
	e, err := c.opened(f, at, o)
	if err == nil {
		err = skip(f, o.Offset)
	}
	if err != nil {
		_ = f.Close() // the error that matters has happened
		return nil, err
	}
	b := &body{ctx: ctx, r: f, f: f, leave: leave, wrap: func(err error) error { return c.wrap(err, "get", at) }}
	if o.Length > 0 {
		b.r = io.LimitReader(f, o.Length)
	}
	return &protocols.Object{Entry: e, Offset: o.Offset, Body: b}, nil
}

// opened describes an open file, which must be what was wanted.
func (c *client) opened(f fs.File, at string, o *protocols.GetOptions) (protocols.Entry, error) {
	info, err := f.Stat()
	if err != nil {
		return protocols.Entry{}, err
	}
	e := c.entry(at, info)
	switch {
	case e.Type == protocols.TypeDir:
		return e, &protocols.Error{Kind: protocols.KindRefused, Text: "is a directory"}
	case o.Same != nil && (o.Same.Size >= 0 && o.Same.Size != e.Size || !o.Same.Modified.IsZero() && !o.Same.Modified.Equal(e.Modified)):
		return e, &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrChanged}
	case e.Size >= 0 && o.Offset > e.Size:
		return e, protocols.UsageError(proto, "get", "the offset is after the end of the file")
	}
	return e, nil
}

// skip goes to an offset.
func skip(f fs.File, offset int64) error {
	if offset == 0 {
		return nil
	}
	if s, ok := f.(io.Seeker); ok {
		_, err := s.Seek(offset, io.SeekStart)
		return err
	}
	_, err := io.CopyN(io.Discard, f, offset)
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// body is the content of a file while the client is busy with it.
type body struct {
	ctx   context.Context
	r     io.Reader
	f     fs.File
	leave func()
	wrap  func(error) error
}

func (b *body) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, b.wrap(context.Cause(b.ctx))
	}
	n, err := b.r.Read(p)
	if err != nil && err != io.EOF {
		err = b.wrap(err)
	}
	return n, err
}

func (b *body) Close() error {
	defer b.leave()
	return b.wrap(b.f.Close())
}
