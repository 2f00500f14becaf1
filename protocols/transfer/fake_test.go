package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// then is the time of a fake server's files.
var then = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)

// fakeServer is a tree in memory, with faults to order.
type fakeServer struct {
	mu      sync.Mutex
	files   map[string][]byte // a name that ends in a slash is a folder
	links   map[string]string
	times   map[string]time.Time
	id      string
	conns   int
	most    int // connections there were at once
	logins  int
	limit   int // connections allowed; 0 is any number
	cuts    map[string][]int64
	fails   map[string]error // by "verb name"
	lie     map[string]int64 // sizes told
	extra   map[string][]protocols.Entry
	cutList map[string]int           // listings that fail after so many entries, once
	noList  map[string]bool          // folders that cannot be listed
	fixed   bool                     // times cannot be set
	noSeek  bool                     // offsets are not understood
	plain   bool                     // one connection too many is told as any temporary no
	locked  bool                     // a part that is there cannot be written from its start
	stores  func(name string) string // under which name it stores; nil: as it is told
	finds   bool                     // other verbs change names too
	onGet   func(name string, offset int64)
	changes int
}

func newServer(files map[string]string) *fakeServer {
	s := &fakeServer{
		files: map[string][]byte{}, links: map[string]string{}, times: map[string]time.Time{}, cuts: map[string][]int64{}, fails: map[string]error{},
		lie: map[string]int64{}, extra: map[string][]protocols.Entry{}, cutList: map[string]int{}, noList: map[string]bool{},
	}
	for name, content := range files {
		s.files[name] = []byte(content)
	}
	return s
}

func (s *fakeServer) end(name string) Endpoint {
	return Endpoint{
		Open:     func() (protocols.Client, error) { return &fakeClient{s: s}, nil },
		Name:     name,
		URL:      "fake://host/" + name,
		Protocol: "fake",
	}
}

// tree returns the files as readTree does.
func (s *fakeServer) tree() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := map[string]string{}
	for name, content := range s.files {
		if in, _ := s.children(name); !strings.HasSuffix(name, "/") || len(in) == 0 {
			t[name] = string(content)
		}
	}
	return t
}

type fakeClient struct {
	s      *fakeServer
	open   bool
	closed bool
}

func (c *fakeClient) Probe(context.Context) (*protocols.Report, error) {
	return &protocols.Report{}, nil
}

func (c *fakeClient) Close() error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.open {
		c.s.conns--
	}
	c.open, c.closed = false, true
	return nil
}

// enter connects when needed, and returns what was ordered for the verb.
func (c *fakeClient) enter(ctx context.Context, verb, name string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.closed {
		return protocols.ErrClosed
	}
	if !c.open {
		if c.s.limit > 0 && c.s.conns >= c.s.limit {
			if c.s.plain {
				return &protocols.Error{Kind: protocols.KindTemporary, Code: 421}
			}
			return &protocols.Error{Kind: protocols.KindTemporary, Code: 421, Sentinel: protocols.ErrTooMany}
		}
		c.open = true
		c.s.logins++
		c.s.conns++
		c.s.most = max(c.s.most, c.s.conns)
	}
	return c.s.fails[verb+" "+name]
}

func (s *fakeServer) entry(name string) (protocols.Entry, bool) {
	e := protocols.Entry{Protocol: "fake", Name: path.Base(name), Path: name, URL: "fake://host/" + name, ID: s.id, Modified: then}
	if t, ok := s.times[name]; ok {
		e.Modified = t
	}
	if content, ok := s.files[name]; ok {
		e.Type, e.Size = protocols.TypeFile, int64(len(content))
		if n, ok := s.lie[name]; ok {
			e.Size = n
		}
		return e, true
	}
	if to, ok := s.links[name]; ok {
		e.Type, e.Target, e.Size = protocols.TypeLink, to, -1
		return e, true
	}
	for n := range s.files {
		if strings.HasPrefix(n, name+"/") {
			e.Type, e.Size = protocols.TypeDir, -1
			return e, true
		}
	}
	return e, false
}

