package transfer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/internal/retry"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer/internal/state"
)

// MessageOptions says how to bring an archive of messages up to date. Nil is all
// defaults.
type MessageOptions struct {
	Options
	DeleteAfter bool          // delete at the source what is safely in the archive; durability is then group or each
	KeepFor     time.Duration // with DeleteAfter: not before it has been safe for so long
	SkipSize    int64         // messages of more bytes are left where they are, without a failure; 0: none are
	Delete      bool          // remove messages from the archive that the source no longer has
	MaxDelete   int           // remove nothing from the archive when it would be more; 0: no limit, but an empty source removes nothing; negative: no limit
	DryRun      bool          // write nothing at all, report the same
	State       string        // path of the file that remembers; empty: the target has a place of its own
	KeysAlone   bool          // know messages in the archive by their keys alone: what other programs have stored there is something else
}

// HoldsMessages reports whether SyncMessages is the way from one client to the
// other: the source identifies its messages by ids, the target is an archive.
func HoldsMessages(src, dst protocols.Client) bool {
	_, from := protocols.As[protocols.MessageSource](src)
	_, to := protocols.As[protocols.MessageTarget](dst)
	return from && to
}

// SyncMessages brings the archive dst up to date with the mailbox src: it fetches
// the messages that are new, in one pipelined stream, sets flags that have changed,
// and deletes as the options say. each is called for every message, by one
// goroutine at a time, and may be nil.
//
// A state file remembers the ids of what was stored. A message enters it only when
// it is safe in the archive under its key, and a run that was killed in between
// finds it there by that key: nothing is lost and nothing stored twice, whenever a
// run ends. Messages that the source no longer lists are forgotten, so that an id used again
// is a new message. If there is no state file, the messages that are in the archive under
// their keys are recognised, and by their content those that another program has stored, or
// that were restored: each stands for one message of the source. When the ids of a source become void (UIDVALIDITY), messages
// are fetched anew and copies are recognised by their content.
//
// With DeleteAfter a message is deleted at the source after it is safe, and counts
// as deleted only when the source has confirmed that for good.
//
// A failure that may pass is tried again from where it stopped. What fails for good
// for one message is reported, the rest goes on, and the error is of kind Partial. So is
// a message at which the connection is lost every time: after the retries it counts as
// failed.
func SyncMessages(ctx context.Context, src, dst Endpoint, o *MessageOptions, each func(Result)) (Summary, error) {
	if o == nil {
		o = &MessageOptions{}
	}
	s := &messageSync{o: o, from: conn{end: src}, to: conn{end: dst}, tell: each, protocol: protocolOf(src, dst), failed: map[state.Key]bool{}, alone: map[state.Key]int{}, singled: -1}
	defer s.from.drop()
	defer s.to.drop()
	err := s.run(ctx)
	return s.sum, protocols.Wrap(err, s.protocol, "sync", src.URL)
}

// messageSync is one run of SyncMessages.
type messageSync struct {
	absent   absentees // not found when they were asked for
	found    restored  // what the archive had already
	o        *MessageOptions
	from, to conn
	protocol string
	tell     func(Result)
	sum      Summary
	state    *state.Messages
	archive  protocols.Archive
	mailbox  *protocols.Mailbox
	plan     *messagePlan
	task     Task
	moved    int64 // bytes, of all attempts
	stored   int   // messages, of all attempts
	marked   bool  // the state says that a run has begun
	reported bool  // skipped messages were reported

	asks    int               // messages that were asked for
	alone   map[state.Key]int // messages that may be to blame for failures, and how many each has caused
	stuck   stuck             // what an attempt failed at
	head    []byte            // room for the first bytes of the message that is coming
	singled int               // messages stored when some were last singled out

	lock   sync.Mutex // of what the archive and the source tell from their own goroutines
	failed map[state.Key]bool
}

