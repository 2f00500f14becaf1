package transfer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// tailCompared is how much of the end of a server's partial file is compared with
// the source before an upload of an earlier run goes on.
const tailCompared = 64 << 10

// sending is one object on its way into a Put, over all its attempts.
type sending struct {
	o       *Options
	path    string // at the source
	name    string // at the destination
	label   string // URL of the source
	known   protocols.Entry
	task    *lateTask
	tried   bool
	rec     record
	resumed int64
	moved   int64
	got     protocols.Entry
	cont    bool // look for what an earlier run left
	plain   bool // and for a shorter file of the final name
	inPlace bool // going on with that one
	source  bool // the last error came from the source
}

// upload copies through Put. d is the destination's first client.
func upload(ctx context.Context, src, dst Endpoint, d protocols.Client, o *Options, r *Result) error {
	from, to := &conn{end: src}, &conn{end: dst, c: d}
	defer from.drop()
	defer to.drop()
	s := &sending{
		o: o, path: src.Name, name: dst.Name, label: src.URL, cont: o.Continue, plain: o.Continue, task: &lateTask{o: o, name: r.Name},
	}
	both := func(do func(sc, dc protocols.Client) error) error {
		sc, err := from.get()
		if err != nil {
			return err
		}
		dc, err := to.get()
		if err != nil {
			return err
		}
		return do(sc, dc)
	}
	there := false
	if err := both(func(sc, dc protocols.Client) error {
		if !o.Continue {
			return nil
		}
		from, err := protocols.Stat(ctx, sc, s.path)
		if errors.Is(err, fs.ErrNotExist) { // before anything is asked of the destination
			return err
		}
		there = err == nil && s.alreadyThere(ctx, from, sc, dc)
		return nil
	}); there || err != nil {
		r.Status = StatusSkipped
		return err
	}
	err := o.repeatFrom(ctx, func() int64 { return s.resumed }, func() error {
		err := both(func(sc, dc protocols.Client) error { return s.attempt(ctx, sc, dc) })
		if err != nil {
			from.drop()
			to.drop()
		}
		return err
	})
	if err == nil {
		err = both(func(sc, dc protocols.Client) error { return s.verify(ctx, sc, dc) })
	}
	if err != nil && o.RemovePartials && s.moved > 0 {
		s.sweep(ctx, to)
	}
	s.task.Done(err)
	r.Bytes, r.ResumedAt = s.moved, s.resumed
	if err == nil && s.got.URL != "" {
		r.Destination = s.got.URL
	}
	return err
}

// temporary is the name of what is not complete.
func (s *sending) temporary() string {
	return (&protocols.PutOptions{TempName: s.o.TempName}).Temporary(s.name)
}

// sweepWithin bounds the removal of what a failed upload has left.
const sweepWithin = 5 * time.Second

// sweep removes what a failed upload has left under its temporary name.
func (s *sending) sweep(ctx context.Context, to *conn) {
	if s.o.InPlace || s.inPlace || s.o.Append || s.o.Unique {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweepWithin)
	defer cancel()
	if dc, err := to.get(); err == nil {
		_ = protocols.Remove(ctx, dc, s.temporary()) // the copy's own error is what counts
	}
}

// alreadyThere: the destination has the same size and is not older. Its time may
// be that of the upload, where it cannot be set. Where it is not known the end of both
// is compared.
func (s *sending) alreadyThere(ctx context.Context, from protocols.Entry, sc, dc protocols.Client) bool {
	if from.Size < 0 || s.o.Append || s.o.Unique {
		return false
	}
	to, err := protocols.Stat(ctx, dc, s.name)
	if err != nil || to.Size != from.Size || older(to, from) {
		return false
	}
	return !to.Modified.IsZero() && !from.Modified.IsZero() || s.sameTail(ctx, sc, dc, s.name, to.Size, endCompared)
}

// older reports whether a is known to be from before b.
func older(a, b protocols.Entry) bool {
	unit := max(a.Accuracy, b.Accuracy, time.Second)
	return !a.Modified.IsZero() && !b.Modified.IsZero() && !a.Modified.After(b.Modified.Add(-unit))
}

// begun returns the size of a file of the final name at the destination that is the
// beginning of the object, as another program may have left it; 0: there is none.
func (s *sending) begun(ctx context.Context, sc, dc protocols.Client) int64 {
	from, err := protocols.Stat(ctx, sc, s.path)
	if err != nil || from.Size < 0 {
		return 0
	}
	to, err := protocols.Stat(ctx, dc, s.name)
	if err != nil || to.Type != protocols.TypeFile || to.Size <= 0 || to.Size >= from.Size || older(to, from) {
		return 0
	}
	if !s.sameTail(ctx, sc, dc, s.name, to.Size, endCompared) {
		return 0
	}
	return to.Size
}

// attempt sends what is missing, once.
func (s *sending) attempt(ctx context.Context, sc, dc protocols.Client) error {
	at := int64(0)
	if (s.cont || s.tried) && !s.o.Append && !s.o.Unique {
		if at = s.stored(ctx, sc, dc); at == 0 && s.plain && !s.tried {
			at = s.begun(ctx, sc, dc)
			s.inPlace = at > 0
		}
		s.inPlace = s.inPlace && at > 0
		if at == 0 && !s.o.InPlace {
			// A session that was cut off may still hold a lock on the partial file, for
			// which vsftpd 3.0 waits a minute. A new file of that name has none.
			_ = protocols.Remove(ctx, dc, s.temporary())
		}
	}
	err := s.send(ctx, sc, dc, at)
	if at > 0 && err != nil && !retry.MayPass(err) && ctx.Err() == nil {
		s.o.note("cannot go on from byte %d, starting again: %v", at, err)
		s.inPlace = false
		err = s.send(ctx, sc, dc, 0)
	}
	if err != nil && s.moved > 0 && (s.o.Append || s.o.Unique) {
		return retry.Permanent(err) // it may be there in part: never twice
	}
	return err
}

