package twoway

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"io"

	"github.com/netclients/netclients/protocols"
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
	there := map[digest][]state.Key{}
	err := r.sides[0].digests(ctx, func(key state.Key, d digest) { there[d] = append(there[d], key) })
	if err != nil {
		return err
	}
	return r.sides[1].digests(ctx, func(key state.Key, d digest) {
		if keys := there[d]; len(keys) > 0 && r.join(0, keys[0], key) {
			there[d] = keys[1:]
		}
	})
}

// digest identifies the content of a message, whatever its line ends are.
type digest [sha256.Size]byte

// digests reads the messages that are of no pair. One that cannot be read has no digest: it
// fails when it is copied.
func (s *side) digests(ctx context.Context, each func(key state.Key, d digest)) error {
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
		d, err := digestOf(obj.Body)
		if err == nil {
			each(key, d)
		}
		return err
	})
	if err == nil {
		err = bad
	}
	return err
}

// syncField is a header field that mbsync adds to the messages it copies.
var syncField = []byte("X-TUID:")

// digestOf reads a message. Line ends count as one thing, and the field of another program
// for syncs as nothing.
func digestOf(body io.Reader) (d digest, err error) {
	h := sha256.New()
	in := bufio.NewReaderSize(body, 64<<10)
	header, start := true, true
	for {
		part, err := in.ReadSlice('\n')
		ended := bytes.HasSuffix(part, []byte{'\n'})
		text := part
		if ended {
			text = bytes.TrimSuffix(part[:len(part)-1], []byte{'\r'})
		}
		header = header && !(start && ended && len(text) == 0)
		if !header || !start || !bytes.HasPrefix(text, syncField) {
			h.Write(text)
			if ended {
				h.Write([]byte{'\n'})
			}
		}
		start = ended
		if err == io.EOF {
			h.Sum(d[:0])
			return d, nil
		}
		if err != nil && err != bufio.ErrBufferFull {
			return d, err
		}
	}
}
