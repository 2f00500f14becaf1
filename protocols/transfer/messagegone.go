package transfer

import (
	"context"
	"errors"
	"io/fs"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer/internal/state"
)

// absent is a message that was listed and could not be found when it was asked for.
type absent struct {
	w   *state.Wanted
	err error
}

// maxAbsent is how many of them are held until the stream has ended; the others fail.
const maxAbsent = 10_000

// absentees are those of one stream.
type absentees []absent

// hold keeps a message whose absence confirm looks into. It reports whether it did.
func (a *absentees) hold(w *state.Wanted, err error) bool {
	if !errors.Is(err, fs.ErrNotExist) || len(*a) >= maxAbsent {
		return false
	}
	*a = append(*a, absent{w, err})
	return true
}

// confirm asks again for the messages that were not found. Those that the source does not
// know any more were deleted by others, which is not a failure. A message that it does
// know has failed: it may come in the next run.
func confirm(ctx context.Context, s *messageSync, source protocols.MessageSource) error {
	list := s.absent
	s.absent = nil
	for _, a := range list {
		statter, ok := source.(protocols.Statter)
		if !ok {
			s.fail(a.w, a.err)
			continue
		}
		_, err := statter.Stat(ctx, a.w.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			s.lock.Lock()
			s.failed[a.w.Key] = true // not asked for in a further attempt
			r := s.result(a.w, StatusSkipped)
			r.Note = "deleted at the source meanwhile"
			s.emit(r)
			s.lock.Unlock()
		case err != nil && protocols.KindOf(err) != protocols.KindRefused:
			return err
		default:
			s.fail(a.w, a.err)
		}
	}
	return nil
}
