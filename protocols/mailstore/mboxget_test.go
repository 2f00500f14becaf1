package mailstore

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// bigMbox writes an mbox of n small messages and returns their names.
func bigMbox(t testing.TB, n int) (names []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.mbox")
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "From a@b.example Thu Jan  1 00:00:00 2026\nSubject: message %d\n\n>From here %d\n\n", i, i)
		names = append(names, fmt.Sprintf("%s;MSG=%d", path, i+1))
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return names
}

// fetchMbox reads messages in bulk and returns their number of bytes.
func fetchMbox(t testing.TB, c *Mbox, names []string) (bytes int64) {
	t.Helper()
	err := protocols.BulkGet(t.Context(), c, slices.Values(names), func(_ string, o *protocols.Object, err error) error {
		if err != nil {
			return err
		}
		n, err := io.Copy(io.Discard, o.Body)
		bytes += n
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

// TestMboxGetMemory: a small message needs no large buffers.
func TestMboxGetMemory(t *testing.T) {
	names := bigMbox(t, 200)
	c := NewMbox(nil)
	defer c.Close()
	fetchMbox(t, c, names[:1]) // the index
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fetchMbox(t, c, names)
	runtime.ReadMemStats(&after)
	if per := (after.TotalAlloc - before.TotalAlloc) / uint64(len(names)); per > 32<<10 {
		t.Errorf("%d bytes are allocated for a message", per)
	}
}

func BenchmarkMboxGet(b *testing.B) {
	names := bigMbox(b, 10_000)
	c := NewMbox(nil)
	defer c.Close()
	b.ReportAllocs()
	for b.Loop() {
		fetchMbox(b, c, names)
	}
}
