package show

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestSorted sorts more entries than are held in memory, and leaves no files.
func TestSorted(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	const n = 2*heldSorted + 7
	list := func(fail error) func(yield func(protocols.Entry, error) bool) {
		return func(yield func(protocols.Entry, error) bool) {
			for i := range n {
				k := i * 7919 % n
				e := protocols.Entry{Path: fmt.Sprintf("%06d", k), Size: int64(k / 2), MessageInfo: &protocols.MessageInfo{Number: int64(i)}}
				if !yield(e, nil) {
					return
				}
			}
			if fail != nil {
				yield(protocols.Entry{}, fail)
			}
		}
	}
	trouble := errors.New("trouble")
	for _, reverse := range []bool{false, true} {
		at := 0
		for e, err := range Sorted(list(trouble), "name", reverse) {
			if err != nil {
				if err != trouble || at != n {
					t.Fatalf("%v after %d entries", err, at)
				}
				at++
				continue
			}
			want := at
			if reverse {
				want = n - 1 - at
			}
			if e.Path != fmt.Sprintf("%06d", want) {
				t.Fatalf("place %d holds %s, reverse %v", at, e.Path, reverse)
			}
			at++
		}
		if at != n+1 {
			t.Errorf("%d pairs, want %d entries and the error", at, n)
		}
	}
	last := int64(n)
	for e := range Sorted(list(nil), "", true) {
		if e.Number != last-1 {
			t.Fatalf("%d behind %d: the plain reverse is of the listing's order", e.Number, last)
		}
		last = e.Number
	}
	for range Sorted(list(nil), "size", false) {
		break
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestSortedEnds: a listing without end is given up, and none is printed once the
// time is up.
func TestSortedEnds(t *testing.T) {
	endless := func(yield func(protocols.Entry, error) bool) {
		for yield(protocols.Entry{Path: "x"}, nil) {
		}
	}
	s := &sorter{most: 1000}
	if err := s.fill(endless); protocols.KindOf(err) != protocols.KindProtocol || len(s.held) != 1000 {
		t.Errorf("%d entries, %v", len(s.held), err)
	}
	late := func(yield func(protocols.Entry, error) bool) {
		if yield(protocols.Entry{Path: "x"}, nil) {
			yield(protocols.Entry{}, &protocols.Error{Kind: protocols.KindTimeout})
		}
	}
	n := 0
	for _, err := range Sorted(late, "name", false) {
		if n++; protocols.KindOf(err) != protocols.KindTimeout {
			t.Errorf("an entry, or %v", err)
		}
	}
	if n != 1 {
		t.Errorf("%d pairs", n)
	}
}
