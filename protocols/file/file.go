// Package file is the adapter for local files: file: URLs (RFC 8089) and bare
// paths, the local side of copying and syncing.
//
// A [Client] has one root, which is what its user named. The root is trusted: it
// may be a symbolic link, a device or a FIFO. Every other name is taken below it
// through [os.Root], so that no name and no symbolic link leads outside. The
// empty name is the root itself, be it a folder or a file; other names have
// slashes between their components.
//
// Names that a server chose pass [SafeName], one component at a time.
package file

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/netclients/netclients/protocols"
)

// proto names the adapter in entries and errors.
const proto = "file"

// Spec describes the adapter to the catalog. A client of it has the URL's path
// as its root, and the name the URL points at is the empty one.
func Spec() *protocols.Spec {
	return &protocols.Spec{
		Name:    proto,
		Summary: "local files",
		Schemes: []protocols.Scheme{{Name: "file", TLS: protocols.TLSNone}},
		RFCs:    []int{8089},
		Hidden:  true,
		New: func(u *url.URL, o *protocols.Options) (protocols.Client, error) {
			p, err := PathOf(u)
			if err != nil {
				return nil, err
			}
			return New(p, o), nil
		},
		Path: func(u *url.URL) (string, error) {
			_, err := PathOf(u)
			return "", err
		},
	}
}

// PathOf returns the local path of a file: URL (RFC 8089 section 2). A host other
// than localhost is an error of kind Usage.
func PathOf(u *url.URL) (string, error) {
	if u.Host != "" && !strings.EqualFold(u.Host, "localhost") {
		return "", protocols.UsageError(proto, "", "URL "+u.Redacted()+": file URLs have no host; write file:///path")
	}
	p := u.Path
	if u.Opaque != "" {
		var err error
		if p, err = url.PathUnescape(u.Opaque); err != nil {
			return "", protocols.UsageError(proto, "", "URL "+u.Redacted()+": "+err.Error())
		}
	}
	if p == "" || strings.ContainsRune(p, 0) {
		return "", protocols.UsageError(proto, "", "URL "+u.Redacted()+": no path")
	}
	return filepath.FromSlash(withoutSlash(p, runtime.GOOS)), nil
}

// withoutSlash returns the path of a URL without the slash before the letter of a
// drive (RFC 8089 appendix E.2).
func withoutSlash(p, system string) string {
	if system == "windows" && len(p) > 2 && p[0] == '/' && p[2] == ':' {
		return p[1:]
	}
	return p
}

// withSlash is its inverse.
func withSlash(p, system string) string {
	if system == "windows" && len(p) > 1 && p[1] == ':' {
		return "/" + p
	}
	return p
}

// URL returns the file: URL of a local path, made absolute.
func URL(p string) string {
	if abs, err := filepath.Abs(p); err == nil {
		p = abs
	}
	return (&url.URL{Scheme: "file", Path: withSlash(filepath.ToSlash(p), runtime.GOOS)}).String()
}

// Client reads and writes local files below one root: one operation at a time, as the
// clients of network protocols.
type Client struct {
	// Durability says how well Put keeps files; set it before the first verb.
	Durability Durability

	path string
	gate protocols.Gate
	mu   sync.Mutex
	root *os.Root // of path; nil until the first name below it
	url  string   // of path, without a slash at the end; empty until first needed
	done bool
}

// New makes a client for the file or folder root and all below it. It does no
// I/O; the root need not exist.
func New(root string, _ *protocols.Options) *Client { return &Client{path: root} }

// LocalFiles implements [protocols.LocalFiles].
func (c *Client) LocalFiles() bool { return true }

// Path returns the root as it was named.
func (c *Client) Path() string { return c.path }

// Root returns the open root folder, for work with many files. The client owns it:
// it is closed by Close.
func (c *Client) Root() (*os.Root, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return nil, protocols.ErrClosed
	}
	if c.root == nil {
		r, err := os.OpenRoot(c.path)
		if err != nil {
			return nil, err
		}
		c.root = r
	}
	return c.root, nil
}

// begin starts an operation, which leave ends. It fails when another one is in
// progress, when the context has ended, and when the client is closed.
func (c *Client) begin(ctx context.Context) (_ context.Context, leave func(), err error) {
	return c.gate.Begin(ctx)
}

// Close frees the root. It may be called twice.
func (c *Client) Close() error {
	c.gate.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = true
	if c.root == nil {
		return nil
	}
	err := c.root.Close()
	c.root = nil
	return err
}

// Probe reports whether the root exists.
func (c *Client) Probe(ctx context.Context) (*protocols.Report, error) {
	r := &protocols.Report{URL: c.urlOf("")}
	_, leave, err := c.begin(ctx)
	if err == nil {
		defer leave()
		_, err = os.Stat(c.path)
	}
	if err != nil {
		r.Phase = "connect"
		return r, wrap(err, "probe", r.URL)
	}
	r.Up = true
	return r, nil
}

// urlOf returns the URL of a name.
func (c *Client) urlOf(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.url == "" {
		c.url = strings.TrimSuffix(URL(c.path), "/")
	}
	if name == "" {
		return c.url
	}
	return c.url + "/" + (&url.URL{Path: name}).EscapedPath()
}

// clean checks a name and returns it without needless slashes and dots.
func clean(name string) (string, error) {
	if strings.ContainsRune(name, 0) {
		return "", protocols.UsageError(proto, "", "the file name contains a NUL")
	}
	name = path.Clean("/" + name)[1:]
	return name, nil
}

// Place returns an open folder and the name below it that stands for name: the root
// and name itself, or, for the empty name, the folder around the root, opened for
// this call. The caller calls done when it no longer needs the folder.
func (c *Client) Place(name string) (dir *os.Root, rel string, done func(), err error) {
	if name, err = clean(name); err != nil {
		return nil, "", nil, err
	}
	if name != "" {
		dir, err = c.Root()
		return dir, filepath.FromSlash(name), func() {}, err
	}
	parent, base := filepath.Split(filepath.Clean(c.path))
	if parent == "" {
		parent = "."
	}
	if base == "" || base == "." || base == ".." {
		return nil, "", nil, protocols.UsageError(proto, "", c.path+" is not a file name")
	}
	dir, err = os.OpenRoot(parent)
	if err != nil {
		return nil, "", nil, err
	}
	return dir, base, func() { dir.Close() }, nil
}

// wrap is [protocols.Wrap] with the class of a local error filled in, so that
// messages say "not found".
func wrap(err error, op, url string) error {
	if err == nil {
		return nil
	}
	e := &protocols.Error{Proto: proto, Op: op, URL: url, Kind: protocols.KindLocal, Err: err}
	if _, ok := errors.AsType[*protocols.Error](err); ok {
		return protocols.Wrap(err, proto, op, url)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, protocols.ErrClosed) {
		return protocols.Wrap(err, proto, op, url)
	}
	for _, class := range []error{fs.ErrNotExist, fs.ErrPermission, fs.ErrExist} {
		if errors.Is(err, class) {
			e.Sentinel = class
		}
	}
	return e
}
