package transfer

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer/internal/state"
)

// fetch gets what is new. Messages that are too large are not asked for. Those that may
// be to blame for an earlier failure come last, each alone.
func (s *messageSync) fetch(ctx context.Context, source protocols.MessageSource) error {
	if err := s.begin(); err != nil || s.plan.fetch.N == 0 {
		return err
	}
	some, err := s.stream(ctx, source, func(w *state.Wanted) bool { _, alone := s.alone[w.Key]; return !alone })
	if err != nil || some == s.plan.fetch.N {
		return err
	}
	for w, err := range s.plan.fetch.All() {
		if _, alone := s.alone[w.Key]; err == nil && alone {
			_, err = s.stream(ctx, source, func(other *state.Wanted) bool { return other.Key == w.Key })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stream gets those of the new messages that are meant, in one stream, and returns how
// many these are. What failed for good in this run is not asked for again.
func (s *messageSync) stream(ctx context.Context, source protocols.MessageSource, meant func(*state.Wanted) bool) (n int, err error) {
	s.stuck.began = true
	var bad error // of the list
	err = source.BulkGet(ctx, func(yield func(string) bool) {
		for w, err := range s.plan.fetch.All() {
			if bad = err; err != nil {
				return
			}
			if !meant(w) {
				continue
			}
			if n++; s.ask(w) && !yield(w.Path) {
				return
			}
		}
	}, func(name string, obj *protocols.Object, err error) error {
		w := s.came(name)
		if w == nil {
			s.stuck.began = false // no message is to blame
			return protocols.ProtocolError(s.protocol, "sync", "the source sent a message that was not requested: "+name)
		}
		return s.one(ctx, w, obj, err)
	})
	err = cmp.Or(err, bad)
	// What came before a failure is whole: it need not come again.
	if ferr := s.archive.Flush(ctx); err == nil && ferr != nil {
		err, s.stuck.archive = ferr, true
	}
	err = cmp.Or(err, s.state.Sync(s.o.Durability))
	if err == nil {
		s.stuck.began = false
		err = confirm(ctx, s, source)
	}
	if err == nil {
		err = s.unanswered()
	}
	return n, err
}

// unanswered is the error for messages that the source or the archive has said nothing
// about: they are neither stored nor refused, and no state may say that all is done.
func (s *messageSync) unanswered() error {
	s.lock.Lock()
	defer s.lock.Unlock()
	if n := len(s.plan.asked); n > 0 {
		return &protocols.Error{Kind: protocols.KindProtocol, Retryable: true, Text: fmt.Sprintf("the source did not answer for %d requested messages", n)}
	}
	if n := len(s.plan.waiting); n > 0 {
		return &protocols.Error{Kind: protocols.KindInternal, Text: fmt.Sprintf("the archive did not confirm %d messages", n)}
	}
	return nil
}

// begin notes that messages will be added, so that a later run looks for them if
// this one is killed.
func (s *messageSync) begin() error {
	if s.plan.fetch.N == 0 || s.marked {
		return nil
	}
	s.marked = true
	s.state.Set("open", openMark+s.archive.Mark())
	if s.o.Durability == DurabilityNone && !s.o.DeleteAfter {
		s.state.Set("unsynced", "yes")
	}
	if s.o.Progress != nil {
		s.task = s.o.Progress.Start(s.from.end.URL, s.plan.bytes)
	}
	return s.state.Sync(s.o.Durability)
}

// ask notes that a message is asked for, unless it is too large.
func (s *messageSync) ask(w *state.Wanted) bool {
	if s.o.MaxSize > 0 && w.Size > s.o.MaxSize {
		s.fail(w, protocols.ProtocolError(s.protocol, "sync", fmt.Sprintf("the message has %d bytes, more than --max-size allows", w.Size)))
		return false
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.failed[w.Key] || s.again(w) {
		return false
	}
	if s.o.SkipSize > 0 && w.Size > s.o.SkipSize {
		s.failed[w.Key] = true // not asked for in a further attempt
		r := s.result(w, StatusSkipped)
		r.Note = fmt.Sprintf("%d bytes, more than are to be fetched", w.Size)
		s.emit(r)
		return false
	}
	s.asks++
	w.Turn = s.asks
	s.plan.asked[w.Path], s.plan.asking[w.Key] = w, true
	return true
}

// again reports whether a message was listed before in this run, as some servers do: by
// the same name, or the same article by a second number. It is under way, or stored.
func (s *messageSync) again(w *state.Wanted) bool {
	return s.plan.asking[w.Key] || s.plan.waiting[w.Key] != nil || s.state.Known.Get(w.Key) != nil
}

// came returns the message of a name that was asked for. Sources tell of them in
// about the order of asking; of those that are not there some tell last.
func (s *messageSync) came(name string) *state.Wanted {
	s.lock.Lock()
	defer s.lock.Unlock()
	w := s.plan.asked[name]
	if w != nil {
		delete(s.plan.asked, name)
		delete(s.plan.asking, w.Key)
	}
	return w
}

// one stores one message. Its error is that of the connection or the archive.
func (s *messageSync) one(ctx context.Context, w *state.Wanted, obj *protocols.Object, err error) error {
	if err != nil {
		if retry.MayPass(err) {
			s.stuck.at = w
			return err
		}
		if s.mailbox.Validity == "" || !s.absent.hold(w, err) { // only where others may delete messages at any time
			s.fail(w, err)
		}
		return nil
	}
	s.lock.Lock()
	s.plan.waiting[w.Key] = w
	s.lock.Unlock()
	size, listed := w.Size, int64(-1)
	if obj.Size >= 0 { // as it came, not as it was listed
		size, listed = obj.Size, w.Size
	}
	w.Head = s.head
	body := &measured{r: obj.Body, size: size, listed: listed, head: &w.Head}
	body.doubt = func() { s.doubt(w, body) }
	err = s.archive.Add(ctx, w.Key.String(), w.Entry(), body)
	s.head = w.KeepTitle()
	if body.failed {
		s.stuck.at = w
	}
	if body.short == nil {
		s.stuck.archive = err != nil && !body.failed
		return err
	}
	s.lock.Lock()
	delete(s.plan.waiting, w.Key)
	s.lock.Unlock()
	s.fail(w, protocols.Wrap(body.short, s.protocol, "sync", obj.URL))
	return nil
}

func (s *messageSync) fail(w *state.Wanted, err error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.failNow(w, err)
}

// ofOneMessage reports whether an archive has refused a message for what it is: others
// may be stored all the same. A missing mailbox, missing rights and a full quota are
// refusals of all.
func ofOneMessage(err error) bool {
	e, ok := errors.AsType[*protocols.Error](err)
	return ok && e.Kind == protocols.KindRefused && e.Enhanced != "OVERQUOTA" &&
		!errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission)
}

// failNow is fail under the lock.
func (s *messageSync) failNow(w *state.Wanted, err error) {
	if s.failed[w.Key] {
		return // reported by an earlier attempt
	}
	s.failed[w.Key] = true
	r := s.result(w, StatusFailed)
	r.Err = err
	r.Subject, r.MessageID = w.Title()
	s.emit(r)
}

// safe is called by the archive for each message that is safe, or that failed.
func (s *messageSync) safe(key string, bytes int64, err error) error {
	k, _ := state.ParseKey(key)
	s.lock.Lock()
	defer s.lock.Unlock()
	w := s.plan.waiting[k]
	delete(s.plan.waiting, k)
	if w == nil {
		return protocols.ProtocolError(s.protocol, "sync", "the archive confirmed a message it was not given")
	}
	if err != nil && ofOneMessage(err) {
		s.failNow(w, err)
		return nil
	}
	if err != nil {
		s.stuck.at = w
		return err // the disk is full or broken: nothing else will do better
	}
	s.state.Add(k, w.Flags)
	if s.failed[k] { // refused in an earlier attempt, as by a server that was about to hang up
		delete(s.failed, k)
		s.sum.Failed--
	}
	if err := s.doom(s.plan, w); err != nil {
		return err
	}
	s.stored++
	s.moved += bytes
	if s.task != nil {
		s.task.Set(s.moved)
	}
	r := s.result(w, StatusDone)
	r.Bytes = bytes
	s.emit(r)
	return nil
}

// tidy brings flags up to date, and removes from the archive what is gone.
func (s *messageSync) tidy(ctx context.Context) error {
	if err := s.reflag(ctx); err != nil {
		return err
	}
	if s.plan.remade {
		if err := s.dropCopies(ctx); err != nil {
			return err
		}
	}
	if s.o.Delete && !s.plan.remade {
		if err := s.deleteHere(ctx); err != nil {
			return err
		}
	}
	for _, key := range s.plan.gone {
		s.forget(key)
	}
	return s.state.Sync(s.o.Durability)
}

// reflag brings flags up to date; the state says so when the archive has them.
func (s *messageSync) reflag(ctx context.Context) error {
	if s.plan.flags.N == 0 {
		return s.found.apply(ctx, s)
	}
	for w, err := range s.plan.flags.All() {
		if err != nil {
			return err
		}
		if copy, ok := s.state.AdoptedAs(w.Key); ok {
			s.found.changes.SetFlags(s.state, copy, w.Flags)
		} else if err := s.archive.SetFlags(ctx, w.Key.String(), w.Entry().Flags); err != nil {
			return err
		}
	}
	if err := s.archive.Flush(ctx); err != nil {
		return err
	}
	if err := s.found.apply(ctx, s); err != nil {
		return err
	}
	for w, err := range s.plan.flags.All() {
		if err != nil {
			return err
		}
		s.state.Add(w.Key, w.Flags)
		if s.plan.changed--; s.plan.changed >= 0 { // the others were found in the archive
			s.emit(s.result(w, StatusUpdated))
		}
	}
	return nil
}

// deleteHere removes messages from the archive that the source no longer has.
func (s *messageSync) deleteHere(ctx context.Context) error {
	gone := s.plan.gone
	if len(gone) == 0 {
		return nil
	}
	if max := s.o.MaxDelete; max > 0 && len(gone) > max || max == 0 && s.plan.whole && s.plan.listed == 0 {
		return &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrIncomplete, Text: fmt.Sprintf("%d messages would be removed from the archive", len(gone)),
			Hint: "--max-delete says how many may be"}
	}
	keys := make([]string, 0, len(gone))
	for _, k := range gone {
		keys = append(keys, k.String())
	}
	if err := s.archive.Delete(ctx, keys); err != nil {
		return err
	}
	for _, k := range gone {
		if copy, ok := s.state.AdoptedAs(k); ok {
			s.found.changes.Delete(copy)
		}
	}
	if err := s.found.apply(ctx, s); err != nil {
		return err
	}
	for _, k := range keys {
		s.emit(Result{Protocol: s.protocol, Destination: s.to.end.URL, Name: k, Status: StatusDeleted})
	}
	return nil
}

// deleteAtSource deletes what is safe in the archive.
func (s *messageSync) deleteAtSource(ctx context.Context, c protocols.Client) error {
	doomed := &s.plan.doomed
	if !s.o.DeleteAfter || doomed.N == 0 {
		return nil
	}
	s.unsynced()
	if err := s.state.Sync(DurabilityGroup); err != nil {
		return err
	}
	var bad error // of the list
	next, refused := 0, map[int]error{}
	err := protocols.BulkRemove(ctx, c, func(yield func(string) bool) {
		for w, err := range doomed.All() {
			if bad = err; err != nil || !yield(w.Path) {
				return
			}
		}
	}, func(_ string, err error) error {
		if err != nil {
			refused[next] = err
		}
		next++
		return nil
	})
	if err = cmp.Or(err, bad); err != nil {
		return err
	}
	next = 0
	for w, err := range doomed.All() {
		if err != nil {
			return err
		}
		if no := refused[next]; no != nil {
			s.fail(w, no)
		} else {
			s.forget(w.Key)
			s.emit(s.deleted(w))
		}
		next++
	}
	return nil
}

// dropCopies removes from the archive what it held before the ids became void, and
// holds again under new ones: of each content as many as have come anew. What did
// not come again stays.
func (s *messageSync) dropCopies(ctx context.Context) error {
	fresh := map[[sha256.Size]byte]int{}
	var old []protocols.Entry
	for e, err := range s.archive.Keys(ctx) {
		if err != nil {
			return err
		}
		key, ok := state.ParseKey(e.ID)
		if known := s.state.Known.Get(key); !ok || known == nil || known.Bits&state.Listed == 0 {
			old = append(old, e)
			continue
		}
		sum, err := s.digest(ctx, e.Path)
		if err != nil {
			return err
		}
		fresh[sum]++
	}
	var copies []string
	for _, e := range old {
		key, _ := state.ParseKey(e.ID)
		if s.state.Known.Get(key) == nil {
			continue // of another source
		}
		sum, err := s.digest(ctx, e.Path)
		if err != nil {
			return err
		}
		if fresh[sum] > 0 {
			fresh[sum]--
			copies = append(copies, e.ID)
		}
	}
	return s.archive.Delete(ctx, copies)
}

// digest returns the hash of a message in the archive.
func (s *messageSync) digest(ctx context.Context, path string) (sum [sha256.Size]byte, err error) {
	c, err := s.to.get()
	if err != nil {
		return sum, err
	}
	obj, err := protocols.Get(ctx, c, path, nil)
	if err != nil {
		return sum, err
	}
	defer obj.Body.Close()
	h := sha256.New()
	if _, err := io.Copy(h, obj.Body); err != nil {
		return sum, err
	}
	copy(sum[:], h.Sum(nil))
	return sum, nil
}
