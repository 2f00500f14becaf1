package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/netclients/netclients/protocols"
)

// newMode is the mode of new files, before the umask.
const newMode fs.FileMode = 0o666

// Put stores r under name: into a temporary file beside it, which is then forced
// to the disk as Durability says and renamed. The mode of a file that is replaced
// is kept, unless the options name one. On failure only the temporary file is
// removed; with Offset it is kept, to go on later. A root that is a device, a FIFO
// or a socket is written straight.
func (c *Client) Put(ctx context.Context, name string, r io.Reader, o *protocols.PutOptions) (protocols.Entry, error) {
	if o == nil {
		o = &protocols.PutOptions{}
	}
	ctx, leave, err := c.begin(ctx)
	if err != nil {
		return protocols.Entry{}, wrap(err, "put", c.urlOf(name))
	}
	defer leave()
	if name, err = c.put(ctx, name, r, o); err != nil {
		return protocols.Entry{}, wrap(err, "put", c.urlOf(name))
	}
	e, err := c.stat(name)
	return e, wrap(err, "stat", c.urlOf(name))
}

func (c *Client) put(ctx context.Context, name string, r io.Reader, o *protocols.PutOptions) (string, error) {
	if name == "" && c.Straight() {
		return name, c.putStraight(ctx, r)
	}
	dir, rel, done, err := c.Place(name)
	if err != nil {
		return name, err
	}
	defer done()
	if info, err := dir.Lstat(rel); err == nil && info.IsDir() && !o.Unique {
		return name, protocols.UsageError(proto, "", "a folder has this name")
	}
	switch {
	case o.Unique:
		var t *os.File
		if t, rel, err = unique(dir, rel); err == nil {
			if err = c.fill(ctx, t, r); err != nil {
				dir.Remove(rel)
			}
		}
		if name != "" {
			name = filepath.ToSlash(rel)
		}
		return name, err
	case o.Append || o.InPlace:
		return name, c.putInPlace(ctx, dir, rel, r, o)
	}
	return name, c.putTemp(ctx, dir, rel, r, o)
}

