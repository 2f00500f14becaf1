package transfer

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

const (
	// smallFile is the size up to which a file is read into memory and written at once.
	smallFile = 256 << 10
	// bulkJobs is how many small files are asked for together.
	bulkJobs = 64
)

// job is one file to copy. Its folder is held until the result is reported.
type job struct {
	in    *folder
	name  string // in the folder
	rel   string
	e     protocols.Entry
	mode  fs.FileMode // exact mode of the file that is replaced; 0: none
	over  string      // what happens to what is there, in a dry run: "update"
	check bool        // only if the contents differ
	part  bool        // an earlier run has left a part
	began time.Time

	unseen bool      // nothing is known of it but its name
	begun  *download // what an attempt in bulk has left
}

// small reports whether the job is one for memory.
func (j *job) small() bool { return j.e.Size >= 0 && j.e.Size <= smallFile }

func (j *job) result(s *treeSync, status Status, bytes int64) Result {
	r := Result{Name: j.rel, Source: j.e.URL, Destination: s.toURL(j.rel), Status: status, Bytes: bytes}
	if !j.began.IsZero() {
		r.Took = time.Since(j.began)
	}
	return r
}

// worker does jobs, one after the other, or small ones in bulk.
type worker struct {
	s   *treeSync
	buf []byte // for a whole small file
}

// work does jobs until there are no more.
func (w *worker) work(ctx context.Context) {
	for j := range w.s.jobs {
		if ctx.Err() != nil {
			w.s.letGo(j)
			continue
		}
		j.began = time.Now()
		if w.s.local != nil && w.s.inMemory(j) {
			w.bulk(ctx, j)
		} else {
			w.single(ctx, j)
		}
	}
}

// single does one job by itself.
func (w *worker) single(ctx context.Context, j *job) {
	switch {
	case j.check && w.unchanged(ctx, j):
	case w.s.local == nil:
		w.upload(ctx, j)
	case w.s.inMemory(j) && !j.unseen:
		w.tiny(ctx, j)
	default:
		w.download(ctx, j)
	}
}

// inMemory: what is verified or compared takes the other road.
func (s *treeSync) inMemory(j *job) bool {
	return (j.small() || j.unseen) && !j.check && s.o.Verify == nil
}

// unchanged compares the contents, and reports the result when they are equal or
// cannot be compared.
func (w *worker) unchanged(ctx context.Context, j *job) bool {
	same, err := w.sameContent(ctx, j)
	switch {
	case err != nil:
		w.s.fail(ctx, j, err)
	case same:
		w.s.finish(j, j.result(w.s, StatusSkipped, 0))
	case w.s.o.DryRun:
		w.s.finish(j, j.result(w.s, StatusDone, max(j.e.Size, 0)))
	default:
		return false
	}
	return true
}

// accept counts a job that must have a result before the run may end well, and holds
// its folder until then.
func (s *treeSync) accept(j *job) {
	s.pending.Add(1)
	j.in.hold()
}

// letGo ends a job, with a result or because the run has ended.
func (s *treeSync) letGo(j *job) {
	j.in.release()
	s.pending.Add(-1)
}

// finish reports a job's result and releases its folder.
func (s *treeSync) finish(j *job, r Result) {
	s.emit(r)
	s.letGo(j)
}

// fail reports that a job failed; an error that would fail all others too ends the run.
// After the end nothing is reported: the object is neither done nor failed.
func (s *treeSync) fail(ctx context.Context, j *job, err error) {
	if ctx.Err() != nil {
		s.letGo(j)
		return
	}
	err = protocols.Wrap(err, s.protocol, "sync", j.e.URL)
	r := j.result(s, StatusFailed, 0)
	r.Err = err
	s.finish(j, r)
	if s.hopeless(err) {
		s.stop(err)
	}
}

// hopeless: no other file would fare better.
func (s *treeSync) hopeless(err error) bool {
	switch protocols.KindOf(err) {
	case protocols.KindAuth, protocols.KindTLS:
		return s.listed == nil
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EROFS)
}