func (s *messageSync) run(ctx context.Context) error {
	defer s.close()
	before := 0
	p := s.o.policy()
	p.Again = func(err error) bool { return retry.MayPass(err) && protocols.KindOf(err) != protocols.KindLocal }
	p.Advanced = func() bool {
		now := s.stored + s.found.read()
		further := now > before
		before = now
		return further
	}
	err := p.Do(ctx, func() error {
		for {
			s.stuck = stuck{}
			err := s.attempt(ctx)
			if err == nil {
				return nil
			}
			s.from.drop()
			if ctx.Err() != nil || !p.Again(err) && protocols.KindOf(err) != protocols.KindProtocol || !s.blame(err) {
				return err
			}
		}
	})
	switch {
	case err == nil:
		return s.verdict()
	case ctx.Err() != nil:
		return stopped(ctx)
	}
	return err
}

// close frees what the run had. Errors of the state have been reported before.
func (s *messageSync) close() {
	if s.archive != nil {
		s.archive.Close()
	}
	if s.state != nil {
		_ = s.state.Close()
	}
	if s.task != nil {
		s.task.Done(nil)
	}
	s.plan.close()
	s.found.finder.Close()
}

func (s *messageSync) verdict() error {
	if s.sum.Failed == 0 {
		return nil
	}
	all := s.sum.Failed + s.sum.Done + s.sum.Skipped
	return &protocols.Error{Kind: protocols.KindPartial, Text: fmt.Sprintf("%d of %d messages failed", s.sum.Failed, all)}
}

// attempt does all there is to do on one connection. Results are reported once, also
// when an attempt has to be made again.
func (s *messageSync) attempt(ctx context.Context) error {
	c, err := s.from.get()
	if err != nil {
		return err
	}
	source, ok := protocols.As[protocols.MessageSource](c)
	if !ok {
		return protocols.Unsupported(s.protocol, "sync", "the source does not identify its messages by ids")
	}
	if s.mailbox, err = source.OpenMailbox(ctx, s.from.end.Name); err != nil {
		return err
	}
	if err := s.openArchive(ctx); err != nil {
		return err
	}
	if a, ok := s.archive.(protocols.Emptied); ok && s.plan == nil && a.Emptied() {
		s.state.ForgetAll()
	}
	s.found.undo(s)
	plan, err := s.makePlan(ctx)
	s.plan.close()
	if s.plan = plan; err != nil {
		return err
	}
	if !s.reported {
		s.reported = true
		s.tellSkipped()
	}
	if err := s.found.adopt(ctx, s, source); err != nil {
		return err
	}
	if s.o.DryRun {
		return s.pretend()
	}
	if err := s.fetch(ctx, source); err != nil {
		return err
	}
	if err := s.tidy(ctx); err != nil {
		return err
	}
	if err := s.deleteAtSource(ctx, c); err != nil {
		return err
	}
	return s.finish()
}

// openArchive opens target and state, once in a run.
func (s *messageSync) openArchive(ctx context.Context) error {
	if s.archive != nil {
		return nil
	}
	c, err := s.to.get()
	if err != nil {
		return err
	}
	target, ok := protocols.As[protocols.MessageTarget](c)
	if !ok {
		return protocols.Unsupported(s.protocol, "sync", "the destination cannot hold an archive of messages")
	}
	path := s.o.State
	if keeper, ok := protocols.As[protocols.StateKeeper](c); ok && path == "" {
		if path, err = keeper.StatePath(s.to.end.Name, sourceName(s.mailbox)); err != nil {
			return err
		}
	}
	if path == "" {
		return protocols.UsageError(s.protocol, "sync", "the destination has no place for the state of a sync: use --journal FILE")
	}
	o := &protocols.ArchiveOptions{
		Stored: s.safe, ReadOnly: s.o.DryRun, Each: s.o.Durability == DurabilityEach,
		NoSync: s.o.Durability == DurabilityNone && !s.o.DeleteAfter,
	}
	if s.o.DryRun {
		s.state, err = state.ReadMessages(ctx, path)
	} else {
		err = s.openState(ctx, path)
	}
	if err != nil {
		return err
	}
	if s.state != nil {
		o.Mark = strings.TrimPrefix(s.state.Value("open"), openMark)
	}
	if s.archive, err = target.OpenArchive(ctx, s.to.end.Name, o); err != nil || s.state != nil {
		return err
	}
	s.state, err = state.OpenMessages(ctx, path)
	return err
}

