package transfer

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestSyncServerChangesNames: what a server stores under another name is not deleted by
// the next run, and not sent again where the server finds it; what is surplus goes.
func TestSyncServerChangesNames(t *testing.T) {
	blanks := strings.NewReplacer(" ", "_", "\t", "_")
	trimmed := func(s string) string {
		parts := strings.Split(s, "/")
		for i := range parts {
			parts[i] = strings.TrimRight(parts[i], " ")
		}
		return strings.Join(parts, "/")
	}
	files := map[string]string{"ok.txt": "ok", "tr ail": "tt", "Upper": "uu", "tail  ": "11", "caf\u00e9": "accent", "sub dir/in side": "inner", "sub dir/same": "ii"}
	for kind, stores := range map[string]func(string) string{
		"blanks": blanks.Replace, "lower case": strings.ToLower, "trailing blanks": trimmed,
		"decomposed": strings.NewReplacer("\u00e9", "e\u0301").Replace,
	} {
		for _, finds := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, found again %v", kind, finds), func(t *testing.T) {
				dir := t.TempDir()
				writeTree(t, dir, files)
				s := newServer(nil)
				s.stores, s.finds = stores, finds
				var mu sync.Mutex
				var warned []string
				o := quickSync()
				o.Delete = true
				o.Warn = func(text string) {
					mu.Lock()
					defer mu.Unlock()
					warned = append(warned, text)
				}
				for run := range 3 {
					if run == 1 {
						s.files["surplus of another size"] = []byte("surplus")
					}
					sum, err := Sync(t.Context(), localEnd(dir), s.end(""), o, nil)
					check(t, err)
					for name, content := range files {
						if got := s.tree()[stores(name)]; got != content {
							t.Errorf("run %d: %q is %q", run, stores(name), got)
						}
					}
					if run > 0 && finds && sum.Done > 0 {
						t.Errorf("run %d: %d files were sent again", run, sum.Done)
					}
				}
				if _, there := s.tree()["surplus of another size"]; there {
					t.Error("a surplus file stays")
				}
				if len(warned) == 0 {
					t.Error("no warning")
				}
			})
		}
	}
}

// TestSyncTrailingBlanks: a server that trims names, or puts "_" for their last blanks, and
// does not find them by the name that it was sent: the second run sends nothing.
func TestSyncTrailingBlanks(t *testing.T) {
	for kind, stores := range map[string]func(string) string{
		"trimmed": func(s string) string { return strings.TrimRight(s, " ") },
		"replaced": func(s string) string {
			short := strings.TrimRight(s, " ")
			return short + strings.Repeat("_", len(s)-len(short))
		},
	} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			writeTree(t, dir, map[string]string{"tail  ": "text", "b": "b"})
			s := newServer(nil)
			s.stores = stores
			for run, want := range []int64{2, 0, 1} {
				if run == 2 {
					writeTree(t, dir, map[string]string{"tail  ": "longer text"})
				}
				o := quickSync()
				o.Delete = true
				sum, err := Sync(t.Context(), localEnd(dir), s.end(""), o, nil)
				check(t, err)
				if sum.Done != want || sum.Deleted > 0 {
					t.Errorf("run %d: %+v", run, sum)
				}
			}
			equalTrees(t, s.tree(), map[string]string{stores("tail  "): "longer text", "b": "b"})
		})
	}
}

// TestSyncNamesThatAreOneToTheServer: of two files only one is there, and the run fails.
func TestSyncNamesThatAreOneToTheServer(t *testing.T) {
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"README": "first", "readme": "the second", "other": "x"})
	s := newServer(nil)
	s.stores, s.finds = strings.ToLower, true
	var failed []string
	sum, err := Sync(t.Context(), localEnd(dir), s.end(""), quickSync(), func(r Result) {
		if r.Status == StatusFailed {
			failed = append(failed, r.Name)
		}
	})
	if protocols.KindOf(err) != protocols.KindPartial {
		t.Error(err)
	}
	if lost := map[string]string{"first": "readme", "the second": "README"}[s.tree()["readme"]]; len(failed) != 1 || failed[0] != lost || sum.Failed != 1 {
		t.Errorf("%q failed, want %q; %+v", failed, lost, sum)
	}
}

// TestSyncRenamedAtTheSource: a file that was renamed is not a reason to keep its old name,
// even where the two look alike and are as large.
func TestSyncRenamedAtTheSource(t *testing.T) {
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"a_b": "xx", "d_e/f": "yy"})
	s := newServer(map[string]string{"a b": "xx", "d e/f": "yy"})
	o := quickSync()
	o.Delete = true
	_, err := Sync(t.Context(), localEnd(dir), s.end(""), o, nil)
	check(t, err)
	equalTrees(t, s.tree(), map[string]string{"a_b": "xx", "d_e/f": "yy"})
}