// bulk fetches small files, many on one connection where the source can do that.
func (w *worker) bulk(ctx context.Context, j *job) {
	l, err := w.s.src.Get(ctx)
	if err != nil {
		w.s.fail(ctx, j, err)
		return
	}
	if _, ok := protocols.As[protocols.BulkGetter](l); !ok {
		w.s.src.Return(l)
		w.single(ctx, j)
		return
	}
	b := &bulkRun{w: w, ctx: ctx, sent: []*job{j}}
	err = protocols.BulkGet(ctx, l, b.names, b.each)
	w.s.src.Put(l, err)
	for _, j := range b.sent { // not stored: one by one, with retries
		w.single(ctx, j)
	}
}

// bulkRun is one BulkGet: the jobs it has taken, less those that have a result. The
// first one is there from the start: a connection may fail before any name is asked for.
type bulkRun struct {
	w    *worker
	ctx  context.Context
	mu   sync.Mutex
	sent []*job
}

// names returns the first job and those that wait already; it never waits for more.
func (b *bulkRun) names(yield func(string) bool) {
	b.mu.Lock()
	j := b.sent[0]
	b.mu.Unlock()
	for n := 1; b.w.s.inMemory(j) && yield(j.e.Path); n++ {
		if j = b.next(n); j == nil {
			return
		}
		b.mu.Lock()
		b.sent = append(b.sent, j)
		b.mu.Unlock()
	}
}

// next takes a job that waits, or nil when there is none or n were taken.
func (b *bulkRun) next(n int) *job {
	if n >= bulkJobs {
		return nil
	}
	select {
	case j := <-b.w.s.jobs: // nil when the channel is closed
		if j != nil {
			j.began = time.Now()
		}
		return j
	default:
		return nil
	}
}

// each stores the object of the oldest name. One that failed stays for the road
// with retries.
func (b *bulkRun) each(name string, obj *protocols.Object, err error) error {
	b.mu.Lock()
	i := slices.IndexFunc(b.sent, func(j *job) bool { return j.e.Path == name })
	if i < 0 {
		b.mu.Unlock()
		return protocols.ProtocolError("", "get", "the server sent an object that was not requested")
	}
	j := b.sent[i]
	b.mu.Unlock()
	switch {
	case err == nil && j.unseen:
		err = b.w.storeUnseen(b.ctx, j, obj)
	case err == nil:
		err = b.w.storeSmall(j, obj)
	}
	if err != nil && (retry.MayPass(err) || errors.Is(err, errNotSmall)) {
		return b.ctx.Err()
	}
	b.mu.Lock()
	b.sent = slices.Delete(b.sent, i, i+1)
	b.mu.Unlock()
	if err != nil {
		j.leave(err)
		b.w.s.fail(b.ctx, j, err)
	}
	return nil
}

// leave ends what an attempt in bulk has begun.
func (j *job) leave(err error) {
	if j.begun != nil {
		j.begun.task.Done(err)
		j.begun.leave()
	}
}

// errNotSmall: the object is larger than the listing said.
var errNotSmall = errors.New("not small")

// tiny fetches one small file, with retries.
func (w *worker) tiny(ctx context.Context, j *job) {
	err := w.s.with(ctx, w.s.src, func(c protocols.Client) error {
		obj, err := protocols.Get(ctx, c, j.e.Path, nil)
		if err != nil {
			return err
		}
		defer obj.Body.Close()
		return w.storeSmall(j, obj)
	})
	switch {
	case errors.Is(err, errNotSmall):
		w.download(ctx, j)
	case err != nil:
		w.s.fail(ctx, j, err)
	}
}

