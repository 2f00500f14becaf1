package show

import (
	"bufio"
	"cmp"
	"container/heap"
	"encoding/gob"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// heldSorted is how many entries of a sorted listing are in memory; longer ones
// are sorted in parts, which wait in temporary files.
const heldSorted = 20_000

// mostParts is how many temporary files there are before they become one: all are open,
// and each has a buffer.
const mostParts = 64

// mostSorted bounds what the temporary files hold: a server may list without end.
const mostSorted = 10_000_000

// orders are the ways to sort. Size and time begin with the largest and newest.
var orders = map[string]func(a, b *protocols.Entry) int{
	"":     func(a, b *protocols.Entry) int { return 0 },
	"name": func(a, b *protocols.Entry) int { return strings.Compare(a.Path, b.Path) },
	"size": func(a, b *protocols.Entry) int { return cmp.Compare(b.Size, a.Size) },
	"time": func(a, b *protocols.Entry) int { return b.Modified.Compare(a.Modified) },
}

// flat is an entry whose every field is written to a temporary file.
type flat protocols.Entry

// ranked is an entry with its place in the listing, which decides between equals.
type ranked struct {
	N       int64
	Entry   flat
	Message *protocols.MessageInfo // apart, so that an empty one stays one
	Group   *protocols.GroupInfo
	NoFlags bool // the message is known to have none: a temporary file does not keep an empty list
}

func newRanked(n int64, e protocols.Entry) *ranked {
	r := &ranked{N: n, Entry: flat(e), Message: e.MessageInfo, Group: e.GroupInfo}
	r.NoFlags = r.Message != nil && r.Message.Flags != nil && len(r.Message.Flags) == 0
	r.Entry.MessageInfo, r.Entry.GroupInfo = nil, nil
	return r
}

func (r *ranked) entry() protocols.Entry {
	e := protocols.Entry(r.Entry)
	e.MessageInfo, e.GroupInfo = r.Message, r.Group
	if r.NoFlags {
		e.Flags = []string{}
	}
	return e
}

// sorter sorts more entries than memory should hold.
type sorter struct {
	compare func(a, b *ranked) int
	most    int64
	held    []*ranked
	parts   []*os.File
}

// Sorted returns all entries in order. An error of the listing comes last, after
// what was listed before it; but when the time is up, nothing more is done.
func Sorted(entries iter.Seq2[protocols.Entry, error], by string, reverse bool) iter.Seq2[protocols.Entry, error] {
	sign := 1
	if reverse {
		sign = -1
	}
	order := orders[by]
	return func(yield func(protocols.Entry, error) bool) {
		s := &sorter{most: mostSorted, compare: func(a, b *ranked) int {
			return sign * cmp.Or(order((*protocols.Entry)(&a.Entry), (*protocols.Entry)(&b.Entry)), cmp.Compare(a.N, b.N))
		}}
		defer s.close()
		failed := s.fill(entries)
		if kind := protocols.KindOf(failed); kind == protocols.KindTimeout || kind == protocols.KindInterrupted {
			yield(protocols.Entry{}, failed)
			return
		}
		more, err := s.all(func(e protocols.Entry) bool { return yield(e, nil) })
		if err = cmp.Or(failed, err); more && err != nil {
			yield(protocols.Entry{}, err)
		}
	}
}

func (s *sorter) fill(entries iter.Seq2[protocols.Entry, error]) error {
	n := int64(0)
	for e, err := range entries {
		if err != nil {
			return err
		}
		if n == s.most {
			return &protocols.Error{Kind: protocols.KindProtocol, Text: fmt.Sprintf("more than %d entries are not sorted; list them without --sort", s.most)}
		}
		s.held = append(s.held, newRanked(n, e))
		if n++; len(s.held) == heldSorted {
			if err := s.spill(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *sorter) sort() {
	slices.SortFunc(s.held, s.compare)
}

// spill puts what is held into a temporary file, sorted. Many files become one.
func (s *sorter) spill() error {
	s.sort()
	if err := s.write([]source{s.fromMemory()}); err != nil {
		return err
	}
	clear(s.held)
	s.held = s.held[:0]
	if len(s.parts) < mostParts {
		return nil
	}
	old := s.parts
	s.parts = nil
	defer func() { removeAll(old) }()
	return s.write(fromFiles(old))
}

// write puts what sources return, in order, into a new temporary file.
func (s *sorter) write(sources []source) error {
	f, err := os.CreateTemp("", "netclients-sort-")
	if err != nil {
		return err
	}
	s.parts = append(s.parts, f)
	w := bufio.NewWriterSize(f, 64<<10)
	enc := gob.NewEncoder(w)
	var failed error
	_, err = s.merge(sources, func(r *ranked) bool {
		failed = enc.Encode(r)
		return failed == nil
	})
	if err = cmp.Or(failed, err); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = f.Seek(0, io.SeekStart)
	return err
}

// all passes the entries of all parts, and of what is still held, to give, in order. It
// is false when give has had enough.
func (s *sorter) all(give func(protocols.Entry) bool) (more bool, err error) {
	s.sort()
	return s.merge(append(fromFiles(s.parts), s.fromMemory()), func(r *ranked) bool { return give(r.entry()) })
}

// merge is all, of some sources.
func (s *sorter) merge(sources []source, give func(*ranked) bool) (more bool, err error) {
	q := &queue{compare: s.compare}
	for _, next := range sources {
		r, err := next()
		if err != nil {
			return true, err
		}
		if r != nil {
			q.heads = append(q.heads, head{r, next})
		}
	}
	heap.Init(q)
	for len(q.heads) > 0 {
		first := &q.heads[0]
		if !give(first.ranked) {
			return false, nil
		}
		if first.ranked, err = first.next(); err != nil {
			return true, err
		}
		if first.ranked == nil {
			heap.Pop(q)
		} else {
			heap.Fix(q, 0)
		}
	}
	return true, nil
}

// source returns the next of some sorted entries, and nil after the last.
type source func() (*ranked, error)

// head is the first of the entries that a source has left.
type head struct {
	*ranked
	next source
}

// queue has the source with the first entry of all at its front.
type queue struct {
	heads   []head
	compare func(a, b *ranked) int
}

func (q *queue) Len() int           { return len(q.heads) }
func (q *queue) Less(i, j int) bool { return q.compare(q.heads[i].ranked, q.heads[j].ranked) < 0 }
func (q *queue) Swap(i, j int)      { q.heads[i], q.heads[j] = q.heads[j], q.heads[i] }
func (q *queue) Push(x any)         { q.heads = append(q.heads, x.(head)) }

func (q *queue) Pop() any {
	last := q.heads[len(q.heads)-1]
	q.heads = q.heads[:len(q.heads)-1]
	return last
}

func (s *sorter) fromMemory() source {
	i := 0
	return func() (*ranked, error) {
		if i == len(s.held) {
			return nil, nil
		}
		i++
		return s.held[i-1], nil
	}
}

func fromFiles(parts []*os.File) []source {
	var sources []source
	for _, f := range parts {
		sources = append(sources, fromFile(f))
	}
	return sources
}

func fromFile(f *os.File) source {
	dec := gob.NewDecoder(bufio.NewReaderSize(f, 32<<10))
	return func() (*ranked, error) {
		r := new(ranked)
		err := dec.Decode(r)
		if err == io.EOF {
			return nil, nil
		}
		return r, err
	}
}

func (s *sorter) close() { removeAll(s.parts) }

func removeAll(parts []*os.File) {
	for _, f := range parts {
		f.Close()
		os.Remove(f.Name())
	}
}