// openState opens a state that is there. Where there is none the archive comes
// first: it makes the folder that the state lies in.
func (s *messageSync) openState(ctx context.Context, path string) error {
	if _, err := os.Stat(path); err != nil || s.state != nil {
		return nil
	}
	var err error
	s.state, err = state.OpenMessages(ctx, path)
	return err
}

// openMark begins the value "open" of a state: the value of the archive's Mark follows.
const openMark = "at "

// messagePlan is what a listing leaves to be done.
type messagePlan struct {
	fetch   state.List
	flags   state.List
	doomed  state.List // safe here, to be deleted at the source
	skipped int
	met     int         // known and listed
	passed  int         // known and not listed, for nothing has changed
	changed int         // so many of flags have other flags than before
	gone    []state.Key // known, and no longer listed
	bytes   int64
	listed  int
	whole   bool                        // all there is was listed
	remade  bool                        // ids have become void
	asked   map[string]*state.Wanted    // for, by path, and not come yet
	asking  map[state.Key]bool          // the keys of those
	waiting map[state.Key]*state.Wanted // given to the archive, not safe yet
}

// newPlan makes a plan whose long lists lie beside the state; a dry run writes
// nothing there.
func (s *messageSync) newPlan() *messagePlan {
	dir := ""
	if !s.o.DryRun {
		dir = filepath.Dir(s.state.Path)
	}
	return &messagePlan{
		fetch: state.List{Dir: dir}, flags: state.List{Dir: dir}, doomed: state.List{Dir: dir},
		asked: map[string]*state.Wanted{}, asking: map[state.Key]bool{}, waiting: map[state.Key]*state.Wanted{},
	}
}

func (p *messagePlan) close() {
	if p != nil {
		p.fetch.Close()
		p.flags.Close()
		p.doomed.Close()
	}
}

// makePlan compares the listing with the state.
func (s *messageSync) makePlan(ctx context.Context) (*messagePlan, error) {
	p := s.newPlan()
	since := s.state.Value(state.Own("state", s.mailbox))
	before, known := s.state.Values["validity"]
	if known && before != s.mailbox.Validity {
		p.remade, since = true, ""
	}
	if s.o.DeleteAfter || s.o.Delete && s.mailbox.Grows {
		since = "" // what was stored earlier is to be deleted too
	}
	s.state.Unlist()
	for e, err := range s.mailbox.Changes(ctx, since) {
		if err == nil && e.ID == "" { // nobody could know it again
			s.fail(state.NewWanted(&e, state.KeyOf(s.mailbox, "\x00"+e.Name)), protocols.ProtocolError(s.protocol, "sync", "the server reports no unique id for the message"))
			continue
		}
		if err == nil {
			err = s.sort(p, &e)
		}
		if err != nil {
			p.close()
			return nil, err
		}
	}
	p.changed, p.whole = p.flags.N, s.mailbox.Complete
	switch {
	case s.state.Shared(s.mailbox): // others have listed the rest
	case p.whole:
		p.gone = s.state.Unlisted()
	default:
		p.passed = max(0, s.state.Known.N-p.met-len(p.gone))
	}
	return p, nil
}