func (c *fakeClient) Stat(ctx context.Context, name string) (protocols.Entry, error) {
	if err := c.enter(ctx, "stat", name); err != nil {
		return protocols.Entry{}, err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	e, ok := c.s.entry(c.s.found(name))
	if !ok {
		return e, notFound(name)
	}
	return e, nil
}

// found is what a name means to the verbs that store nothing.
func (s *fakeServer) found(name string) string {
	if s.finds {
		return s.stores(name)
	}
	return name
}

func notFound(name string) error {
	return &protocols.Error{Kind: protocols.KindRefused, Code: 550, URL: name, Sentinel: fs.ErrNotExist}
}

// children returns the names right below a folder, sorted.
func (s *fakeServer) children(name string) ([]string, bool) {
	names, found := map[string]bool{}, name == ""
	prefix := strings.TrimSuffix(name, "/") + "/"
	if name == "" {
		prefix = ""
	}
	for _, all := range []iter.Seq[string]{maps.Keys(s.files), maps.Keys(s.links)} {
		for n := range all {
			if rest, ok := strings.CutPrefix(n, prefix); ok {
				found = true
				if own, _, _ := strings.Cut(rest, "/"); own != "" {
					names[prefix+own] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(names)), found
}

func (c *fakeClient) List(ctx context.Context, name string) iter.Seq2[protocols.Entry, error] {
	return func(yield func(protocols.Entry, error) bool) {
		if err := c.enter(ctx, "ls", name); err != nil {
			yield(protocols.Entry{}, err)
			return
		}
		c.s.mu.Lock()
		name = c.s.found(name)
		names, found := c.s.children(name)
		entries := slices.Clone(c.s.extra[name])
		for _, n := range names {
			e, _ := c.s.entry(n)
			entries = append(entries, e)
		}
		cut, isCut := c.s.cutList[name]
		delete(c.s.cutList, name)
		c.s.mu.Unlock()
		if !found || c.s.noList[name] {
			yield(protocols.Entry{}, notFound(name))
			return
		}
		for i, e := range entries {
			if isCut && i == cut {
				break
			}
			if !yield(e, nil) {
				return
			}
		}
		if isCut {
			yield(protocols.Entry{}, &protocols.Error{Kind: protocols.KindProtocol, Retryable: true, Text: "listing was cut"})
		}
	}
}

func (c *fakeClient) Get(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	if o == nil {
		o = &protocols.GetOptions{}
	}
	if err := c.enter(ctx, "get", name); err != nil {
		return nil, err
	}
	if c.s.onGet != nil {
		c.s.onGet(name, o.Offset)
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	e, ok := c.s.entry(name)
	if !ok {
		return nil, notFound(name)
	}
	content, offset := c.s.files[name], o.Offset
	if c.s.noSeek {
		offset = 0
	}
	content = content[min(offset, int64(len(content))):]
	if o.Length > 0 && o.Length < int64(len(content)) {
		content = content[:o.Length]
	}
	body := &fakeBody{ctx: ctx, Reader: bytes.NewReader(content)}
	if cuts := c.s.cuts[name]; len(cuts) > 0 {
		body.cut, body.left = true, cuts[0]
		c.s.cuts[name] = cuts[1:]
	}
	return &protocols.Object{Entry: e, Offset: offset, Body: body}, nil
}

// fakeBody may end before its end, as a reset connection does.
type fakeBody struct {
	*bytes.Reader
	ctx  context.Context
	cut  bool
	left int64
}

func (b *fakeBody) Close() error { return nil }

func (b *fakeBody) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{b})
}

func (b *fakeBody) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, b.ctx.Err()
	}
	if b.cut {
		if b.left == 0 {
			return 0, syscall.ECONNRESET
		}
		p = p[:min(int64(len(p)), b.left)]
	}
	n, err := b.Reader.Read(p)
	b.left -= int64(n)
	return n, err
}

func (c *fakeClient) Put(ctx context.Context, name string, r io.Reader, o *protocols.PutOptions) (protocols.Entry, error) {
	if err := c.enter(ctx, "put", name); err != nil {
		return protocols.Entry{}, err
	}
	part := name + protocols.PartSuffix
	if o.InPlace {
		part = name
	}
	c.s.mu.Lock()
	have := c.s.files[part]
	var cut int64 = -1
	if cuts := c.s.cuts["put "+name]; len(cuts) > 0 {
		cut, c.s.cuts["put "+name] = cuts[0], cuts[1:]
	}
	c.s.mu.Unlock()
	if o.Offset != 0 && o.Offset != int64(len(have)) || c.s.locked && have != nil && o.Offset == 0 {
		return protocols.Entry{}, &protocols.Error{Kind: protocols.KindRefused, Text: "no such offset"}
	}
	if cut >= 0 {
		r = io.LimitReader(r, cut)
	}
	content, err := io.ReadAll(r)
	if err == nil && cut >= 0 {
		err = &protocols.Error{Kind: protocols.KindConnect, Retryable: true, Err: syscall.ECONNRESET}
	}
	content = append(slices.Clone(have[:o.Offset]), content...)
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.s.stores != nil {
		name = c.s.stores(name)
	}
	c.s.changes++
	if err != nil {
		c.s.files[part] = content
		return protocols.Entry{}, err
	}
	delete(c.s.files, part)
	c.s.files[name] = content
	c.s.times[name] = time.Now()
	if !c.s.fixed && !o.Modified.IsZero() {
		c.s.times[name] = o.Modified
	}
	e, _ := c.s.entry(name)
	return e, nil
}

func (c *fakeClient) Remove(ctx context.Context, name string) error {
	if err := c.enter(ctx, "rm", name); err != nil {
		return err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if _, ok := c.s.files[name]; !ok {
		return notFound(name)
	}
	c.s.changes++
	delete(c.s.files, name)
	return nil
}

func (c *fakeClient) Make(ctx context.Context, name string) error {
	if err := c.enter(ctx, "mkdir", name); err != nil {
		return err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.s.changes++; c.s.stores != nil {
		name = c.s.stores(name)
	}
	c.s.files[name+"/"] = nil
	return nil
}

func (c *fakeClient) Unmake(ctx context.Context, name string) error {
	if err := c.enter(ctx, "rmdir", name); err != nil {
		return err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if names, _ := c.s.children(name); len(names) > 0 {
		return &protocols.Error{Kind: protocols.KindRefused, Text: "not empty"}
	}
	c.s.changes++
	delete(c.s.files, name+"/")
	return nil
}

// bulkServer's clients are BulkGetters too.
type bulkClient struct {
	*fakeClient
	after int // objects, then the connection fails; negative: never; unasked: before the first name is asked for
	asked *int
}

const unasked = -2

func (c *bulkClient) BulkGet(ctx context.Context, names iter.Seq[string], each func(string, *protocols.Object, error) error) error {
	if c.after == unasked {
		return &protocols.Error{Kind: protocols.KindConnect, Retryable: true, Err: syscall.ECONNREFUSED}
	}
	for name := range names {
		if c.after == 0 {
			return &protocols.Error{Kind: protocols.KindConnect, Retryable: true, Err: syscall.ECONNRESET}
		}
		c.after--
		obj, err := c.Get(ctx, name, nil)
		c.s.mu.Lock()
		*c.asked++
		c.s.mu.Unlock()
		if err := each(name, obj, err); err != nil {
			return err
		}
	}
	return nil
}

// pattern returns n bytes that differ from place to place: it repeats after a prime.
func pattern(n int) string {
	b := make([]byte, min(n, 65521))
	for i := range b {
		b[i] = byte(i ^ i>>8*7)
	}
	for len(b) < n {
		b = append(b, b[:min(65521, n-len(b))]...)
	}
	return string(b)
}

func many(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprintf("d%d/e%d/f%03d", i%3, i%7, i)] = pattern(i * 13 % 5000)
	}
	return m
}

// quick is options whose retries do not wait.
func quick() Options { return Options{RetryWait: time.Microsecond} }

func isPartial(t *testing.T, err error) {
	t.Helper()
	if protocols.KindOf(err) != protocols.KindPartial {
		t.Errorf("error %v is of kind %v, want partial", err, protocols.KindOf(err))
	}
}

var errNo = errors.New("no")
