package show

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

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

// TestSortedKeepsAll: an entry that waited in a temporary file is the one that was listed,
// also after many files became one.
func TestSortedKeepsAll(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	zone := time.FixedZone("", -(3*3600 + 1800))
	want := []protocols.Entry{
		{Path: "a", Size: -1, Type: protocols.TypeFile, Mode: 0o4755, HasMode: true, Modified: time.Date(2024, 2, 29, 1, 2, 3, 4, zone), Accuracy: time.Minute, Facts: map[string]string{"unique": "1"}},
		{Path: "b", Type: protocols.TypeDir, Name: "b", Owner: "o", Group: "g", Target: "t", ID: "i", URL: "ftp://h/b", Protocol: "ftp", Raw: "raw\xff"},
		{Path: "c", MessageInfo: &protocols.MessageInfo{}},
		{Path: "d", MessageInfo: &protocols.MessageInfo{Number: 1, Subject: "s", Flags: []string{}}},
		{Path: "e", MessageInfo: &protocols.MessageInfo{Flags: []string{"seen"}}, GroupInfo: &protocols.GroupInfo{}},
		{Path: "f", GroupInfo: &protocols.GroupInfo{Count: 3, Low: 1, High: 3, Posting: "y"}, Modified: time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)},
	}
	s := &sorter{most: mostSorted, compare: func(a, b *ranked) int { return strings.Compare(a.Entry.Path, b.Entry.Path) }}
	defer s.close()
	for i := range 2*mostParts + 3 {
		for j := range want {
			s.held = append(s.held, newRanked(int64(i*len(want)+j), want[len(want)-1-j]))
		}
		if err := s.spill(); err != nil || len(s.parts) >= mostParts {
			t.Fatal(len(s.parts), err)
		}
	}
	n := 0
	if _, err := s.all(func(e protocols.Entry) bool {
		exp := want[n/(2*mostParts+3)]
		if !e.Modified.Equal(exp.Modified) || e.Modified.Format(time.RFC3339Nano) != exp.Modified.Format(time.RFC3339Nano) {
			t.Fatalf("%s: time %v, want %v", e.Path, e.Modified, exp.Modified)
		}
		e.Modified, exp.Modified = time.Time{}, time.Time{}
		if !reflect.DeepEqual(e, exp) {
			t.Fatalf("%+v\n%+v", e, exp)
		}
		n++
		return true
	}); err != nil || n != len(want)*(2*mostParts+3) {
		t.Error(n, err)
	}
}

// BenchmarkSorted sorts a long listing by name, with most of it in temporary files.
func BenchmarkSorted(b *testing.B) {
	b.Setenv("TMPDIR", b.TempDir())
	const n = 20 * heldSorted
	list := func(yield func(protocols.Entry, error) bool) {
		for i := range n {
			k := i * 7919 % n
			e := protocols.Entry{Protocol: "ftp", Path: fmt.Sprintf("folder/file-%07d.txt", k), Size: int64(k / 2), Type: protocols.TypeFile, Modified: time.Unix(int64(k), 0)}
			if !yield(e, nil) {
				return
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range Sorted(list, "name", false) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/entry")
}
