package show

import (
	"bufio"
	"cmp"
	"encoding/json"
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
}

func newRanked(n int64, e protocols.Entry) ranked {
	r := ranked{n, flat(e), e.MessageInfo, e.GroupInfo}
	r.Entry.MessageInfo, r.Entry.GroupInfo = nil, nil
	return r
}

func (r *ranked) entry() protocols.Entry {
	e := protocols.Entry(r.Entry)
	e.MessageInfo, e.GroupInfo = r.Message, r.Group
	return e
}

// sorter sorts more entries than memory should hold.
type sorter struct {
	compare func(a, b *ranked) int
	most    int64
	held    []ranked
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
		more, err := s.merge(func(e protocols.Entry) bool { return yield(e, nil) })
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
	slices.SortFunc(s.held, func(a, b ranked) int { return s.compare(&a, &b) })
}

// spill puts what is held into a temporary file, sorted.
func (s *sorter) spill() error {
	f, err := os.CreateTemp("", "netclients-sort-")
	if err != nil {
		return err
	}
	s.parts = append(s.parts, f)
	s.sort()
	w := bufio.NewWriterSize(f, 64<<10)
	enc := json.NewEncoder(w)
	for i := range s.held {
		if err := enc.Encode(&s.held[i]); err != nil {
			return err
		}
	}
	s.held = s.held[:0]
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = f.Seek(0, io.SeekStart)
	return err
}

// merge returns the entries of all parts, and of what is still held, in order. It
// is false when give has had enough.
func (s *sorter) merge(give func(protocols.Entry) bool) (more bool, err error) {
	s.sort()
	sources := []func() (*ranked, error){s.fromMemory()}
	for _, f := range s.parts {
		sources = append(sources, fromFile(f))
	}
	heads := make([]*ranked, len(sources))
	for i, next := range sources {
		if heads[i], err = next(); err != nil {
			return true, err
		}
	}
	for {
		best := -1
		for i, h := range heads {
			if h != nil && (best < 0 || s.compare(h, heads[best]) < 0) {
				best = i
			}
		}
		if best < 0 {
			return true, nil
		}
		if !give(heads[best].entry()) {
			return false, nil
		}
		if heads[best], err = sources[best](); err != nil {
			return true, err
		}
	}
}

func (s *sorter) fromMemory() func() (*ranked, error) {
	i := 0
	return func() (*ranked, error) {
		if i == len(s.held) {
			return nil, nil
		}
		i++
		return &s.held[i-1], nil
	}
}

func fromFile(f *os.File) func() (*ranked, error) {
	dec := json.NewDecoder(bufio.NewReaderSize(f, 64<<10))
	return func() (*ranked, error) {
		r := new(ranked)
		err := dec.Decode(r)
		if err == io.EOF {
			return nil, nil
		}
		return r, err
	}
}

func (s *sorter) close() {
	for _, f := range s.parts {
		f.Close()
		os.Remove(f.Name())
	}
}
