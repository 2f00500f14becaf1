package adopt

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"iter"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/transfer/internal/state"
)

// Changes are what is to be done with copies that have no key in the archive.
type Changes struct {
	flags state.Keys // by the hash of the id: the number of the flags
	gone  state.Keys
}

// SetFlags replaces the flags of a copy. One whose id does not last is left as it is.
func (c *Changes) SetFlags(st *state.Messages, id state.Key, flags string) {
	if id != (state.Key{}) {
		c.flags.Put(id, st.Number(flags))
	}
}

// Delete removes a copy. One whose id does not last stays.
func (c *Changes) Delete(id state.Key) {
	if id != (state.Key{}) {
		c.gone.Put(id, 0)
	}
}

// job is one change of flags, of many messages.
type job struct {
	change protocols.FlagChange
	list   state.List
}

// Apply makes the changes in the archive name of the client to. keeps says which flags
// messages there can have; nil: all. A copy that is not there any more needs none.
func (c *Changes) Apply(ctx context.Context, st *state.Messages, to protocols.Client, name, dir string, keeps func(string) bool) error {
	if c.flags.N+c.gone.N == 0 {
		return nil
	}
	archive, err := Open(ctx, to, name)
	if err != nil || archive == nil {
		return err
	}
	jobs, gone := map[string]*job{}, state.List{Dir: dir}
	defer func() {
		gone.Close()
		for _, j := range jobs {
			j.list.Close()
		}
	}()
	for e, err := range archive.Box.Changes(ctx, "") {
		if err != nil {
			return err
		}
		id := state.KeyOf(archive.Box, e.ID)
		w := state.NewWanted(&e, id)
		if c.gone.Get(id) != nil && e.Type != protocols.TypeGone {
			err = gone.Add(w)
		} else if want := c.flags.Get(id); want != nil {
			err = plan(jobs, dir, w, st.Text(want.Bits), keeps)
		}
		if err != nil {
			return err
		}
	}
	for _, j := range jobs {
		flagger, _ := protocols.As[protocols.BulkFlagger](to)
		err := eachName(&j.list, func(names iter.Seq[string]) error { return flagger.BulkFlag(ctx, j.change, names, there) })
		if err != nil {
			return err
		}
	}
	if gone.N > 0 {
		err = eachName(&gone, func(names iter.Seq[string]) error { return protocols.BulkRemove(ctx, to, names, there) })
	}
	if err == nil {
		*c = Changes{}
	}
	return err
}

// there is an error of one message, unless it says that the message is gone.
func there(_ string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// plan adds a message to the job that makes its flags those that are wanted.
func plan(jobs map[string]*job, dir string, w *state.Wanted, flags string, keeps func(string) bool) error {
	has, wanted := strings.Fields(w.Flags), strings.Fields(flags)
	change := protocols.FlagChange{Add: lacking(has, wanted), Remove: lacking(wanted, has)}
	if keeps != nil {
		change.Add = slices.DeleteFunc(change.Add, func(flag string) bool { return !keeps(flag) })
	}
	if len(change.Add)+len(change.Remove) == 0 {
		return nil
	}
	name := strings.Join(change.Add, " ") + "-" + strings.Join(change.Remove, " ")
	if jobs[name] == nil {
		jobs[name] = &job{change: change, list: state.List{Dir: dir}}
	}
	return jobs[name].list.Add(w)
}

// lacking returns the flags of the second list that the first lacks.
func lacking(has, wanted []string) (missing []string) {
	for _, flag := range wanted {
		if !slices.ContainsFunc(has, func(h string) bool { return strings.EqualFold(h, flag) }) {
			missing = append(missing, flag)
		}
	}
	return missing
}

// Union returns the flags that are in one of two texts, and whether the second adds any.
func Union(flags, more string) (all string, added bool) {
	missing := lacking(strings.Fields(flags), strings.Fields(more))
	return strings.Join(append(strings.Fields(flags), missing...), " "), len(missing) > 0
}

// eachName does something with the messages of a list, by their paths.
func eachName(list *state.List, do func(iter.Seq[string]) error) error {
	var bad error // of the list
	err := do(func(yield func(string) bool) {
		for w, err := range list.All() {
			if bad = err; err != nil || !yield(w.Path) {
				return
			}
		}
	})
	return cmp.Or(err, bad)
}