// storeSmall reads an object into memory and writes it as a file. Nothing is
// written before all of it is there, so a cut costs nothing.
func (w *worker) storeSmall(j *job, obj *protocols.Object) error {
	n, err := io.ReadFull(obj.Body, w.buf)
	switch {
	case err == nil:
		return errNotSmall
	case err == io.ErrUnexpectedEOF && n == 0, err != io.EOF && err != io.ErrUnexpectedEOF:
		return err
	case obj.Size >= 0 && int64(n) != obj.Size && (!w.s.fromLocal || int64(n) < obj.Size):
		return wrongSize(j.e.URL, int64(n), obj.Size)
	case w.s.o.MaxSize > 0 && int64(n) > w.s.o.MaxSize:
		return tooLarge(j.e.URL, w.s.o.MaxSize)
	}
	task := w.s.o.start(j.rel, int64(n))
	err = w.writeSmall(j, obj, w.buf[:n])
	task.Set(int64(n))
	task.Done(err)
	return err
}

func (w *worker) writeSmall(j *job, obj *protocols.Object, content []byte) error {
	d := download{o: &w.s.o.Options, known: j.e, mode: j.mode}
	t, err := file.CreateTemp(j.in.dir, j.name, d.perm(obj))
	if err != nil {
		return err
	}
	if _, err := t.Write(content); err != nil {
		t.Abort()
		return err
	}
	d.temp = t
	d.describe(obj)
	w.s.batch.add(&stored{job: j, temp: t, bytes: int64(len(content))})
	return nil
}

// download fetches one file of any size. A part stays for the next run.
func (w *worker) download(ctx context.Context, j *job) {
	d := j.begun
	if d == nil {
		d = w.newDownload(j)
	}
	attempt := func(c protocols.Client) error {
		if err := d.attempt(ctx, c); err != nil {
			return err
		}
		if err := d.verify(ctx, c); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			d.rec = record{Size: -1} // what came is wrong: not to be kept
			return retry.Permanent(err)
		}
		return nil
	}
	err := w.s.o.repeatFrom(ctx, func() int64 { return d.at }, func() error { return w.s.src.Do(ctx, attempt) })
	if err != nil {
		d.task.Done(err)
		d.leave()
		w.s.fail(ctx, j, err)
		return
	}
	w.stored(d, j)
}

// newDownload begins a download, with what an earlier run has left of it.
func (w *worker) newDownload(j *job) *download {
	d := &download{
		o: &w.s.o.Options, dir: j.in.dir, name: j.name, path: j.e.Path, label: j.e.URL, known: j.e, mode: j.mode, part: true,
		task: &lateTask{o: &w.s.o.Options, name: j.rel},
	}
	if j.part {
		d.resume()
	}
	return d
}

// stored ends a download that has all of its object.
func (w *worker) stored(d *download, j *job) {
	d.task.Done(nil)
	w.s.batch.add(&stored{job: j, temp: d.temp, bytes: d.moved, resumed: d.resumed, noted: d.noted})
}

// upload sends one file.
func (w *worker) upload(ctx context.Context, j *job) {
	u := &sending{
		o: &w.s.o.Options, path: j.e.Path, name: joinName(j.in.name, j.name), label: j.e.URL, known: j.e, cont: j.part,
		task: &lateTask{o: &w.s.o.Options, name: j.rel},
	}
	moved := false
	err := w.s.both(ctx, func() int64 { return u.resumed }, func(sc, dc protocols.Client) (bool, error) {
		if j.over != "" && !moved {
			var err error
			if moved, err = w.s.backup.move(ctx, dc, u.name, j.rel); err != nil {
				return false, err
			}
		}
		err := u.attempt(ctx, sc, dc)
		if err != nil {
			return u.source, err
		}
		if err := u.verify(ctx, sc, dc); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return false, retry.Permanent(err)
		}
		return false, nil
	})
	u.task.Done(err)
	if err != nil && moved {
		w.s.backup.restore(ctx, u.name, j.rel)
	}
	if err == nil {
		err = w.s.journal.Add(w.s.record(&j.e, j.rel))
	}
	if err != nil {
		w.s.fail(ctx, j, err)
		return
	}
	r := j.result(w.s, StatusDone, u.moved)
	r.ResumedAt = u.resumed
	w.s.finish(j, r)
}