// Straight reports whether the root is something that must be written as it is:
// a device, a FIFO, or one of the names of an open file descriptor.
func (c *Client) Straight() bool {
	if isDescriptor(c.path) {
		return true
	}
	info, err := os.Stat(c.path)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// isDescriptor reports whether a path names an open file descriptor.
func isDescriptor(path string) bool {
	switch path = filepath.ToSlash(filepath.Clean(path)); path {
	case "/dev/stdin", "/dev/stdout", "/dev/stderr":
		return true
	}
	number, found := strings.CutPrefix(path, "/dev/fd/")
	if !found {
		var process string
		process, number, _ = strings.Cut(strings.TrimPrefix(path, "/proc/"), "/fd/")
		found = strings.HasPrefix(path, "/proc/") && (process == "self" || process == "thread-self" || isNumber(process))
	}
	return found && isNumber(number)
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// OpenStraight opens such a root for writing, see [RuleNamed]. The caller closes it.
func (c *Client) OpenStraight(ctx context.Context) (*os.File, error) {
	f, err := Open(ctx, c.path, RuleNamed, os.O_WRONLY, 0)
	return f, wrap(err, "put", c.urlOf(""))
}

func (c *Client) putStraight(ctx context.Context, r io.Reader) error {
	f, err := c.OpenStraight(ctx)
	if err != nil {
		return err
	}
	_, err = Pour(ctx, f, r)
	return errors.Join(err, f.Close())
}

// unique makes the first free one of name, name.1, name.2 and so on.
func unique(dir *os.Root, rel string) (*os.File, string, error) {
	for i := range 10_000 {
		name := rel
		if i > 0 {
			name = fmt.Sprintf("%s.%d", rel, i)
		}
		f, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, newMode)
		if !errors.Is(err, fs.ErrExist) {
			return f, name, err
		}
	}
	return nil, rel, &fs.PathError{Op: "create", Path: rel, Err: fs.ErrExist}
}

func (c *Client) fill(ctx context.Context, f *os.File, r io.Reader) error {
	_, err := Pour(ctx, f, r)
	if err == nil && c.Durability != None {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (c *Client) putInPlace(ctx context.Context, dir *os.Root, rel string, r io.Reader, o *protocols.PutOptions) error {
	flags := os.O_WRONLY | os.O_CREATE
	if o.Append {
		flags |= os.O_APPEND
	} else if o.Offset == 0 {
		flags |= os.O_TRUNC
	}
	f, err := openToChange(dir, rel, flags, perm(o))
	if err != nil {
		return err
	}
	if o.Offset > 0 && !o.Append {
		if _, err := f.Seek(o.Offset, io.SeekStart); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	if err := c.fill(ctx, f, r); err != nil || o.Modified.IsZero() {
		return err
	}
	return dir.Chtimes(rel, o.Modified, o.Modified)
}

// openToChange opens or makes a regular file to write in it as it is. A FIFO would hand
// the content to whoever has put it there.
func openToChange(dir *os.Root, rel string, flags int, mode fs.FileMode) (*os.File, error) {
	if info, err := dir.Stat(rel); err == nil && !info.Mode().IsRegular() {
		return nil, refuse(rel, "is "+kindOfFile(info.Mode())+", not a regular file")
	}
	f, err := dir.OpenFile(rel, flags|syscall.O_NONBLOCK, mode)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = exchanged(rel)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func perm(o *protocols.PutOptions) fs.FileMode {
	if o.HasMode {
		return o.Mode.Perm()
	}
	return newMode
}

func (c *Client) putTemp(ctx context.Context, dir *os.Root, rel string, r io.Reader, o *protocols.PutOptions) error {
	var t *Temp
	var err error
	if o.Offset > 0 {
		t, err = OpenPart(dir, rel, o.Offset)
	} else {
		t, err = CreateTemp(dir, rel, perm(o))
	}
	if err != nil {
		return err
	}
	if _, err = Pour(ctx, t.File, r); err != nil {
		if o.Offset > 0 {
			t.Keep()
		}
		t.Abort()
		return err
	}
	t.Modified = o.Modified
	if !o.HasMode {
		t.Mode = ModeOf(dir, rel)
	}
	return t.Store(c.Durability)
}

// ModeOf returns the permission bits of a regular file, or 0 when there is none.
func ModeOf(dir *os.Root, name string) fs.FileMode {
	info, err := dir.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	return info.Mode().Perm()
}

// pourChunk bounds what is copied between two looks at the context, where the
// kernel copies from file to file.
const pourChunk = 32 << 20

// Pour copies all of r to f by the fastest road there is: splice from a
// connection, copy_file_range from a file. It returns the number of bytes copied. An
// error of the reader is given as it is, also where the system call that failed
// was one on f.
func Pour(ctx context.Context, f *os.File, r io.Reader) (int64, error) {
	src, ok := Opened(r)
	if !ok {
		n, err := io.Copy(f, r)
		return n, readerError(err)
	}
	total := int64(0)
	for {
		n, err := io.CopyN(f, src, pourChunk)
		total += n
		if err == io.EOF {
			return total, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return total, err
		}
	}
}

// readerError: the standard library puts the name of the file around what failed
// on the connection that was spliced into it.
func readerError(err error) error {
	pe, ok := errors.AsType[*fs.PathError](err)
	if !ok {
		return err
	}
	for _, remote := range []error{
		syscall.ECONNRESET, syscall.ECONNABORTED, syscall.ETIMEDOUT, syscall.ENOTCONN,
		syscall.EHOSTUNREACH, syscall.ENETUNREACH, net.ErrClosed, os.ErrDeadlineExceeded,
	} {
		if errors.Is(pe.Err, remote) {
			return pe.Err
		}
	}
	return err
}

var (
	_ protocols.Client  = (*Client)(nil)
	_ protocols.Lister  = (*Client)(nil)
	_ protocols.Statter = (*Client)(nil)
	_ protocols.Getter  = (*Client)(nil)
	_ protocols.Putter  = (*Client)(nil)
	_ protocols.Remover = (*Client)(nil)
	_ protocols.Mover   = (*Client)(nil)
	_ protocols.Maker   = (*Client)(nil)
)
