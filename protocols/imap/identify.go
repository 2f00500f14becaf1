package imap

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// A server may still be at work on what a run has sent that was killed: what is not
// there yet is looked for again, for so long.
const (
	lateBy        = 5 * time.Second
	identifyPause = 250 * time.Millisecond
)

// identify learns the UIDs of the messages that were sent and are not known to be
// there: from a server that does not tell them, or by a run that was cut off. Size
// and content tell a message; what is not there is forgotten. With late set it may
// come a little later.
func (a *archive) identify(ctx context.Context, s *session, late bool) error {
	open := a.led.open()
	for until := time.Now().Add(cmp.Or(a.c.late, lateBy)); len(open) > 0; {
		if err := s.refresh(a.n); err != nil {
			return err
		}
		if err := a.match(ctx, s, open); err != nil {
			return err
		}
		open = slices.DeleteFunc(open, func(k messageKey) bool { return a.led.known[k].uid != 0 })
		if !late || len(open) == 0 || time.Now().After(until) {
			break
		}
		if err := pause(ctx, identifyPause); err != nil {
			return err
		}
	}
	for _, k := range open {
		a.led.forget(k)
	}
	return nil
}

// match compares the messages that nobody has a key for with those in open.
func (a *archive) match(ctx context.Context, s *session, open []messageKey) error {
	sizes, sums := map[int64]bool{}, map[digest][]messageKey{}
	for _, k := range open {
		is := a.led.known[k]
		sizes[is.size] = true
		sums[is.sum] = append(sums[is.sum], k)
	}
	uids, err := a.candidates(ctx, s, sizes)
	for part := range slices.Chunk(uids, bulkStep) {
		if err == nil {
			err = s.digests(imapwire.UIDSet(part), func(uid uint32, sum digest) {
				if keys := sums[sum]; len(keys) > 0 {
					a.led.stored(keys[0], uid)
					sums[sum] = keys[1:]
				}
			})
		}
	}
	return err
}

// candidates returns the UIDs of the messages of those sizes that have no key.
func (a *archive) candidates(ctx context.Context, s *session, sizes map[int64]bool) (uids []uint32, err error) {
	taken := a.led.byUID()
	set := strconv.FormatUint(uint64(max(a.led.from, 1)), 10) + ":*"
	err = s.fetchSets(ctx, "UID FETCH", []string{set}, "(UID RFC822.SIZE)", func(r *imapwire.Response) error {
		m, err := imapwire.ParseFetch(r, s.c.limits)
		if err != nil {
			return s.fail(err)
		}
		if _, has := taken[m.UID]; !has && sizes[m.Size] && m.UID != 0 {
			uids = append(uids, m.UID)
		}
		return nil
	})
	slices.Sort(uids)
	return slices.Compact(uids), err
}

// digests reads messages and returns the digest of each.
func (s *session) digests(set string, each func(uid uint32, sum digest)) error {
	tag, no, err := s.send("UID FETCH", set, "(UID BODY.PEEK[])")
	if err == nil && no != nil {
		err = no.Err()
	}
	if err != nil {
		return err
	}
	st, err := s.wait(tag, true, func(r *imapwire.Response) error {
		if r.Name != "FETCH" {
			return nil
		}
		m, err := imapwire.ParseFetch(r, s.c.limits)
		if err != nil {
			return s.fail(err)
		}
		b := &body{s: s}
		m, ok, err := b.take(r, m)
		if err != nil || !ok {
			return err
		}
		sum := newDigest()
		if _, err := io.Copy(sum, b.source()); err != nil {
			return s.fail(err)
		}
		each(m.UID, digestOf(sum))
		return nil
	})
	if err != nil {
		return err
	}
	return st.Err()
}

// look drops from the ledger what is there no more, once for each connection.
func (a *archive) look(s *session) error {
	if a.looked {
		return nil
	}
	if err := s.refresh(a.n); err != nil {
		return err
	}
	set, err := s.searchSet("ALL")
	if err != nil {
		return err
	}
	there := imapwire.SortedRanges(set)
	for uid, key := range a.led.byUID() {
		if !there.Has(uid) {
			a.led.forget(key)
		}
	}
	a.looked = true
	return nil
}
