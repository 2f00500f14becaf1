package transfer

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// download is one object on its way into a local folder, over all its attempts.
type download struct {
	o     *Options
	dir   *os.Root
	name  string          // in dir
	path  string          // for the source's verbs
	label string          // URL of the source
	known protocols.Entry // what a listing said; zero when there was none
	mode  fs.FileMode     // exact mode to set; 0: by umask
	part  bool            // under the name that a later run finds
	local bool            // the source is on this machine: a file may grow while it is read

	before *record // of a part that came in segments, with what is missing
	holes  int64   // size of that part

	task     *lateTask
	temp     *file.Temp
	rec      record
	noted    bool  // the record is on the disk
	compared bool  // the end of what is in temp is the source's, which proves as much as a record
	at       int64 // bytes in temp
	resumed  int64 // at the start of the first attempt
	moved    int64 // by all attempts
	restarts int   // from nothing because the object changed
}

// resume opens what an earlier run left, when its record is of any use.
func (d *download) resume() {
	rec, ok := readRecord(d.dir, d.name)
	if !ok || !rec.proves() || rec.Source != d.label || rec.Offset != d.o.Offset || rec.Length != d.o.Length {
		return
	}
	info, err := d.dir.Lstat(file.PartName(d.name))
	if err != nil || info.Size() == 0 {
		return
	}
	at := info.Size()
	if len(rec.Missing) > 0 {
		if !within(rec.Missing, at) {
			return
		}
		if d.o.Segments > 1 {
			d.before, d.holes = &rec, at
			return
		}
		if at = rec.Missing[0].From; at == 0 { // one connection goes on at the first hole
			return
		}
	}
	t, err := file.OpenPart(d.dir, d.name, at)
	if err != nil {
		return
	}
	if len(rec.Missing) > 0 { // only now: with holes in it the part must not pass for a whole one
		rec.Missing = nil
		if writeRecord(d.dir, d.name, rec) != nil {
			t.Abort()
			return
		}
	}
	d.temp, d.rec, d.noted, d.at, d.resumed = t, rec, true, at, at
}

// attempt reads what is missing, once.
func (d *download) attempt(ctx context.Context, c protocols.Client) error {
	d.local = protocols.IsLocal(c)
	obj, err := d.open(ctx, c)
	if err != nil {
		return err
	}
	if err = d.receive(obj); err == nil {
		err = d.pour(ctx, obj)
	}
	return closed(obj, err)
}

// closed ends an object. What its end says counts when nothing else went wrong.
func closed(obj *protocols.Object, err error) error {
	end := obj.Body.Close()
	if err == nil {
		return end
	}
	return err
}

// open asks for the rest of the object, or for all of it when the rest cannot be had.
func (d *download) open(ctx context.Context, c protocols.Client) (*protocols.Object, error) {
	if d.at > 0 {
		obj, err := d.openRest(ctx, c)
		if obj != nil || err != nil {
			return obj, err
		}
	}
	obj, err := d.o.get(ctx, c, d.path, d.getOptions(0, nil))
	if err == nil && d.at > 0 { // only now is what came before worth nothing
		if err = d.restart(); err != nil {
			obj.Body.Close()
			return nil, err
		}
	}
	return obj, err
}

func (d *download) getOptions(at int64, same *protocols.Entry) *protocols.GetOptions {
	o := &protocols.GetOptions{Offset: d.o.Offset + at, Same: same, MaxSize: wholeLimit(d.o)}
	if d.o.Length > 0 {
		o.Length = d.o.Length - at
	}
	return o
}

// openRest returns nil, nil when it must be read from the start.
func (d *download) openRest(ctx context.Context, c protocols.Client) (*protocols.Object, error) {
	if !d.rec.proves() && !d.compared || d.o.Length > 0 && d.at >= d.o.Length || d.rec.Size >= 0 && d.o.Offset+d.at > d.rec.Size {
		return nil, nil
	}
	obj, err := protocols.Get(ctx, c, d.path, d.getOptions(d.at, d.rec.entry()))
	if err != nil {
		if retry.MayPass(err) || !noResuming(err) {
			return nil, err
		}
		return nil, nil
	}
	if obj.Offset != d.o.Offset+d.at || !d.rec.same(obj.Entry) {
		obj.Body.Close()
		return nil, nil
	}
	d.compared = false // this time
	return obj, nil
}

// noResuming: the object changed, or the server cannot start there.
func noResuming(err error) bool {
	if errors.Is(err, protocols.ErrChanged) || errors.Is(err, errors.ErrUnsupported) {
		return true
	}
	switch protocols.KindOf(err) {
	case protocols.KindRefused, protocols.KindProtocol, protocols.KindUsage:
		return !errors.Is(err, fs.ErrNotExist)
	}
	return false
}

