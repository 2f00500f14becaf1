package transfer

import (
	"cmp"
	"context"

	"github.com/netclients/netclients/protocols"
)

// Wanted is one object that [CopyMany] copies.
type Wanted struct {
	Name string // what the source's verbs take
	URL  string // for results and messages; never holds a password
	As   string // the file to write in the destination's folder: one safe component
}

// CopyMany copies objects of one server into one local folder, each as [Copy] does
// without Continue, over a few connections: small ones come many at a time and are
// written at once, large ones leave a part when they are interrupted. No two of
// them may have the same As. each is called for every object, by one goroutine at a
// time. Failures are reported and the rest goes on; the error is then of kind Partial,
// and another one when the disk is full or the context ended.
func CopyMany(ctx context.Context, src, dst Endpoint, items []Wanted, o *Options, parallel int, each func(Result)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s := newTreeSync(src, dst, &SyncOptions{Options: *o, Parallel: min(parallel, len(items))}, stop, each)
	s.listed = items
	top, err := s.openTop(ctx)
	if err == nil {
		err = s.move(ctx, top, func() error { return s.hand(ctx, top) })
	}
	return protocols.Wrap(cmp.Or(err, s.close(top)), s.protocol, "get", src.URL)
}

// hand passes the requested objects to the workers.
func (s *treeSync) hand(ctx context.Context, top *folder) error {
	for _, it := range s.listed {
		j := &job{in: top, name: it.As, rel: it.As, unseen: true, e: protocols.Entry{Path: it.Name, URL: it.URL, Size: -1}}
		s.accept(j)
		if info, err := top.dir.Lstat(it.As); err == nil && info.IsDir() {
			s.fail(ctx, j, protocols.UsageError("", "", "a folder is in the way: "+s.toURL(it.As)))
			continue
		} else if err == nil && s.o.KeepOld {
			s.finish(j, j.result(s, StatusSkipped, 0))
			continue
		} else if err == nil && info.Mode().IsRegular() {
			j.mode = info.Mode().Perm()
		}
		select {
		case s.jobs <- j:
		case <-ctx.Done():
			s.letGo(j)
			return stopped(ctx)
		}
	}
	return nil
}

// storeUnseen stores an object of which nothing was known before it came. A large
// one goes into a part; what came of it stays with the job for the next attempt.
func (w *worker) storeUnseen(ctx context.Context, j *job, obj *protocols.Object) error {
	if obj.Size >= 0 && obj.Size <= smallFile {
		return w.storeSmall(j, obj)
	}
	if err := w.s.batch.flush(); err != nil { // those must not wait for this one
		return err
	}
	d := w.newDownload(j)
	j.begun = d
	err := d.receive(obj)
	if err == nil {
		err = d.pour(ctx, obj)
	}
	if err == nil {
		w.stored(d, j)
	}
	return err
}
