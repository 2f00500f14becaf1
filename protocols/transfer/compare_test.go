package transfer

import (
	"bytes"
	"strings"
	"testing"
	"testing/iotest"
	"unsafe"
)

// TestDestinationEntryIsSmall: a run remembers one for each file of a folder, of which
// there may be a million.
func TestDestinationEntryIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(destEntry{}); n > 64 {
		t.Errorf("%d bytes", n)
	}
}

func TestEqualStreams(t *testing.T) {
	long := strings.Repeat("0123456789", 50)
	for _, tt := range []struct {
		name, a, b string
		equal      bool
	}{
		{"both empty", "", "", true},
		{"equal", long, long, true},
		{"another first byte", long, "x" + long[1:], false},
		{"another last byte", long, long[:len(long)-1] + "x", false},
		{"shorter", long, long[:len(long)-1], false},
		{"longer", long, long + "x", false},
		{"one empty", "", "x", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{2, 7, 100, 1000, 1001, 1002, 4096} {
				a, b := iotest.OneByteReader(strings.NewReader(tt.a)), iotest.HalfReader(strings.NewReader(tt.b))
				if equal, err := equalStreams(a, b, make([]byte, size)); err != nil || equal != tt.equal {
					t.Errorf("with %d bytes of room: %v, %v", size, equal, err)
				}
			}
		})
	}
	a, b, buf := bytes.NewReader([]byte(long)), bytes.NewReader([]byte(long)), make([]byte, 64)
	if n := testing.AllocsPerRun(10, func() {
		a.Reset([]byte(nil))
		b.Reset([]byte(nil))
		if equal, err := equalStreams(a, b, buf); err != nil || !equal {
			t.Error(equal, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
