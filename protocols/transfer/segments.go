package transfer

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/pool"
)

// smallestSegment is the least that is worth a connection of its own.
const smallestSegment = 1 << 20

// segmented is one large object that comes over several connections at once into
// one file, each writing its own part through a file descriptor of its own.
type segmented struct {
	d     *download
	pool  *pool.Pool
	rec   record
	left  []span       // each worker's own: what it has not got yet
	done  atomic.Int64 // bytes of all, those of an earlier run included
	begun int64        // bytes of an earlier run
	wrong atomic.Bool  // a server sent more than was asked for: nothing that came is to be trusted
}

// segments fetches the object in parts. It returns false when the object is too
// small or the server does not tell its size: then one connection does it.
func (d *download) segments(ctx context.Context, src Endpoint, k *conn, r *Result) (bool, error) {
	var e protocols.Entry
	err := d.o.Repeat(ctx, func() error {
		c, err := k.get()
		if err != nil {
			return err
		}
		if e, err = protocols.Stat(ctx, c, d.path); err != nil {
			k.drop()
		}
		return err
	})
	size := d.end(&protocols.Object{Entry: e})
	n := min(int64(d.o.Segments), 64, size/smallestSegment)
	if err != nil || n < 2 {
		return false, nil // the single connection will say what is wrong
	}
	if d.o.MaxSize > 0 && size > d.o.MaxSize {
		return true, tooLarge(d.label, d.o.MaxSize)
	}
	d.known, d.at = e, size
	d.task = &lateTask{o: d.o, name: r.Name}
	d.task.begin(size)
	s := &segmented{d: d, rec: newRecord(e, d.label, d.o)}
	if err = s.place(size, n); err == nil {
		s.pool = src.pool(int(n), d.o)
		s.pool.Put(k.c, nil)
		k.c = nil
		err = s.run(ctx)
		s.pool.Close()
		r.Bytes, r.ResumedAt = s.done.Load()-s.begun, s.begun
	}
	if errors.Is(err, errors.ErrUnsupported) { // the server cannot start in the middle
		d.drop()
		d.task.Done(err)
		d.temp, d.at = nil, 0
		return false, nil
	}
	if err != nil {
		s.leave(err)
	} else {
		d.describe(&protocols.Object{Entry: e})
		err = d.finish(ctx, k)
	}
	d.task.Done(err)
	return true, err
}

// place makes the file, or opens the one of an earlier run where the object is still
// the same, and divides what is missing.
func (s *segmented) place(size, n int64) (err error) {
	d := s.d
	if was := d.before; was != nil && s.rec.proves() && was.same(d.known) && was.Size == s.rec.Size && d.holes == size {
		if d.temp, err = file.OpenPart(d.dir, d.name, size); err == nil {
			s.left = divide(was.Missing, int(n))
			s.begun = size - missing(s.left)
			s.done.Store(s.begun)
			d.task.Set(s.begun)
			return nil
		}
	}
	if d.temp, err = file.CreatePart(d.dir, d.name, d.perm(&protocols.Object{Entry: d.known})); err != nil {
		return err
	}
	s.left = evenly(size, n)
	if err = d.temp.Truncate(size); err == nil {
		err = s.note() // whoever finds the file must not take it for whole
	}
	return err
}

// note writes down what is missing.
func (s *segmented) note() error {
	rec := s.rec
	for _, part := range s.left {
		if part.From < part.To {
			rec.Missing = append(rec.Missing, part)
		}
	}
	return writeRecord(s.d.dir, s.d.name, rec)
}

// leave ends a download that failed: what came stays with a map of what is missing,
// where it is of use.
func (s *segmented) leave(err error) {
	d := s.d
	useless := s.wrong.Load() || s.done.Load() == 0 || !s.rec.proves() || errors.Is(err, protocols.ErrChanged) || missing(s.left) == 0
	if d.temp == nil || useless || d.temp.Sync() != nil || s.note() != nil {
		d.drop()
		return
	}
	d.temp.Keep()
}

// run fetches the parts side by side; the first that fails for good stops the rest.
func (s *segmented) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for i := range s.left {
		all.Go(func() {
			if err := s.part(ctx, &s.left[i]); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return stopped(ctx)
	}
	return nil
}

// part fetches the bytes that are left of one part, with retries of its own.
func (s *segmented) part(ctx context.Context, left *span) error {
	attempt := func(c protocols.Client) error {
		if left.From >= left.To {
			return nil
		}
		n, err := s.attempt(ctx, c, left.From, left.To-left.From)
		left.From += n
		return err
	}
	return s.d.o.repeatFrom(ctx, func() int64 { return left.From }, func() error {
		return s.pool.Do(ctx, attempt)
	})
}

func (s *segmented) attempt(ctx context.Context, c protocols.Client, from, length int64) (int64, error) {
	at := s.d.o.Offset + from
	obj, err := protocols.Get(ctx, c, s.d.path, &protocols.GetOptions{Offset: at, Length: length, Same: s.rec.entry()})
	if err != nil {
		return 0, err
	}
	defer obj.Body.Close()
	if obj.Offset != at || !s.rec.same(obj.Entry) {
		return 0, &protocols.Error{Kind: protocols.KindProtocol, URL: s.d.label, Sentinel: protocols.ErrChanged}
	}
	f, err := s.d.temp.Another(from)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	seen := &piece{s: s, at: from}
	stop := watch(seen, f)
	n, err := file.Pour(ctx, f, obj.Body)
	stop()
	seen.Set(from + n)
	switch {
	case n > length: // it ran into the next part's bytes
		s.wrong.Store(true)
		return n, protocols.ProtocolError("", "get", "the server sent more bytes than requested")
	case err == nil && n < length:
		err = wrongSize(s.d.label, n, length)
	}
	return n, err
}

// piece is the progress of one part in that of the whole.
type piece struct {
	s  *segmented
	at int64 // in the file
}

// Set takes a position in the file.
func (p *piece) Set(at int64) {
	more := at - p.at
	p.at = at
	p.s.d.task.Set(p.s.done.Add(more))
}

// Done is nothing: the whole ends by itself.
func (p *piece) Done(error) {}
