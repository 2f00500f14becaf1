package transfer

import (
	"maps"
	"slices"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols/transfer/internal/state"
)

// stuck says what an attempt of a sync failed at.
type stuck struct {
	at      *state.Wanted // the message that was being read, or that the archive named
	archive bool          // it was the archive that failed
	began   bool          // messages were asked for
}

// blame judges a failure that one message may have caused: the server ends the
// connection at it, every time. It reports whether to go on at once: with the suspects
// singled out, so that the next failure shows which it is, or without the one that has
// failed as often as a message may.
func (s *messageSync) blame(err error) bool {
	if s.found.finder.Blame(s.o.retries()) {
		return true
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	list := s.suspects()
	if len(list) == 1 {
		if failures, known := s.alone[list[0].Key]; known {
			s.alone[list[0].Key]++
			if failures < s.o.retries() && retry.MayPass(err) {
				return false
			}
			s.failNow(list[0], err)
			return true
		}
	}
	fresh := false
	for _, w := range list {
		if _, known := s.alone[w.Key]; !known && !s.failed[w.Key] {
			s.alone[w.Key], fresh = 0, true
		}
	}
	further := s.stored > s.singled
	s.singled = s.stored
	return fresh && further
}

// suspects returns the messages that may have caused a failure: the one that was being
// read, those that the archive has not confirmed, or the first that did not come.
func (s *messageSync) suspects() []*state.Wanted {
	switch {
	case !s.stuck.began:
		return nil
	case s.stuck.at != nil:
		return []*state.Wanted{s.stuck.at}
	case s.stuck.archive:
		return slices.Collect(maps.Values(s.plan.waiting))
	}
	list := slices.SortedFunc(maps.Values(s.plan.asked), func(a, b *state.Wanted) int { return a.Turn - b.Turn })
	return list[:min(len(list), 1)]
}
