package twoway

import (
	"context"
	"iter"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
	"github.com/netclients/netclients/protocols/transfer/internal/state"
)

// apply changes flags, and then deletes.
func (r *run) apply(ctx context.Context) error {
	for _, s := range r.sides {
		for _, job := range s.flags {
			if err := r.flag(ctx, s, job); err != nil {
				return err
			}
		}
	}
	for pair := range r.pairs.All() {
		if pair.Seen == [2]bool{true, true} && !r.failed[pair.Keys[0]] && !r.failed[pair.Keys[1]] {
			r.pairs.Rebase(pair, pair.Next)
		}
	}
	if err := r.pairs.Sync(r.o.Durability); err != nil {
		return err
	}
	for i, s := range r.sides {
		if err := r.delete(ctx, i, s); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) flag(ctx context.Context, s *side, job *flagJob) error {
	refused, err := r.bulk(ctx, s, &job.list, func(m mirror, names iter.Seq[string], each func(string, error) error) error {
		return m.BulkFlag(ctx, job.change, names, each)
	})
	if err != nil {
		return err
	}
	return r.report(s, &job.list, refused, func(w *state.Wanted) { r.emit(r.result(s, w, transfer.StatusUpdated, nil)) })
}

func (r *run) delete(ctx context.Context, i int, s *side) error {
	if s.doomed.N == 0 {
		return nil
	}
	refused, err := r.bulk(ctx, s, &s.doomed, func(_ mirror, names iter.Seq[string], each func(string, error) error) error {
		return protocols.BulkRemove(ctx, s.client, names, each)
	})
	if err != nil {
		return err
	}
	return r.report(s, &s.doomed, refused, func(w *state.Wanted) {
		if pair := r.pairs.At(i, w.Key); pair != nil {
			r.pairs.Forget(pair)
		}
		r.emit(r.result(s, w, transfer.StatusDeleted, nil))
	})
}

// bulk does something with many messages of a side, again from the start where that fails
// in a way that may pass. It returns the errors of single messages, by their paths. One
// that is gone needs nothing more.
func (r *run) bulk(ctx context.Context, s *side, list *state.List, do func(m mirror, names iter.Seq[string], each func(string, error) error) error) (refused map[string]error, err error) {
	err = r.o.Repeat(ctx, func() error {
		m, err := s.mirror()
		if err != nil {
			return err
		}
		refused = map[string]error{}
		var bad error // of the list
		err = do(m, func(yield func(string) bool) {
			for w, err := range list.All() {
				if bad = err; err != nil || !yield(w.Path) {
					return
				}
			}
		}, func(name string, err error) error {
			if err != nil && !gone(err) {
				refused[name] = err
			}
			return nil
		})
		if err != nil {
			s.drop()
			return err
		}
		return bad
	})
	return refused, err
}

// report reports what became of the messages of a list.
func (r *run) report(s *side, list *state.List, refused map[string]error, done func(w *state.Wanted)) error {
	return each(list, func(w *state.Wanted) {
		if no := refused[w.Path]; no != nil {
			r.fail(s, w, no)
		} else {
			done(w)
		}
	})
}
