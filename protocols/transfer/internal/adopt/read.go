package adopt

import (
	"cmp"
	"context"
	"sync"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer/internal/content"
	"github.com/netclients/netclients/protocols/transfer/internal/state"
)

// readAll reads messages, each once.
func (f *Finder) readAll(ctx context.Context, m *Mailbox, list messages, each func(*Mailbox, *state.Wanted, content.Sum)) error {
	var lock sync.Mutex // some sources take names and return messages in goroutines of their own
	left := func(w *state.Wanted) bool {
		lock.Lock()
		defer lock.Unlock()
		return f.read.Get(w.Key) == nil
	}
	return f.digest(ctx, m, only(list, left), func(w *state.Wanted, sum content.Sum) {
		lock.Lock()
		defer lock.Unlock()
		f.read.Put(w.Key, 0)
		f.Read++
		each(m, w, sum)
	})
}

// digest reads messages. One that cannot be read counts as different: it fails when it is
// copied, if it is to be.
func (f *Finder) digest(ctx context.Context, m *Mailbox, list messages, each func(*state.Wanted, content.Sum)) error {
	asked := requests{open: map[string]*state.Wanted{}}
	var bad error // of the list
	f.suspect = nil
	err := m.BulkGet(ctx, func(yield func(string) bool) {
		for w, err := range list {
			if bad = err; err != nil {
				return
			}
			if !f.skipped[w.Key] {
				asked.add(w)
				if !yield(w.Path) {
					return
				}
			}
		}
	}, func(name string, obj *protocols.Object, err error) error {
		w := asked.take(name)
		if w == nil || err != nil && !retry.MayPass(err) {
			return nil
		}
		var sum content.Sum
		if err == nil {
			sum, err = f.reader.Sum(obj.Body)
		}
		switch {
		case err == nil:
			each(w, sum)
		case m.local() && ctx.Err() == nil:
			return nil
		default:
			f.suspect = &w.Key
		}
		return err
	})
	if err != nil && f.suspect == nil {
		f.suspect = asked.oldest()
	}
	return cmp.Or(err, bad)
}

// mostSkipped bounds the messages that are left out after failures.
const mostSkipped = 100

// Blame judges a failure of Find. It reports whether to go on at once, without the message
// at which the connection was lost more often than retries: that one counts as different.
func (f *Finder) Blame(retries int) bool {
	if f == nil || f.suspect == nil || len(f.skipped) >= mostSkipped {
		return false
	}
	key := *f.suspect
	f.suspect = nil
	f.failed[key]++
	if f.failed[key] > retries {
		f.skipped[key] = true
	}
	return f.skipped[key]
}

// requests are the messages that were asked for and have not come.
type requests struct {
	lock sync.Mutex
	open map[string]*state.Wanted
	n    int
}

func (r *requests) add(w *state.Wanted) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.n++
	w.Turn = r.n
	r.open[w.Path] = w
}

func (r *requests) take(name string) *state.Wanted {
	r.lock.Lock()
	defer r.lock.Unlock()
	w := r.open[name]
	delete(r.open, name)
	return w
}

// oldest returns the key of the message that should have come next; nil when none should.
func (r *requests) oldest() *state.Key {
	r.lock.Lock()
	defer r.lock.Unlock()
	var first *state.Wanted
	for _, w := range r.open {
		if first == nil || w.Turn < first.Turn {
			first = w
		}
	}
	if first == nil {
		return nil
	}
	return &first.Key
}