// stored returns how much of the object an earlier attempt has left at the
// destination, or 0 when that is unknown or not of this object.
func (s *sending) stored(ctx context.Context, sc, dc protocols.Client) int64 {
	if size := max(s.known.Size, s.rec.Size); s.tried && !s.rec.proves() || size > 0 && size < worthResuming {
		return 0
	}
	part := s.temporary()
	if s.o.InPlace || s.inPlace {
		part = s.name
	}
	e, err := protocols.Stat(ctx, dc, part)
	if err != nil || e.Type != protocols.TypeFile || e.Size <= 0 {
		return 0
	}
	if s.tried {
		return e.Size
	}
	if s.sameTail(ctx, sc, dc, part, e.Size, tailCompared) {
		return e.Size
	}
	return 0
}

// sameTail compares the last bytes of the partial file with the source's there.
func (s *sending) sameTail(ctx context.Context, sc, dc protocols.Client, part string, size, compared int64) bool {
	from := max(size-compared, 0)
	theirs, err := rangeOf(ctx, dc, part, from, size-from)
	if err != nil {
		return false
	}
	ours, err := rangeOf(ctx, sc, s.path, s.o.Offset+from, size-from)
	return err == nil && bytes.Equal(ours, theirs)
}

func rangeOf(ctx context.Context, c protocols.Client, name string, offset, length int64) ([]byte, error) {
	obj, err := protocols.Get(ctx, c, name, &protocols.GetOptions{Offset: offset, Length: length})
	if err != nil {
		return nil, err
	}
	defer obj.Body.Close()
	if obj.Offset != offset {
		return nil, protocols.ErrChanged
	}
	b := make([]byte, length)
	_, err = io.ReadFull(obj.Body, b)
	return b, err
}

// send reads from the offset at and stores.
func (s *sending) send(ctx context.Context, sc, dc protocols.Client, at int64) error {
	s.source = true
	g := &protocols.GetOptions{Offset: s.o.Offset + at}
	if s.o.Length > 0 {
		g.Length = s.o.Length - at
	}
	if s.tried && at > 0 {
		g.Same = s.rec.entry()
	}
	obj, err := s.o.get(ctx, sc, s.path, g)
	if err != nil {
		return err
	}
	defer obj.Body.Close()
	if obj.Offset != g.Offset || g.Same != nil && !s.rec.same(obj.Entry) {
		return &protocols.Error{Kind: protocols.KindProtocol, Sentinel: protocols.ErrChanged}
	}
	s.rec = newRecord(obj.Entry, s.label, s.o)
	end := (&download{o: s.o}).end(obj)
	if s.o.MaxSize > 0 && end > s.o.MaxSize {
		return tooLarge(s.label, s.o.MaxSize)
	}
	s.source, s.tried, s.resumed = false, true, at
	s.task.beginAt(end, at)
	return s.put(ctx, dc, obj, at, end)
}

func (s *sending) put(ctx context.Context, dc protocols.Client, obj *protocols.Object, at, end int64) error {
	po := &protocols.PutOptions{Offset: at, Append: s.o.Append, Unique: s.o.Unique, InPlace: s.o.InPlace || s.inPlace, Size: -1, TempName: s.o.TempName}
	if end >= 0 {
		po.Size = end - at
	}
	s.attributes(po, &obj.Entry)
	r, done := s.body(obj, at, end)
	e, err := protocols.Put(ctx, dc, s.name, r, po)
	s.moved += done()
	s.got = e
	return err
}

func (s *sending) attributes(po *protocols.PutOptions, e *protocols.Entry) {
	if !s.o.NoTimes {
		if po.Modified = e.Modified; po.Modified.IsZero() {
			po.Modified = s.known.Modified
		}
	}
	for _, e := range []*protocols.Entry{e, &s.known} {
		if e.HasMode && !s.o.NoModes && !po.HasMode {
			po.Mode, po.HasMode = e.Mode.Perm(), true
		}
	}
}

// body returns the reader for Put, and a function for the bytes it has given. A
// file is given as it is, so that the kernel can send it; all else is gauged, so
// that a body that ends early is not stored as if it were whole.
func (s *sending) body(obj *protocols.Object, at, end int64) (io.Reader, func() int64) {
	f, ok := file.Opened(obj.Body)
	if ok && obj.Type == protocols.TypeFile && (s.o.MaxSize == 0 || end >= 0) {
		stop := watch(s.task.t, f)
		return f, func() int64 {
			stop()
			n, err := f.Seek(0, io.SeekCurrent)
			if err != nil {
				return 0
			}
			s.task.Set(n - s.o.Offset)
			return n - obj.Offset
		}
	}
	g := &gauge{r: obj.Body, t: s.task, at: at, total: end, max: s.o.MaxSize, label: s.label}
	return g, func() int64 { return g.at - at }
}

// verify asks the destination's server, with the source's bytes.
func (s *sending) verify(ctx context.Context, sc, dc protocols.Client) error {
	_, local := protocols.As[*file.Client](sc)
	if s.o.Verify == nil || !local || s.o.Offset > 0 || s.o.Length > 0 || s.o.Append {
		return nil
	}
	obj, err := protocols.Get(ctx, sc, s.path, nil)
	if err != nil {
		return err
	}
	defer obj.Body.Close()
	name := s.name
	if s.got.Path != "" {
		name = s.got.Path
	}
	return s.o.Verify(ctx, dc, name, obj.Body)
}