// sort puts a listed message where it belongs.
func (s *messageSync) sort(p *messagePlan, e *protocols.Entry) error {
	key := state.KeyOf(s.mailbox, e.ID)
	known := s.state.Known.Get(key)
	if e.Type == protocols.TypeGone {
		if known != nil {
			p.gone = append(p.gone, key)
		}
		return nil
	}
	p.listed++
	w := state.NewWanted(e, key)
	if known == nil {
		p.bytes += max(e.Size, 0)
		return p.fetch.Add(w)
	}
	if known.Bits&state.Listed == 0 {
		p.met++
	}
	known.Bits |= state.Listed
	if w.Flags == s.state.FlagsOf(known) {
		p.skipped++
	} else if err := p.flags.Add(w); err != nil {
		return err
	}
	return s.doom(p, w)
}

func (s *messageSync) result(w *state.Wanted, status Status) Result {
	return Result{Protocol: s.protocol, Source: w.URL, Destination: s.to.end.URL, Name: w.Name, Status: status}
}

func (s *messageSync) emit(r Result) {
	s.sum.Add(r)
	if s.tell != nil {
		s.tell(r)
	}
}

func (s *messageSync) tellSkipped() {
	s.sum.Skipped += int64(s.plan.passed)
	for range s.plan.skipped {
		s.emit(Result{Protocol: s.protocol, Source: s.from.end.URL, Destination: s.to.end.URL, Name: s.from.end.Name, Status: StatusSkipped})
	}
}

// pretend reports what would be done.
func (s *messageSync) pretend() error {
	type told struct {
		list   *state.List
		result func(*state.Wanted) Result
	}
	all := []told{{&s.plan.fetch, s.fetched}, {&s.plan.flags, func(w *state.Wanted) Result { return s.result(w, StatusUpdated) }}}
	if s.o.DeleteAfter {
		all = append(all, told{&s.plan.doomed, s.deleted})
	}
	if s.o.DeleteAfter && s.o.KeepFor <= 0 {
		all = append(all, told{&s.plan.fetch, s.deleted})
	}
	for _, t := range all {
		for w, err := range t.list.All() {
			if err != nil {
				return err
			}
			if t.list == &s.plan.flags {
				if s.plan.changed--; s.plan.changed < 0 {
					break // the others were found in the archive
				}
			}
			s.emit(t.result(w))
		}
	}
	if s.o.Delete {
		for _, key := range s.plan.gone {
			s.emit(Result{Protocol: s.protocol, Destination: s.to.end.URL, Name: key.String(), Status: StatusDeleted})
		}
	}
	return s.verdict()
}

func (s *messageSync) fetched(w *state.Wanted) Result {
	r := s.result(w, StatusDone)
	r.Bytes = max(w.Size, 0)
	return r
}

func (s *messageSync) deleted(w *state.Wanted) Result {
	r := s.result(w, StatusDeleted)
	r.Note = "at the source"
	return r
}

// finish writes down that the run has come to its end.
func (s *messageSync) finish() error {
	s.state.Set("validity", s.mailbox.Validity)
	mark := s.mailbox.State
	if s.sum.Failed > 0 {
		mark = "" // what failed must be listed again
	}
	s.state.Set(state.Own("state", s.mailbox), mark)
	if s.mailbox.Scope != "" {
		s.state.Set(state.Own("source", s.mailbox), "yes")
	}
	s.state.Set("open", "")
	s.state.Set(adopting, "")
	return s.state.Sync(s.o.Durability)
}

// save writes down what is known, unless nothing is to be written.
func (s *messageSync) save() error {
	if s.o.DryRun {
		return nil
	}
	return s.state.Sync(s.o.Durability)
}

// unsynced makes sure that what earlier runs stored without forcing it is on the
// disk before it is deleted elsewhere.
func (s *messageSync) unsynced() {
	if s.state.Value("unsynced") != "" {
		syncDisks()
		s.state.Set("unsynced", "")
	}
}

// sourceName distinguishes sources in the names of state files.
func sourceName(m *protocols.Mailbox) string {
	return state.HashKey(state.ScopeOf(m), m.Name).String()[:16]
}
