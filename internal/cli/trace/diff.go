package trace

import "slices"

// Change is one exchange that two traces do not share.
type Change struct {
	What       string // changed, added or removed
	ConnA      int64
	ConnB      int64
	Command    string // of the first trace, or of the second where it was added
	A, B       []string
	AtA, AtB   int  // numbers of the events in the files, from 1; 0: none
	Whole      bool // all of a connection that the other side has not
	keyA, keyB []string
}

// The words for changes.
const (
	Changed = "changed"
	Added   = "added"
	Removed = "removed"
)

// Summary counts exchanges.
type Summary struct {
	Same    int `json:"same"`
	Changed int `json:"changed"`
	Added   int `json:"added"`
	Removed int `json:"removed"`
}

func (s *Summary) add(what string) {
	switch what {
	case Changed:
		s.Changed++
	case Added:
		s.Added++
	case Removed:
		s.Removed++
	}
}

// Differ reports whether anything changed.
func (s Summary) Differ() bool { return s.Changed+s.Added+s.Removed > 0 }

// Diff compares two traces, dialogue by dialogue, and passes on what changed. Times,
// ports, tags, nonces, ids and temporary names do not count.
func Diff(a, b []*Dialogue, report func(Change) error) (sum Summary, err error) {
	for i := range max(len(a), len(b)) {
		left, right := &Dialogue{}, &Dialogue{}
		if i < len(a) {
			left = a[i]
		}
		if i < len(b) {
			right = b[i]
		}
		d := differ{a: left, b: right, whole: i >= len(a) || i >= len(b), sum: &sum, report: report}
		if err := d.run(); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// differ compares two dialogues.
type differ struct {
	a, b   *Dialogue
	whole  bool
	sum    *Summary
	report func(Change) error
}

func (d *differ) run() error {
	keys := func(list []*Exchange) (all []string) {
		for _, x := range list {
			all = append(all, x.key)
		}
		return all
	}
	i, j := 0, 0
	for _, p := range align(keys(d.a.Exchanges), keys(d.b.Exchanges)) {
		if err := d.gap(d.a.Exchanges[i:p[0]], d.b.Exchanges[j:p[1]]); err != nil {
			return err
		}
		if err := d.pair(d.a.Exchanges[p[0]], d.b.Exchanges[p[1]]); err != nil {
			return err
		}
		i, j = p[0]+1, p[1]+1
	}
	return d.gap(d.a.Exchanges[i:], d.b.Exchanges[j:])
}

// gap reports exchanges whose commands the other side has not. Those with the same verb
// are one that changed.
func (d *differ) gap(a, b []*Exchange) error {
	verbs := func(list []*Exchange) (all []string) {
		for _, x := range list {
			all = append(all, x.verb)
		}
		return all
	}
	i, j := 0, 0
	for _, p := range append(align(verbs(a), verbs(b)), [2]int{len(a), len(b)}) {
		for ; i < p[0]; i++ {
			if err := d.tell(Removed, a[i], nil); err != nil {
				return err
			}
		}
		for ; j < p[1]; j++ {
			if err := d.tell(Added, nil, b[j]); err != nil {
				return err
			}
		}
		if i < len(a) && j < len(b) {
			if err := d.tell(Changed, a[i], b[j]); err != nil {
				return err
			}
		}
		i, j = p[0]+1, p[1]+1
	}
	return nil
}

// pair compares two exchanges of one command.
func (d *differ) pair(a, b *Exchange) error {
	if slices.Equal(a.keys, b.keys) {
		d.sum.Same++
		return nil
	}
	return d.tell(Changed, a, b)
}

func (d *differ) tell(what string, a, b *Exchange) error {
	d.sum.add(what)
	c := Change{What: what, ConnA: d.a.Conn, ConnB: d.b.Conn, Whole: d.whole}
	if b != nil {
		c.Command, c.B, c.AtB, c.keyB = b.Command, b.Lines, b.At, b.keys
	}
	if a != nil {
		c.Command, c.A, c.AtA, c.keyA = a.Command, a.Lines, a.At, a.keys
	}
	return d.report(c)
}

// Side is one line of a change: of both sides (' '), the first ('-') or the second ('+').
type Side struct {
	Mark byte
	Line string
}

// Sides returns the lines of a change side by side.
func (c *Change) Sides() (out []Side) {
	i, j := 0, 0
	for _, p := range append(align(c.keyA, c.keyB), [2]int{len(c.A), len(c.B)}) {
		for ; i < p[0]; i++ {
			out = append(out, Side{'-', c.A[i]})
		}
		for ; j < p[1]; j++ {
			out = append(out, Side{'+', c.B[j]})
		}
		if i < len(c.A) && j < len(c.B) {
			out = append(out, Side{' ', c.B[j]})
		}
		i, j = p[0]+1, p[1]+1
	}
	return out
}
