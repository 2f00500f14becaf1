package imapstore

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// A server may still be at work on what was sent over a connection that is gone: what is
// not there yet is looked for again, for so long.
const (
	lateBy        = 5 * time.Second
	identifyPause = 250 * time.Millisecond
	identifyStep  = 5000 // messages of one command
)

// identify learns the UIDs of the messages that were sent and are not known to be
// there: because the server does not report them, or because a run was cut off.
// Size and content identify a message; what is not there is forgotten. It may come later,
// by so much as late says, and even after that: see [Archive.tidy].
func (a *Archive) identify(ctx context.Context, s *session.Session, late time.Duration) error {
	open := a.led.open()
	if late > 0 {
		late = cmp.Or(a.store.Late, late)
	}
	for until := time.Now().Add(late); len(open) > 0; {
		err := a.find(ctx, s, open, func(k messageKey, uid uint32) {
			a.led.stored(k, uid)
			delete(open, k)
		})
		if err != nil {
			return err
		}
		if len(open) == 0 || time.Now().After(until) {
			break
		}
		if err := retry.Sleep(ctx, identifyPause); err != nil {
			return err
		}
	}
	for k, is := range open {
		if late > 0 {
			a.doubtful[k] = is
		}
		a.led.forget(k)
	}
	return nil
}

// tidy looks again for messages of a connection that is gone which had not come when it
// was time to store them again. Now they may be there twice: the late one goes. One that
// was not stored again is kept.
func (a *Archive) tidy(ctx context.Context, s *session.Session) error {
	if len(a.doubtful) == 0 {
		return nil
	}
	var twice []uint32
	err := a.find(ctx, s, a.doubtful, func(k messageKey, uid uint32) {
		if a.led.known[k].uid != 0 {
			twice = append(twice, uid)
		} else {
			a.led.begins(k, a.doubtful[k].size, a.doubtful[k].sum)
			a.led.stored(k, uid)
		}
		delete(a.doubtful, k)
	})
	if err != nil || len(twice) == 0 {
		return err
	}
	slices.Sort(twice)
	err = a.remove(s, twice)
	if imapwire.Refused(err) {
		return nil // who may only add messages cannot take one away
	}
	return err
}

// find looks for the messages of open among those that have no key.
func (a *Archive) find(ctx context.Context, s *session.Session, open map[messageKey]kept, found func(k messageKey, uid uint32)) error {
	box, err := s.Refresh(a.n)
	if err != nil {
		return err
	}
	sizes, sums := map[int64]bool{}, map[digest][]messageKey{}
	for k, is := range open {
		sizes[is.size] = true
		sums[is.sum] = append(sums[is.sum], k)
	}
	uids, err := a.candidates(ctx, box, sizes)
	for part := range slices.Chunk(uids, identifyStep) {
		if err == nil {
			err = digests(box, imapwire.UIDSet(part), func(uid uint32, sum digest) {
				if keys := sums[sum]; len(keys) > 0 {
					sums[sum] = keys[1:]
					found(keys[0], uid)
				}
			})
		}
	}
	return err
}

// candidates returns the UIDs of the messages of those sizes that have no key.
func (a *Archive) candidates(ctx context.Context, box *session.Mailbox, sizes map[int64]bool) (uids []uint32, err error) {
	taken := a.led.byUID()
	set := strconv.FormatUint(uint64(max(a.led.from, 1)), 10) + ":*"
	err = box.Fetch(ctx, "UID FETCH", imapwire.OneSet(set), "(UID RFC822.SIZE)", func(m *imapwire.Message) error {
		if _, has := taken[m.UID]; !has && sizes[m.Size] && m.UID != 0 {
			uids = append(uids, m.UID)
		}
		return nil
	})
	slices.Sort(uids)
	return slices.Compact(uids), err
}

// digests reads messages and returns the digest of each.
func digests(box *session.Mailbox, set string, each func(uid uint32, sum digest)) error {
	st, err := box.FetchContent(set, session.BodyItem("", "", false), func(c *session.Content, m *imapwire.Message) error {
		sum := newDigest()
		if _, err := io.Copy(sum, c.Message()); err != nil {
			return err
		}
		each(m.UID, digestOf(sum))
		return nil
	})
	if err != nil {
		return err
	}
	return st.Err()
}

// look drops from the ledger what no longer exists, once for each connection.
func (a *Archive) look(s *session.Session) error {
	if a.looked {
		return nil
	}
	box, err := s.Refresh(a.n)
	if err != nil {
		return err
	}
	all, err := box.SearchSet("ALL")
	if err != nil {
		return err
	}
	there := all.Sorted()
	for uid, key := range a.led.byUID() {
		if !there.Has(uid) {
			a.led.forget(key)
		}
	}
	a.looked = true
	return nil
}
