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
	d    *download
	pool *pool.Pool
	rec  record
	done atomic.Int64 // bytes of all
}

// segments fetches the object in parts. It returns false when the object is too
// small or the server does not tell its size: then one connection does it.
func (d *download) segments(ctx context.Context, src Endpoint, k *conn, r *Result) (bool, error) {
	var e protocols.Entry
	err := d.o.repeat(ctx, func() error {
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
	if d.temp, err = file.CreateTemp(d.dir, d.name, d.perm(&protocols.Object{Entry: e})); err == nil {
		err = d.temp.Truncate(size)
	}
	if err == nil {
		s := &segmented{d: d, pool: src.pool(int(n), d.o), rec: newRecord(e, d.label, d.o)}
		s.pool.Put(k.c, nil)
		k.c = nil
		err = s.run(ctx, size, n)
		s.pool.Close()
		r.Bytes = s.done.Load()
	}
	if errors.Is(err, errors.ErrUnsupported) { // the server cannot start in the middle
		d.drop()
		d.task.Done(err)
		d.temp, d.at = nil, 0
		return false, nil
	}
	if err != nil {
		d.drop()
	} else {
		d.describe(&protocols.Object{Entry: e})
		err = d.finish(ctx, k)
	}
	d.task.Done(err)
	return true, err
}

// run fetches n parts side by side; the first that fails for good stops the rest.
func (s *segmented) run(ctx context.Context, size, n int64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	each := (size + n - 1) / n
	var all sync.WaitGroup
	for i := range n {
		from, to := i*each, min((i+1)*each, size)
		all.Go(func() {
			if err := s.part(ctx, from, to); err != nil {
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

// part fetches the bytes from up to to, with retries of its own.
func (s *segmented) part(ctx context.Context, from, to int64) error {
	attempt := func(c protocols.Client) error {
		if from >= to {
			return nil
		}
		n, err := s.attempt(ctx, c, from, to-from)
		from += n
		return err
	}
	return s.d.o.repeatFrom(ctx, func() int64 { return from }, func() error {
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
	n, err := file.Pour(ctx, f, obj.Body)
	s.d.task.Set(s.done.Add(n))
	switch {
	case n > length: // it ran into the next part's bytes
		return n, protocols.ProtocolError("", "get", "the server sent more bytes than requested")
	case err == nil && n < length:
		err = wrongSize(s.d.label, n, length)
	}
	return n, err
}