// restart forgets what is there.
func (d *download) restart() error {
	if d.restarts++; d.restarts > d.o.retries()+1 {
		return &protocols.Error{Kind: protocols.KindProtocol, URL: d.label, Sentinel: protocols.ErrChanged}
	}
	d.at, d.resumed, d.noted = 0, 0, false
	removeRecord(d.dir, d.name)
	return d.temp.Rewind(0)
}

// receive makes the temporary file and the record beside it.
func (d *download) receive(obj *protocols.Object) error {
	if d.at == 0 && obj.Offset != d.o.Offset {
		return protocols.ProtocolError("", "get", "the answer does not start at the requested offset")
	}
	if end := d.end(obj); d.o.MaxSize > 0 && end > d.o.MaxSize {
		return tooLarge(d.label, d.o.MaxSize)
	}
	if d.temp == nil {
		t, err := d.create(obj)
		if err != nil {
			return err
		}
		d.temp = t
	}
	if d.at == 0 {
		d.rec = newRecord(obj.Entry, d.label, d.o)
	}
	if !d.part || d.noted || obj.Size >= 0 && obj.Size < worthResuming {
		return nil
	}
	d.noted = true
	return writeRecord(d.dir, d.name, d.rec)
}

func (d *download) create(obj *protocols.Object) (*file.Temp, error) {
	if d.part {
		return file.CreatePart(d.dir, d.name, d.perm(obj))
	}
	return file.CreateTemp(d.dir, d.name, d.perm(obj))
}

// perm: the source's mode where it has one, less the umask. Set-id bits never pass.
func (d *download) perm(obj *protocols.Object) fs.FileMode {
	for _, e := range []*protocols.Entry{&obj.Entry, &d.known} {
		if e.HasMode && !d.o.NoModes {
			return e.Mode.Perm()
		}
	}
	return 0o666
}

// end returns the size the temporary file must come to, or -1.
func (d *download) end(obj *protocols.Object) int64 {
	if obj.Size < 0 {
		return -1
	}
	n := max(obj.Size-d.o.Offset, 0)
	if d.o.Length > 0 {
		n = min(n, d.o.Length)
	}
	return n
}

// pour moves the bytes and checks their number.
func (d *download) pour(ctx context.Context, obj *protocols.Object) error {
	var r io.Reader = obj.Body
	end := d.end(obj)
	d.task.beginAt(end, d.at)
	if d.o.MaxSize > 0 {
		r = &io.LimitedReader{R: r, N: d.o.MaxSize - d.at + 1}
	}
	stop := watch(d.task.t, d.temp.File)
	n, err := file.Pour(ctx, d.temp.File, r)
	stop()
	end = max(end, d.end(obj)) // a body may find at its end that the object has grown
	d.at, d.moved = d.at+n, d.moved+n
	d.task.Set(d.at)
	switch {
	case err != nil:
		return err
	case d.o.MaxSize > 0 && d.at > d.o.MaxSize:
		return tooLarge(d.label, d.o.MaxSize)
	case end >= 0 && d.at < end, end >= 0 && d.at > end && !d.local:
		got := d.at
		if got > end {
			d.rec = record{Size: -1} // nothing that came is to be trusted
		}
		return wrongSize(d.label, got, end)
	}
	d.describe(obj)
	return nil
}

// describe sets what the file will look like.
func (d *download) describe(obj *protocols.Object) {
	d.temp.Mode = d.mode
	if d.o.NoTimes {
		return
	}
	d.temp.Modified = obj.Modified
	if obj.Modified.IsZero() {
		d.temp.Modified = d.known.Modified
	}
}

// verify asks the server whether the bytes are right.
func (d *download) verify(ctx context.Context, c protocols.Client) error {
	if d.o.Verify == nil || d.o.Offset > 0 || d.o.Length > 0 {
		return nil
	}
	return d.o.Verify(ctx, c, d.path, io.NewSectionReader(d.temp.File, 0, d.at))
}

// leave ends a download that failed: a part worth resuming stays, all else goes.
func (d *download) leave() {
	if d.temp == nil {
		return
	}
	if d.noted && d.at > 0 && d.rec.proves() && !d.o.RemovePartials {
		d.temp.Keep()
		return
	}
	d.drop()
}

// drop removes all that the download has made.
func (d *download) drop() {
	if d.temp != nil {
		d.temp.Abort()
	}
	if d.part {
		removeRecord(d.dir, d.name)
	}
}
