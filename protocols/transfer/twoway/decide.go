package twoway

import (
	"cmp"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer"
	"github.com/netclients/netclients/protocols/transfer/internal/state"
)

// decide finds out what is to be done on both sides.
func (r *run) decide() error {
	for i, s := range r.sides {
		for _, url := range s.unnamed {
			r.emit(transfer.Result{Protocol: s.end.Protocol, Source: url, Status: transfer.StatusFailed,
				Err: protocols.ProtocolError(s.end.Protocol, "sync", "the server reports no unique id for the message")})
		}
		for w, err := range s.all.All() {
			if err == nil {
				err = r.place(i, w)
			}
			if err != nil {
				return err
			}
		}
	}
	for pair := range r.pairs.All() {
		if pair.Seen == [2]bool{} && r.sides[0].complete && r.sides[1].complete {
			r.pairs.Forget(pair)
		}
	}
	return nil
}

// place puts a message of side i where it belongs.
func (r *run) place(i int, w *state.Wanted) error {
	s, other := r.sides[i], r.sides[1-i]
	pair := r.pairs.At(i, w.Key)
	switch {
	case pair == nil:
		return s.fresh.Add(w)
	case pair.Seen[1-i]:
		return r.placeBoth(i, w, pair)
	case !other.complete:
		return nil // nobody knows whether it was deleted there
	case !r.o.DeletionWins && r.changed(i, pair):
		r.pairs.Forget(pair)
		return s.fresh.Add(w)
	}
	return s.doomed.Add(w)
}

// placeBoth sees to the flags of a message that both sides have.
func (r *run) placeBoth(i int, w *state.Wanted, pair *state.Pair) error {
	m := r.merge(pair)
	pair.Next = m.flags
	if i == 0 && m.none() {
		r.emit(r.result(r.sides[1], w, transfer.StatusSkipped, nil))
	}
	change := m.changes[i]
	if len(change.Add)+len(change.Remove) == 0 {
		return nil
	}
	return r.sides[i].job(change).list.Add(w)
}

// job returns the job for a change.
func (s *side) job(change protocols.FlagChange) *flagJob {
	name := strings.Join(change.Add, " ") + "-" + strings.Join(change.Remove, " ")
	job := s.flags[name]
	if job == nil {
		job = &flagJob{change: change, list: state.List{Dir: s.all.Dir}}
		s.flags[name] = job
	}
	return job
}

// merging is what flags are merged from, and merger what comes of it: few of them are of
// many messages.
type (
	merging [3]uint32
	merger  struct {
		flags   uint32
		changes [2]protocols.FlagChange
	}
)

func (m *merger) none() bool {
	return len(m.changes[0].Add)+len(m.changes[0].Remove)+len(m.changes[1].Add)+len(m.changes[1].Remove) == 0
}

// merge returns what the flags of a pair become, and what that changes on each side.
func (r *run) merge(pair *state.Pair) *merger {
	of := merging{pair.Base, pair.Now[0], pair.Now[1]}
	m := r.merged[of]
	if m == nil {
		m = r.mergeTexts(r.pairs.Text(of[0]), [2]string{r.pairs.Text(of[1]), r.pairs.Text(of[2])})
		r.merged[of] = m
	}
	return m
}

func (r *run) mergeTexts(base string, now [2]string) *merger {
	m := &merger{}
	was, is := flagsOf(base), [2]flagSet{flagsOf(now[0]), flagsOf(now[1])}
	var flags []string
	for name, flag := range union(was, is[0], is[1]) {
		has := r.mergeFlag(name, flag, base == state.Unmerged, was, is)
		if has {
			flags = append(flags, flag)
		}
		for i, s := range r.sides {
			_, there := is[i][name]
			switch {
			case !s.keeps(flag) || has == there:
			case has:
				m.changes[i].Add = append(m.changes[i].Add, flag)
			default:
				m.changes[i].Remove = append(m.changes[i].Remove, flag)
			}
		}
	}
	slices.Sort(flags)
	m.flags = r.pairs.Number(strings.Join(flags, " "))
	for i := range m.changes {
		slices.Sort(m.changes[i].Add)
		slices.Sort(m.changes[i].Remove)
	}
	return m
}

// mergeFlag reports whether a message is to have a flag. A side that does not keep it has
// no say. Sides that were never brought together keep what either has, but for the mark
// of messages that are to be removed.
func (r *run) mergeFlag(name, flag string, unmerged bool, was flagSet, is [2]flagSet) bool {
	_, before := was[name]
	var says []bool
	for i, s := range r.sides {
		if _, there := is[i][name]; s.keeps(flag) {
			says = append(says, there)
		}
	}
	switch {
	case len(says) == 0:
		return before
	case unmerged && name == `\deleted`:
		return !slices.Contains(says, false)
	case unmerged:
		return slices.Contains(says, true)
	}
	return slices.Contains(says, !before) != before // whoever changed it has its way
}

// changed reports whether the flags of side i are not those that both sides had. The mark
// of messages that are to be removed is not such a change: a run that was killed while it
// deleted may have set it.
func (r *run) changed(i int, pair *state.Pair) bool {
	base := r.pairs.Text(pair.Base)
	if base == state.Unmerged {
		return true
	}
	was, is := flagsOf(base), flagsOf(r.pairs.Text(pair.Now[i]))
	for name, flag := range union(was, is) {
		_, before := was[name]
		_, now := is[name]
		marked := now && name == `\deleted`
		if before != now && !marked && r.sides[i].keeps(flag) {
			return true
		}
	}
	return false
}

// flagSet is flags by their names in lower case: servers and programs write them in any.
type flagSet map[string]string

func flagsOf(text string) flagSet {
	set := flagSet{}
	if text == state.Unmerged {
		return set
	}
	for flag := range strings.FieldsSeq(text) {
		set[strings.ToLower(flag)] = flag
	}
	return set
}

func union(sets ...flagSet) flagSet {
	all := flagSet{}
	for _, set := range sets {
		for name, flag := range set {
			all[name] = flag
		}
	}
	return all
}

// pretend reports what would be done.
func (r *run) pretend() error {
	for i, s := range r.sides {
		other := r.sides[1-i]
		err := each(&s.fresh, func(w *state.Wanted) {
			r.emit(transfer.Result{Protocol: s.end.Protocol, Source: w.URL, Destination: other.end.URL, Name: w.Name, Bytes: max(w.Size, 0), Status: transfer.StatusDone})
		})
		for _, job := range s.flags {
			err = cmp.Or(err, each(&job.list, func(w *state.Wanted) { r.emit(r.result(s, w, transfer.StatusUpdated, nil)) }))
		}
		err = cmp.Or(err, each(&s.doomed, func(w *state.Wanted) { r.emit(r.result(s, w, transfer.StatusDeleted, nil)) }))
		if err != nil {
			return err
		}
	}
	return r.verdict()
}

func each(list *state.List, f func(w *state.Wanted)) error {
	for w, err := range list.All() {
		if err != nil {
			return err
		}
		f(w)
	}
	return nil
}
