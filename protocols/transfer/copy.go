package transfer

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// Copy moves one object. The result is filled with an error too; its Err is the
// error that is returned. A copy with Continue of what is there already, and is
// provably the same, is skipped.
//
// A local destination is written under a temporary name. When the copy fails or is
// interrupted, what came stays as NAME.ncpart for a later Continue, if it is large
// enough and the source provides enough to identify the object again; otherwise nothing stays.
// A remote destination's Put decides about temporary names.
func Copy(ctx context.Context, src, dst Endpoint, o *Options) (Result, error) {
	if o == nil {
		o = &Options{}
	}
	o = o.own()
	began := time.Now()
	r := Result{Protocol: protocolOf(src, dst), Source: src.URL, Destination: dst.URL, Name: nameOf(src), Status: StatusDone}
	err := copyOne(ctx, src, dst, o, &r)
	r.Took = time.Since(began)
	if err != nil {
		r.Status, r.Err = StatusFailed, protocols.Wrap(err, r.Protocol, "cp", src.URL)
	}
	return r, r.Err
}

func protocolOf(src, dst Endpoint) string {
	if src.Protocol == "" || src.Protocol == "file" && dst.Protocol != "" {
		return dst.Protocol
	}
	return src.Protocol
}

func nameOf(e Endpoint) string {
	if e.Name != "" {
		return path.Base(e.Name)
	}
	return path.Base(e.URL)
}

func copyOne(ctx context.Context, src, dst Endpoint, o *Options, r *Result) error {
	d, err := dst.Open()
	if err != nil {
		return err
	}
	local, ok := protocols.As[*file.Client](d)
	if o.KeepOld && !o.Append && !o.Unique {
		if there, err := protocols.Stat(ctx, d, dst.Name); err == nil && there.Type == protocols.TypeFile {
			d.Close()
			r.Status = StatusSkipped
			return nil
		}
	}
	if !ok {
		return upload(ctx, src, dst, d, o, r)
	}
	defer d.Close()
	switch {
	case dst.Name == "" && local.Straight():
		return copyStraight(ctx, src, local, o, r)
	case o.Append || o.Unique || o.InPlace:
		return upload(ctx, src, dst, d, o, r)
	}
	dir, name, done, err := local.Place(dst.Name)
	if err != nil {
		return err
	}
	defer done()
	return fetch(ctx, src, dir, name, o, r)
}

func copyStraight(ctx context.Context, src Endpoint, local *file.Client, o *Options, r *Result) error {
	f, err := local.OpenStraight(ctx)
	if err != nil {
		return err
	}
	defer f.Close()
	defer file.EndWith(ctx, f)() // a FIFO whose reader rests
	res, err := CopyTo(ctx, src, f, o)
	r.Bytes = res.Bytes
	if ctx.Err() != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		return context.Cause(ctx)
	}
	return err
}

// fetch copies into a local folder.
func fetch(ctx context.Context, src Endpoint, dir *os.Root, name string, o *Options, r *Result) error {
	if info, err := dir.Lstat(name); err == nil && info.IsDir() {
		return protocols.UsageError("", "", "a folder is in the way: "+r.Destination)
	}
	k := &conn{end: src}
	defer k.drop()
	if o.Continue {
		if there, err := alreadyThere(ctx, k, dir, name, o); there || err != nil {
			r.Status = StatusSkipped
			return err
		}
	}
	d := &download{o: o, dir: dir, name: name, path: src.Name, label: src.URL, mode: file.ModeOf(dir, name), part: true}
	if o.Continue && o.Last == 0 {
		if d.resume(); d.at == 0 && d.before == nil {
			if err := d.adopt(ctx, k); err != nil {
				d.drop()
				return err
			}
		}
	}
	if o.Segments > 1 && d.at == 0 && o.Last == 0 {
		if done, err := d.segments(ctx, src, k, r); done || err != nil {
			return err
		}
	}
	return d.run(ctx, k, r)
}

// run is the download on one connection.
func (d *download) run(ctx context.Context, k *conn, r *Result) error {
	d.task = &lateTask{o: d.o, name: r.Name}
	err := d.o.repeatFrom(ctx, func() int64 { return d.at }, func() error {
		c, err := k.get()
		if err != nil {
			return err
		}
		if err = d.attempt(ctx, c); err != nil {
			k.drop()
		}
		return err
	})
	r.Bytes, r.ResumedAt = d.moved, d.resumed
	if err != nil {
		d.leave()
	} else {
		err = d.finish(ctx, k)
	}
	d.task.Done(err)
	return err
}

// finish verifies and renames the file to its name.
func (d *download) finish(ctx context.Context, k *conn) error {
	c, err := k.get()
	if err == nil {
		err = d.verify(ctx, c)
	}
	if err != nil {
		d.drop()
		return err
	}
	d.temp.New = d.o.KeepOld
	if err = d.temp.Store(d.o.Durability); err == nil || d.part {
		removeRecord(d.dir, d.name)
	}
	return err
}

