package mailstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestMboxTraps: in a folder where others may write, nothing that they left beside
// the mbox is written through, or believed.
func TestMboxTraps(t *testing.T) {
	for kind, plant := range map[string]func(old, new string) error{"symlink": os.Symlink, "hard link": os.Link} {
		dir := t.TempDir()
		path, intent, victim := filepath.Join(dir, "mbox"), filepath.Join(dir, ".mbox.netclients-append"), filepath.Join(dir, "victim")
		precious := "From a@b Sun Nov 22 09:00:00 2026\nold\n\n"
		for name, text := range map[string]string{path: precious, victim: fmt.Sprintf("0 %d\n", len(precious)+5)} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := plant(victim, intent); err != nil {
			t.Fatal(err)
		}
		m := NewMbox(nil)
		_, err := m.OpenArchive(t.Context(), path, nil)
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s as what was promised: %v", kind, err)
		}
		if b, _ := os.ReadFile(path); string(b) != precious {
			t.Errorf("%s: the mbox holds %q", kind, b)
		}
		if err := errors.Join(os.Remove(intent), plant(victim, intent+".new")); err != nil {
			t.Fatal(err)
		}
		before, _ := os.ReadFile(victim)
		a, err := m.OpenArchive(t.Context(), path, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = errors.Join(a.Add(t.Context(), key(1), &protocols.Entry{}, strings.NewReader("new\n")), a.Flush(t.Context()), a.Close())
		if err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if b, _ := os.ReadFile(victim); string(b) != string(before) {
			t.Errorf("%s: the other file holds %q", kind, b)
		}
		if b, _ := os.ReadFile(path); !strings.HasPrefix(string(b), precious) || !strings.Contains(string(b), "\nnew\n") {
			t.Errorf("%s: the mbox holds %q", kind, b)
		}
	}
}
