package transfer

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkSyncSmall syncs 2,000 files of 1 to 16 KiB from memory to a local
// folder: what is measured is the engine and the file system.
func BenchmarkSyncSmall(b *testing.B) {
	files := map[string]string{}
	for i := range 2000 {
		files[fmt.Sprintf("d%d/e%d/f%04d", i%5, i%20, i)] = pattern(1024 + i*7919%(15*1024))
	}
	s := newServer(files)
	for _, place := range []string{"/dev/shm", os.TempDir()} {
		for _, d := range []Durability{DurabilityGroup, DurabilityNone} {
			b.Run(fmt.Sprintf("%s/%d", filepath.Base(place), d), func(b *testing.B) {
				top, err := os.MkdirTemp(place, "sync")
				check(b, err)
				defer os.RemoveAll(top)
				for i := 0; b.Loop(); i++ {
					dir := filepath.Join(top, fmt.Sprint(i))
					sum, err := Sync(b.Context(), s.end(""), localEnd(dir), &SyncOptions{Options: Options{Durability: d}}, nil)
					check(b, err)
					if sum.Done != 2000 {
						b.Fatalf("%+v", sum)
					}
					b.StopTimer()
					check(b, os.RemoveAll(dir))
					b.StartTimer()
				}
			})
		}
	}
}