// alreadyThere reports whether an earlier run finished this object, or another program:
// a file of its size that is as old or newer, with the same end where it is newer.
func alreadyThere(ctx context.Context, k *conn, dir *os.Root, name string, o *Options) (bool, error) {
	info, err := dir.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || o.Offset > 0 || o.Length > 0 || o.Last > 0 {
		return false, nil
	}
	c, err := k.get()
	if err != nil {
		return false, err
	}
	e, err := protocols.Stat(ctx, c, k.end.Name)
	if err != nil { // unknown; Get will report what is wrong, if anything
		k.drop()
		return false, nil
	}
	switch {
	case e.Size != info.Size():
		return false, nil
	case e.Modified.IsZero(), near(e.Modified, info.ModTime(), e.Accuracy):
		return true, nil
	case e.Modified.After(info.ModTime()):
		return false, nil
	}
	return sameEnd(ctx, c, k.end.Name, dir, name, e.Size), nil
}

// lateTask announces an object when the first thing is known of it.
type lateTask struct {
	o    *Options
	name string
	t    Task
}

func (l *lateTask) begin(size int64) { l.beginAt(size, 0) }

// beginAt begins where an earlier run ended, which a task may want to know for its rate.
func (l *lateTask) beginAt(size, at int64) {
	if l.t != nil {
		return
	}
	l.t = l.o.start(l.name, size)
	if r, ok := l.t.(interface{ Resumed(at int64) }); ok && at > 0 {
		r.Resumed(at)
	}
}
func (l *lateTask) Set(n int64)    { l.begin(-1); l.t.Set(n) }
func (l *lateTask) Done(err error) { l.begin(-1); l.t.Done(err) }

// CopyTo streams an object into w, as "cat" does. A retry goes on where the stream
// stopped, which needs a source that can start there; else the error stands. When
// w is an [*os.File] the kernel's fast paths are used. An error of w has kind Local.
func CopyTo(ctx context.Context, src Endpoint, w io.Writer, o *Options) (Result, error) {
	if o == nil {
		o = &Options{}
	}
	o = o.own()
	began := time.Now()
	r := Result{Protocol: src.Protocol, Source: src.URL, Name: nameOf(src), Status: StatusDone}
	s := &stream{o: o, src: src, w: w}
	k := &conn{end: src}
	defer k.drop()
	task := &lateTask{o: o, name: r.Name}
	s.task = task
	err := o.repeatFrom(ctx, func() int64 { return s.at }, func() error {
		c, err := k.get()
		if err != nil {
			return err
		}
		if err = s.attempt(ctx, c); err != nil {
			k.drop()
		}
		return err
	})
	r.Bytes, r.Took = s.at, time.Since(began)
	if err != nil {
		r.Status, r.Err = StatusFailed, protocols.Wrap(err, r.Protocol, "cat", src.URL)
	}
	task.Done(r.Err)
	return r, r.Err
}

// stream is one object on its way into a writer, over all its attempts.
type stream struct {
	o    *Options
	src  Endpoint
	w    io.Writer
	task *lateTask
	at   int64
	rec  record
}

func (s *stream) attempt(ctx context.Context, c protocols.Client) error {
	g := &protocols.GetOptions{Offset: s.o.Offset + s.at, MaxSize: wholeLimit(s.o)}
	if s.o.Length > 0 {
		if g.Length = s.o.Length - s.at; g.Length == 0 {
			return nil
		}
	}
	if s.at > 0 {
		g.Same = s.rec.entry()
	}
	obj, err := s.o.get(ctx, c, s.src.Name, g)
	if err != nil {
		return err
	}
	return closed(obj, s.take(ctx, obj, g.Offset))
}

// take reads an object that has been opened, if it is the one that was begun.
func (s *stream) take(ctx context.Context, obj *protocols.Object, offset int64) error {
	if obj.Offset != offset || s.at > 0 && !s.rec.same(obj.Entry) {
		return &protocols.Error{Kind: protocols.KindProtocol, Sentinel: protocols.ErrChanged}
	}
	s.rec = newRecord(obj.Entry, s.src.URL, s.o)
	d := download{o: s.o}
	end := d.end(obj)
	if s.o.MaxSize > 0 && end > s.o.MaxSize {
		return tooLarge(s.src.URL, s.o.MaxSize)
	}
	s.task.begin(end)
	return s.pour(ctx, obj, end)
}

func (s *stream) pour(ctx context.Context, obj *protocols.Object, end int64) error {
	var r io.Reader = obj.Body
	if s.o.MaxSize > 0 || s.o.Progress != nil {
		r = &gauge{r: r, t: s.task, at: s.at, total: -1, max: s.o.MaxSize, label: s.src.URL}
	}
	var n int64
	var err error
	if f, ok := s.w.(*os.File); ok {
		n, err = file.Pour(ctx, f, r)
	} else {
		n, err = io.Copy(sink{s.w}, r)
	}
	s.at += n
	if err == nil && end >= 0 && s.at < end {
		err = wrongSize(s.src.URL, s.at, end)
	}
	return err
}

// sink marks the errors of a writer as local, so that they are not taken for the
// connection's.
type sink struct{ w io.Writer }

func (s sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err == nil {
		return n, nil
	}
	if _, ok := errors.AsType[*protocols.Error](err); ok {
		return n, err
	}
	return n, &protocols.Error{Kind: protocols.KindLocal, Err: err}
}
