package ftp_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestAllocationsOfListings: what an entry of a long listing costs.
func TestAllocationsOfListings(t *testing.T) {
	const n = 10_000
	for name, row := range map[string]struct {
		features []string
		format   string
	}{
		"LIST": {nil, "-rw-r--r--    1 alice    users        %d Nov 30 12:00 file-%05d.txt\r\n"},
		"MLSD": {[]string{"MLST type*;size*;modify*;UNIX.mode*;UNIX.owner*;unique*;"}, "type=file;size=%d;modify=20251130120000;UNIX.mode=0644;UNIX.owner=alice;unique=aU1; file-%05d.txt\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, row.format, i, i)
			}
			c := (&oddServer{Features: row.features, List: b.String()}).start(t).client(t, nil)
			for range c.List(t.Context(), "") { // connects, and finds the time zone out
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got := 0
			for e, err := range c.List(t.Context(), "") {
				if err != nil || e.Raw != "" {
					t.Fatalf("%+v, %v", e, err)
				}
				got++
			}
			runtime.ReadMemStats(&after)
			if each := float64(after.Mallocs-before.Mallocs) / n; got != n || each > 8 {
				t.Errorf("%d entries, %.1f allocations each", got, each)
			} else {
				t.Logf("%.1f allocations and %d bytes an entry", each, (after.TotalAlloc-before.TotalAlloc)/n)
			}
		})
	}
}
