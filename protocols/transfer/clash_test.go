package transfer

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestSyncReplacesTypes: with --delete, what stands where the source has something
// of another type is deleted, and then there is room for it; without, it stays.
func TestSyncReplacesTypes(t *testing.T) {
	source := map[string]string{"a/deep/f": "1", "b": "22", "c/x": "3", "same": "4"}
	before := map[string]string{"a": "a file", "b/old/f": "in the way", "b/g": "too", "c/x": "3", "c/gone": "g", "same": "4"}
	for name, tt := range map[string]struct {
		o       SyncOptions
		want    map[string]string
		deleted []string
		failed  int
	}{
		"delete":   {SyncOptions{Delete: true}, source, []string{"a", "b", "b/g", "b/old", "b/old/f", "c/gone"}, 0},
		"keep":     {SyncOptions{}, before, nil, 2},
		"dry run":  {SyncOptions{Delete: true, DryRun: true}, before, []string{"a", "b", "b/g", "b/old", "b/old/f", "c/gone"}, 0},
		"max":      {SyncOptions{Delete: true, MaxDelete: 2}, before, nil, 2},
		"excluded": {SyncOptions{Delete: true, Exclude: []string{"b/g"}}, map[string]string{"a/deep/f": "1", "b/g": "too", "c/x": "3", "same": "4"}, []string{"a", "b/old", "b/old/f", "c/gone"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(source)
			dst := t.TempDir()
			writeTree(t, dst, before)
			for path := range source {
				os.Chtimes(filepath.Join(dst, path), then, then)
			}
			tt.o.Options.Retries = -1
			var deleted []string
			failed := 0
			sum, err := Sync(t.Context(), s.end(""), localEnd(dst), &tt.o, func(r Result) {
				switch r.Status {
				case StatusDeleted:
					deleted = append(deleted, r.Name)
				case StatusFailed:
					failed++
				}
			})
			if failed != tt.failed || (protocols.KindOf(err) == protocols.KindPartial) != (failed > 0) || sum.Failed != int64(failed) {
				t.Errorf("%d failed, %v, %+v", failed, err, sum)
			}
			if slices.Sort(deleted); !slices.Equal(deleted, tt.deleted) {
				t.Errorf("deleted %v, want %v", deleted, tt.deleted)
			}
			equalTrees(t, readTree(t, dst), tt.want)
		})
	}
}
