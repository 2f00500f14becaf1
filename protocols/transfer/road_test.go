package transfer

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

func TestCopySegments(t *testing.T) {
	want := pattern(9<<20 + 17)
	s := newServer(map[string]string{"f": want})
	s.cuts["f"] = []int64{100, 1 << 20}
	var gets atomic.Int32
	all := make(chan struct{})
	s.onGet = func(string, int64) { // the parts come at the same time, or not at all
		if gets.Add(1) == 4 {
			close(all)
		}
		<-all
	}
	dir := t.TempDir()
	o := quick()
	o.Segments = 4
	r, err := Copy(t.Context(), s.end("f"), localEnd(filepath.Join(dir, "out")), &o)
	check(t, err)
	if contentOf(t, filepath.Join(dir, "out")) != want || r.Bytes != int64(len(want)) {
		t.Errorf("content differs; %d bytes", r.Bytes)
	}
	onlyFile(t, dir, "out")
}

func TestCopySegmentsOfChangedObject(t *testing.T) {
	s := newServer(map[string]string{"f": pattern(4 << 20)})
	var once sync.Once
	s.onGet = func(string, int64) {
		once.Do(func() {
			s.mu.Lock()
			s.times["f"] = then.Add(time.Hour)
			s.mu.Unlock()
		})
	}
	dir := t.TempDir()
	o := quick()
	o.Segments = 3
	_, err := Copy(t.Context(), s.end("f"), localEnd(filepath.Join(dir, "out")), &o)
	if !errors.Is(err, protocols.ErrChanged) {
		t.Errorf("%v", err)
	}
	onlyFile(t, dir)
}

type told struct {
	mu   sync.Mutex
	last int64
	size int64
	done int
}

func (p *told) Start(_ string, size int64) Task { p.size = size; return p }
func (p *told) Set(n int64)                     { p.mu.Lock(); p.last = n; p.mu.Unlock() }
func (p *told) Done(error)                      { p.mu.Lock(); p.done++; p.mu.Unlock() }

func TestCopyTellsProgress(t *testing.T) {
	s := newServer(map[string]string{"f": pattern(5000)})
	dir := t.TempDir()
	for _, ends := range [][2]Endpoint{
		{s.end("f"), localEnd(dir + "/f")}, {localEnd(dir + "/f"), s.end("g")}, {s.end("f"), s.end("h")},
	} {
		p := &told{}
		_, err := Copy(t.Context(), ends[0], ends[1], &Options{Progress: p})
		check(t, err)
		if p.size != 5000 || p.last != 5000 || p.done != 1 {
			t.Errorf("%s: told %+v", ends[1].URL, p)
		}
	}
}

func TestCopySegmentsWithFewConnections(t *testing.T) {
	want := pattern(8 << 20)
	for _, limit := range []int{1, 2} {
		s := newServer(map[string]string{"f": want})
		s.limit = limit
		out := filepath.Join(t.TempDir(), "out")
		o := quick()
		o.Segments = 8
		_, err := Copy(t.Context(), s.end("f"), localEnd(out), &o)
		check(t, err)
		if contentOf(t, out) != want || s.conns != 0 {
			t.Errorf("content differs, or %d connections are open", s.conns)
		}
	}
}

// roads records what a client's body and Put were given: the kernel's fast paths
// need the very files.
type roads struct {
	*fakeClient
	wrote, read *string
}

type roadBody struct {
	io.ReadCloser
	wrote *string
}

func (b roadBody) WriteTo(w io.Writer) (int64, error) {
	*b.wrote = typeName(w)
	return io.Copy(w, b.ReadCloser)
}

func typeName(v any) string {
	if _, ok := v.(*os.File); ok {
		return "file"
	}
	return "other"
}

func (r roads) Get(ctx context.Context, name string, o *protocols.GetOptions) (*protocols.Object, error) {
	obj, err := r.fakeClient.Get(ctx, name, o)
	if err == nil {
		obj.Body = roadBody{obj.Body, r.wrote}
	}
	return obj, err
}

func (r roads) Put(ctx context.Context, name string, body io.Reader, o *protocols.PutOptions) (protocols.Entry, error) {
	*r.read = typeName(body)
	return r.fakeClient.Put(ctx, name, body, o)
}

func TestCopyKeepsFastPaths(t *testing.T) {
	s := newServer(map[string]string{"f": pattern(1 << 20)})
	dir := t.TempDir()
	for _, p := range []Progress{nil, &told{}} {
		var wrote, read string
		end := s.end("f")
		end.Open = func() (protocols.Client, error) { return roads{&fakeClient{s: s}, &wrote, &read}, nil }
		_, err := Copy(t.Context(), end, localEnd(dir+"/f"), &Options{Progress: p})
		check(t, err)
		end.Name = "g"
		_, err = Copy(t.Context(), localEnd(dir+"/f"), end, &Options{Progress: p})
		check(t, err)
		if wrote != "file" || read != "file" {
			t.Errorf("a body was written to %s, a put was given %s", wrote, read)
		}
	}
}
