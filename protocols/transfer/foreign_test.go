//go:build unix

package transfer

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/netclients/netclients/protocols/file"
)

// TestContinueTrustsOnlyItsOwn: a part, or the record beside it, that another user
// may have put there or can still change is not a base to go on from.
func TestContinueTrustsOnlyItsOwn(t *testing.T) {
	tests := map[string]struct {
		plant   func(t *testing.T, part, record string)
		resumed bool
	}{
		"its own":         {func(*testing.T, string, string) {}, true},
		"writable":        {func(t *testing.T, part, _ string) { check(t, os.Chmod(part, 0o666)) }, false},
		"writable record": {func(t *testing.T, _, record string) { check(t, os.Chmod(record, 0o606)) }, false},
		"hard link":       {func(t *testing.T, part, _ string) { check(t, os.Link(part, part+".other")) }, false},
		"symbolic link": {func(t *testing.T, part, _ string) {
			check(t, os.Rename(part, part+".other"))
			check(t, os.Symlink(filepath.Base(part)+".other", part))
		}, false},
		"another user's": {func(t *testing.T, part, _ string) {
			if os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			check(t, os.Chown(part, 65534, 65534))
		}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(map[string]string{"f": pattern(2 << 20)})
			s.id = "1"
			out := filepath.Join(t.TempDir(), "out")
			broken(t, s, out, 1<<20)
			part, record := filepath.Join(filepath.Dir(out), file.PartName("out")), filepath.Join(filepath.Dir(out), file.RecordName("out"))
			tt.plant(t, part, record)
			before, err := os.ReadFile(part)
			check(t, err)
			o := quick()
			o.Continue = true
			r, err := Copy(t.Context(), s.end("f"), localEnd(out), &o)
			check(t, err)
			if resumed := r.ResumedAt == 1<<20; resumed != tt.resumed || contentOf(t, out) != string(s.files["f"]) {
				t.Errorf("resumed at %d, or other content", r.ResumedAt)
			}
			if after, err := os.ReadFile(part + ".other"); err == nil && string(after) != string(before) {
				t.Error("the file behind the link was changed")
			}
		})
	}
}
