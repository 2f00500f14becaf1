package twoway

import (
	"context"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer/internal/content"
	"github.com/netclients/netclients/protocols/transfer/internal/state"
)

// match makes pairs of messages that are on both sides and of no pair yet: copies that a
// killed run stored have the key of their original; when no pairs are known, messages of
// the same content are the same.
func (r *run) match(ctx context.Context) error {
	if !r.afresh && r.pairs.Value("open") == "" {
		return nil
	}
	for i, s := range r.sides {
		if err := r.matchKeys(ctx, i, s); err != nil {
			return err
		}
	}
	if !r.afresh || r.sides[0].loose.N == 0 || r.sides[1].loose.N == 0 {
		return nil
	}
	return r.matchContent(ctx)
}

func (r *run) matchKeys(ctx context.Context, i int, s *side) error {
	for e, err := range s.archive.Keys(ctx) {
		if err != nil {
			return err
		}
		if key, ok := state.ParseKey(e.ID); ok && e.MessageInfo != nil {
			r.join(i, s.key(e.UID), key)
		}
	}
	return nil
}

// join makes a pair of a message of side i and one of the other, if both are there and of
// no pair.
func (r *run) join(i int, key, other state.Key) bool {
	a, b := r.sides[i].loose.Get(key), r.sides[1-i].loose.Get(other)
	if a == nil || b == nil {
		return false
	}
	var keys [2]state.Key
	keys[i], keys[1-i] = key, other
	now := [2]uint32{}
	now[i], now[1-i] = a.Bits, b.Bits
	pair := r.pairs.Put(keys, state.Unmerged)
	pair.Now, pair.Seen = now, [2]bool{true, true}
	r.sides[i].loose.Drop(key)
	r.sides[1-i].loose.Drop(other)
	return true
}

// matchContent reads all messages that are of no pair.
func (r *run) matchContent(ctx context.Context) error {
	reader := content.New()
	there := map[content.Digest][]state.Key{}
	err := r.sides[0].digests(ctx, reader, func(key state.Key, d content.Digest) { there[d] = append(there[d], key) })
	if err != nil {
		return err
	}
	return r.sides[1].digests(ctx, reader, func(key state.Key, d content.Digest) {
		if keys := there[d]; len(keys) > 0 && r.join(0, keys[0], key) {
			there[d] = keys[1:]
		}
	})
}

// digests reads the messages that are of no pair. One that cannot be read has no digest: it
// fails when it is copied.
func (s *side) digests(ctx context.Context, reader *content.Reader, each func(key state.Key, d content.Digest)) error {
	source, err := s.mirror()
	if err != nil {
		return err
	}
	asked := map[string]state.Key{}
	var bad error // of the list
	err = source.BulkGet(ctx, func(yield func(string) bool) {
		for w, err := range s.all.All() {
			if bad = err; err != nil {
				return
			}
			if s.loose.Get(w.Key) == nil {
				continue
			}
			asked[w.Path] = w.Key
			if !yield(w.Path) {
				return
			}
		}
	}, func(name string, obj *protocols.Object, err error) error {
		key := asked[name]
		delete(asked, name)
		if err != nil {
			return nil
		}
		sum, err := reader.Sum(obj.Body)
		if err == nil {
			each(key, sum.Digest)
		}
		return err
	})
	if err == nil {
		err = bad
	}
	return err
}
