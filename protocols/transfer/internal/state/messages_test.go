package state

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestStateCompacted: a state that has grown is written anew, with all that counts,
// and not through a link that lies in the way.
func TestStateCompacted(t *testing.T) {
	for kind, plant := range map[string]func(old, new string) error{"symlink": os.Symlink, "hard link": os.Link} {
		dir := t.TempDir()
		path, victim := filepath.Join(dir, "state"), filepath.Join(dir, "victim")
		st, err := OpenMessages(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3000 {
			st.Add(HashKey(fmt.Sprint(i)), fmt.Sprint(i%3))
			if i >= 10 {
				st.Forget(HashKey(fmt.Sprint(i)))
			}
		}
		st.Set("state", "high water")
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := plant(victim, path+".new"); err != nil {
			t.Fatal(err)
		}
		for range 2 { // as it is compacted, and as it was written then
			if st, err = OpenMessages(t.Context(), path); err != nil {
				t.Fatal(err)
			}
			if st.Known.N != 10 || st.Value("state") != "high water" {
				t.Errorf("%s: %d known, state %q", kind, st.Known.N, st.Value("state"))
			}
			for i := range 10 {
				if e := st.Known.Get(HashKey(fmt.Sprint(i))); e == nil || st.FlagsOf(e) != fmt.Sprint(i%3) {
					t.Errorf("%s: %d: %v", kind, i, e)
				}
			}
			st.Add(HashKey("more"), "")
			st.Forget(HashKey("more"))
			if err := st.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if info, err := os.Stat(path); err != nil || info.Size() > 2000 {
			t.Errorf("%s: not compacted: %v, %v", kind, info.Size(), err)
		}
		if b, _ := os.ReadFile(victim); string(b) != "precious" {
			t.Errorf("%s: the other file holds %q", kind, b)
		}
	}
}
