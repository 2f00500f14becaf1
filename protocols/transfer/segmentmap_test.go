package transfer

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/netclients/netclients/protocols/file"
)

// TestSegmentsResume: what came over several connections is kept when one of them fails
// for good, and only the rest is fetched by a later run, with segments or without.
func TestSegmentsResume(t *testing.T) {
	want := pattern(8 << 20)
	for name, tt := range map[string]struct {
		segments int  // of the later run
		changed  bool // the object, between the runs
	}{
		"segments":    {4, false},
		"more":        {8, false},
		"one":         {1, false},
		"changed":     {4, true},
		"one changed": {1, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(map[string]string{"f": want})
			s.cuts["f"] = []int64{1 << 20, 1 << 20, 1 << 20, 1 << 20}
			dir := t.TempDir()
			out := filepath.Join(dir, "out")
			o := quick()
			o.Segments, o.Retries = 4, -1
			r, err := Copy(t.Context(), s.end("f"), localEnd(out), &o)
			if err == nil || r.Bytes < 1<<20 {
				t.Fatalf("%d bytes, %v", r.Bytes, err)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("the file has its name already")
			}
			s.cuts["f"] = nil
			if tt.changed {
				want := []byte(want)
				want[0] ^= 1
				s.files["f"], s.times["f"] = want, then.AddDate(0, 0, 1)
			}
			first := r.Bytes
			o = quick()
			o.Segments, o.Continue = tt.segments, true
			r, err = Copy(t.Context(), s.end("f"), localEnd(out), &o)
			check(t, err)
			if contentOf(t, out) != string(s.files["f"]) {
				t.Error("content differs")
			}
			if !tt.changed && (r.Bytes+r.ResumedAt != int64(len(want)) || tt.segments > 1 && r.ResumedAt != first) {
				t.Errorf("%d bytes after %d, resumed at %d", r.Bytes, first, r.ResumedAt)
			}
			if tt.changed && r.ResumedAt != 0 {
				t.Errorf("resumed at %d of another object", r.ResumedAt)
			}
			onlyFile(t, dir, "out")
		})
	}
}

// TestSegmentsRecord: a map of what is missing that does not fit the part is not used.
func TestSegmentsRecord(t *testing.T) {
	want := pattern(4 << 20)
	size := int64(len(want))
	for _, missing := range [][]span{{{0, size + 1}}, {{5, 5}}, {{-1, 7}}, {{100, 200}, {150, 300}}} {
		for _, segments := range []int{1, 4} {
			s := newServer(map[string]string{"f": want})
			dir := t.TempDir()
			root, err := os.OpenRoot(dir)
			check(t, err)
			defer root.Close()
			check(t, os.WriteFile(filepath.Join(dir, file.PartName("out")), make([]byte, size), 0o600))
			check(t, writeRecord(root, "out", record{Source: s.end("f").URL, Size: size, Modified: then, Missing: missing}))
			o := quick()
			o.Segments, o.Continue = segments, true
			_, err = Copy(t.Context(), s.end("f"), localEnd(filepath.Join(dir, "out")), &o)
			check(t, err)
			if contentOf(t, filepath.Join(dir, "out")) != want {
				t.Errorf("%v: content differs", missing)
			}
		}
	}
}

func TestDivide(t *testing.T) {
	const m = smallestSegment
	for _, tt := range []struct {
		in   []span
		n    int
		want []span
	}{
		{[]span{{0, 8 * m}}, 4, []span{{0, 2 * m}, {2 * m, 4 * m}, {4 * m, 6 * m}, {6 * m, 8 * m}}},
		{[]span{{0, m}, {4 * m, 8 * m}}, 3, []span{{0, m}, {4 * m, 6 * m}, {6 * m, 8 * m}}},
		{[]span{{0, m}, {5, 6}}, 8, []span{{0, m}, {5, 6}}},
		{nil, 3, nil},
	} {
		t.Run(fmt.Sprintf("%v in %d", tt.in, tt.n), func(t *testing.T) {
			if got := divide(tt.in, tt.n); !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

// steady counts how often progress is reported.
type steady struct {
	told
	sets atomic.Int32
}

func (p *steady) Start(_ string, size int64) Task { p.size = size; return p }
func (p *steady) Set(n int64)                     { p.sets.Add(1); p.told.Set(n) }

// TestSegmentsProgress: the progress of segments ends at the size.
func TestSegmentsProgress(t *testing.T) {
	want := pattern(4 << 20)
	s := newServer(map[string]string{"f": want})
	p := &steady{}
	o := quick()
	o.Segments, o.Progress = 4, p
	_, err := Copy(t.Context(), s.end("f"), localEnd(filepath.Join(t.TempDir(), "out")), &o)
	check(t, err)
	if p.last != int64(len(want)) || p.done != 1 || p.sets.Load() < 4 {
		t.Errorf("%d of %d, done %d times, %d reports", p.last, p.size, p.done, p.sets.Load())
	}
}
