package fsys

import (
	"errors"
	"io"
	"io/fs"
	"sync"

	"github.com/netclients/netclients/protocols"
)

// dir is an open directory.
type dir struct {
	f      *FS
	name   string // as it was opened
	at     string // in the whole tree
	info   *info
	listed bool
	rest   []fs.DirEntry
	err    error // of the listing, after its entries
}

func (d *dir) Stat() (fs.FileInfo, error) { return d.info, nil }

func (d *dir) Read([]byte) (int, error) { return 0, pathError("read", d.name, errIsDir) }

func (d *dir) Close() error { return nil }

// ReadDir returns the next n entries, or all that are left.
func (d *dir) ReadDir(n int) ([]fs.DirEntry, error) {
	if !d.listed {
		d.rest, d.err = d.f.readDir(d.name, d.at)
		d.listed = d.err == nil || len(d.rest) > 0
	}
	if n <= 0 || len(d.rest) == 0 && d.err != nil {
		all, err := d.rest, d.err
		d.rest, d.err = nil, nil
		return all, err
	}
	if len(d.rest) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.rest))
	next := d.rest[:n]
	d.rest = d.rest[n:]
	return next, nil
}

// file is an open file. It has a client only while it is between two Reads.
type file struct {
	t    *tree
	name string // as it was opened
	e    protocols.Entry

	mu     sync.Mutex
	at     int64 // where the next Read starts
	end    int64 // where a Read met the end; -1: none has
	c      protocols.Client
	body   io.ReadCloser // nil: to be opened
	closed bool
}

var (
	_ io.ReadSeekCloser = (*file)(nil)
	_ io.ReaderAt       = (*file)(nil)
)

func (f *file) Stat() (fs.FileInfo, error) { return infoOf(f.e, f.name), nil }

// Read reads on, and frees the client at the end.
func (f *file) Read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return 0, pathError("read", f.name, fs.ErrClosed)
	case len(p) == 0:
		return 0, nil
	case f.body == nil && f.past(f.at):
		return 0, io.EOF
	case f.body == nil:
		if err := f.open(); err != nil {
			return 0, pathError("read", f.name, err)
		}
	}
	n, err := f.body.Read(p)
	f.at += int64(n)
	if err == io.EOF {
		f.end = f.at
		return n, f.release(err)
	}
	if err != nil {
		return n, pathError("read", f.name, f.release(err))
	}
	return n, nil
}

// past reports whether a position is known to be at or after the end. The size of a
// message may be an estimate.
func (f *file) past(at int64) bool {
	return f.end >= 0 && at >= f.end || f.e.Type == protocols.TypeFile && f.e.Size >= 0 && at > 0 && at >= f.e.Size
}

// open starts the content where the next Read wants it.
func (f *file) open() error {
	for {
		c, err := f.t.pool.Get(f.t.ctx)
		if err != nil {
			return err
		}
		o, err := f.get(c, f.at, 0)
		if err == nil {
			f.c, f.body = c, o.Body
			return nil
		}
		if !f.t.pool.Put(c, err) {
			return err
		}
	}
}

// get asks for the content from a position on. Where the server sends a file from its
// start only, what comes before is read and dropped. A length of 0 is all the rest.
func (f *file) get(c protocols.Client, at, length int64) (*protocols.Object, error) {
	o, err := protocols.Get(f.t.ctx, c, f.e.Path, &protocols.GetOptions{Offset: at, Length: length})
	if at == 0 || err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return o, err
	}
	if err != nil {
		if o, err = protocols.Get(f.t.ctx, c, f.e.Path, nil); err != nil {
			return nil, err
		}
	}
	if _, err = io.CopyN(io.Discard, o.Body, at-o.Offset); err != nil && err != io.EOF {
		_ = o.Body.Close() // the error that matters is that of reading
		return nil, err
	}
	return o, nil
}

// release frees the client after err, which it returns.
func (f *file) release(err error) error {
	if f.body == nil {
		return err
	}
	closing := f.body.Close()
	outcome := err
	if err == io.EOF || err == nil {
		outcome = nil
		if err == io.EOF && closing != nil {
			err, outcome = closing, closing
		}
	}
	f.t.pool.Put(f.c, outcome)
	f.c, f.body = nil, nil
	return err
}

// Close frees what the file has.
func (f *file) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return pathError("close", f.name, fs.ErrClosed)
	}
	f.closed = true
	return f.release(nil)
}

// Seek sets where the next Read starts. From the end it works where the size is known,
// or after the file was read once.
func (f *file) Seek(offset int64, whence int) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return 0, pathError("seek", f.name, fs.ErrClosed)
	}
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		end, err := f.measure()
		if err != nil {
			return 0, pathError("seek", f.name, err)
		}
		offset += end
	default:
		return 0, pathError("seek", f.name, fs.ErrInvalid)
	}
	if offset < 0 {
		return 0, pathError("seek", f.name, fs.ErrInvalid)
	}
	if offset != f.at {
		_ = f.release(nil) // always nil
		f.at = offset
	}
	return offset, nil
}

// measure returns the number of bytes: what the server says of a file, what an earlier
// Read has met, or else what comes.
func (f *file) measure() (int64, error) {
	switch {
	case f.end >= 0:
		return f.end, nil
	case f.e.Type == protocols.TypeFile && f.e.Size >= 0:
		return f.e.Size, nil
	}
	_ = f.release(nil) // always nil
	at := f.at
	f.at = 0
	defer func() { f.at = at }()
	if err := f.open(); err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, f.body)
	if err = f.release(err); err != nil {
		return 0, err
	}
	f.end = n
	return n, nil
}

// ReadAt reads from a position, whatever Read does. Several may run at the same time,
// each with a client of its own.
func (f *file) ReadAt(p []byte, off int64) (n int, err error) {
	f.mu.Lock()
	switch {
	case f.closed:
		err = pathError("read", f.name, fs.ErrClosed)
	case off < 0:
		err = pathError("read", f.name, fs.ErrInvalid)
	case f.past(off):
		err = io.EOF
	}
	if err == nil {
		_ = f.release(nil) // always nil; the pool may have no second client
	}
	f.mu.Unlock()
	if err != nil || len(p) == 0 {
		return 0, err
	}
	err = f.t.pool.Do(f.t.ctx, func(c protocols.Client) error {
		o, err := f.get(c, off, int64(len(p)))
		if err != nil {
			return err
		}
		defer o.Body.Close()
		n, err = io.ReadFull(o.Body, p)
		return ended(err)
	})
	switch {
	case err != nil:
		return n, pathError("read", f.name, err)
	case n < len(p):
		return n, io.EOF
	}
	return n, nil
}

// ended takes the end of the content for none.
func ended(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil
	}
	return err
}
