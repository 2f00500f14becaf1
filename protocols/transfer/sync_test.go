package transfer

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// localEnd is an endpoint for a local folder or file.
func localEnd(path string) Endpoint {
	return Endpoint{
		Open:     func() (protocols.Client, error) { return file.New(path, nil), nil },
		URL:      file.URL(path),
		Protocol: "file",
	}
}

// writeTree makes files below dir; a name that ends in a slash is a folder.
func writeTree(t testing.TB, dir string, tree map[string]string) {
	t.Helper()
	for name, content := range tree {
		p := filepath.Join(dir, name)
		if name[len(name)-1] == '/' {
			check(t, os.MkdirAll(p, 0o777))
			continue
		}
		check(t, os.MkdirAll(filepath.Dir(p), 0o777))
		check(t, os.WriteFile(p, []byte(content), 0o666))
	}
}

// readTree returns what writeTree would make: files, empty folders, and links as
// "-> target".
func readTree(t testing.TB, dir string) map[string]string {
	t.Helper()
	tree := map[string]string{}
	err := filepath.Walk(dir, func(p string, info os.FileInfo, err error) error {
		check(t, err)
		rel, err := filepath.Rel(dir, p)
		check(t, err)
		switch {
		case info.IsDir():
			if in, err := os.ReadDir(p); err == nil && len(in) == 0 {
				tree[rel+"/"] = ""
			}
		case info.Mode()&os.ModeSymlink != 0:
			to, err := os.Readlink(p)
			check(t, err)
			tree[rel] = "-> " + to
		default:
			b, err := os.ReadFile(p)
			check(t, err)
			tree[rel] = string(b)
		}
		return nil
	})
	check(t, err)
	return tree
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equalTrees(t testing.TB, got, want map[string]string) {
	t.Helper()
	for name, content := range want {
		if g, ok := got[name]; !ok {
			t.Errorf("%q is missing", name)
		} else if g != content {
			t.Errorf("%q: %d bytes, want %d", name, len(g), len(content))
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%q should not be there", name)
		}
	}
}

// outcome collects the results of a sync by name.
type outcome map[string]Result

func (o outcome) add(r Result) { o[r.Name] = r }

func (o outcome) want(t testing.TB, name string, status Status) Result {
	t.Helper()
	r, ok := o[name]
	if !ok {
		t.Fatalf("no result for %q; there are %v", name, o)
	}
	if r.Status != status {
		t.Errorf("%q is %s, want %s (%v, %s)", name, r.Status, status, r.Err, r.Note)
	}
	return r
}

func TestSyncLocal(t *testing.T) {
	src, dst := t.TempDir(), filepath.Join(t.TempDir(), "new", "tree")
	big := string(make([]byte, 3<<20))
	writeTree(t, src, map[string]string{"a": "1", "d/e/f": "22", "d/big": big, "empty/": "", "d/zero": ""})
	check(t, os.Symlink("e/f", filepath.Join(src, "d/link")))
	out := outcome{}
	sum, err := Sync(t.Context(), localEnd(src), localEnd(dst), nil, out.add)
	check(t, err)
	if want := (Summary{Done: 5, Bytes: 3 + 3<<20}); sum != want {
		t.Errorf("summary %+v, want %+v", sum, want)
	}
	equalTrees(t, readTree(t, dst), readTree(t, src))
	sum, err = Sync(t.Context(), localEnd(src), localEnd(dst), nil, nil)
	check(t, err)
	if want := (Summary{Skipped: 5}); sum != want {
		t.Errorf("second run %+v, want %+v", sum, want)
	}
}

// quickSync is sync options whose retries do not wait.
func quickSync() *SyncOptions { return &SyncOptions{Options: quick()} }

func TestSyncBothWays(t *testing.T) {
	s := newServer(many(300))
	dir := t.TempDir()
	o := quickSync()
	sum, err := Sync(t.Context(), s.end(""), localEnd(dir), o, nil)
	check(t, err)
	if sum.Done != 300 {
		t.Errorf("%+v", sum)
	}
	equalTrees(t, readTree(t, dir), s.tree())
	if s.most > 5 {
		t.Errorf("%d connections at once", s.most)
	}
	back := newServer(nil)
	sum, err = Sync(t.Context(), localEnd(dir), back.end("up/here"), o, nil)
	check(t, err)
	if sum.Done != 300 {
		t.Errorf("%+v", sum)
	}
	got := map[string]string{}
	for name, content := range back.tree() {
		if rel, ok := strings.CutPrefix(name, "up/here/"); ok && !strings.HasSuffix(name, "/") {
			got[rel] = content
		}
	}
	equalTrees(t, got, s.tree())
	sum, err = Sync(t.Context(), localEnd(dir), back.end("up/here"), o, nil)
	check(t, err)
	if sum.Skipped != 300 || sum.Done != 0 {
		t.Errorf("again: %+v", sum)
	}
}

// TestSyncURLs: both URLs of a result can be used again, whatever the name.
func TestSyncURLs(t *testing.T) {
	src, dst := t.TempDir(), t.TempDir()
	writeTree(t, src, map[string]string{"d #1/50%41 a;type=a": "x"})
	_, err := Sync(t.Context(), localEnd(src), localEnd(dst), nil, func(r Result) {
		for _, text := range []string{r.Source, r.Destination} {
			u, err := protocols.ParseURL(text, "")
			if err != nil || !strings.HasSuffix(u.Path, "/d #1/50%41 a;type=a") {
				t.Errorf("%q: %q, %v", text, u, err)
			}
		}
	})
	check(t, err)
}

// TestSyncTreeWithoutEnd: what lies too deep is a failure, unless the user has set
// the depth.
func TestSyncTreeWithoutEnd(t *testing.T) {
	src := t.TempDir()
	writeTree(t, src, map[string]string{strings.Repeat("d/", 102) + "f": "x"})
	for depth, failed := range map[int]int64{0: 1, 2: 0, 200: 0} {
		sum, _ := Sync(t.Context(), localEnd(src), localEnd(t.TempDir()), &SyncOptions{Depth: depth}, func(r Result) {
			if r.Status == StatusFailed && protocols.KindOf(r.Err) != protocols.KindProtocol {
				t.Errorf("depth %d: %v", depth, r.Err)
			}
		})
		if sum.Failed != failed {
			t.Errorf("depth %d: %+v, want %d failed", depth, sum, failed)
		}
	}
}

func TestSyncCopiesWhatChanged(t *testing.T) {
	s := newServer(map[string]string{"same": "a", "size": "b", "time": "c"})
	dir := t.TempDir()
	o := quickSync()
	_, err := Sync(t.Context(), s.end(""), localEnd(dir), o, nil)
	check(t, err)
	s.files["size"] = []byte("bb")
	s.files["time"] = []byte("C")
	s.times["time"] = then.Add(time.Minute)
	out := outcome{}
	_, err = Sync(t.Context(), s.end(""), localEnd(dir), o, out.add)
	check(t, err)
	out.want(t, "same", StatusSkipped)
	out.want(t, "size", StatusDone)
	out.want(t, "time", StatusDone)
	equalTrees(t, readTree(t, dir), s.tree())
}

func TestUpToDate(t *testing.T) {
	min, day := time.Minute, 24*time.Hour
	tests := []struct {
		name   string
		size   int64
		behind time.Duration // destination's time less the source's
		src    time.Duration // accuracy
		remote bool
		want   bool
	}{
		{"equal", 5, 0, 0, false, true},
		{"other size", 6, 0, 0, false, false},
		{"half a second", 5, time.Second / 2, 0, false, true},
		{"seconds", 5, 3 * time.Second, 0, false, false},
		{"seconds in minutes", 5, 30 * time.Second, min, false, true},
		{"two minutes", 5, 2 * min, min, false, false},
		{"hours in days", 5, 20 * time.Hour, day, false, true},
		{"days in days", 5, 2000 * time.Hour, day, false, true},
		{"remote newer", 5, time.Hour, 0, true, true},
		{"remote older", 5, -time.Hour, 0, true, false},
	}
	for _, tt := range tests {
		s := &treeSync{o: &SyncOptions{}}
		if !tt.remote {
			s.local = file.New("", nil)
		}
		e := &protocols.Entry{Size: tt.size, Modified: then, Accuracy: tt.src}
		h := &destEntry{kind: protocols.TypeFile, size: 5, modified: then.Add(tt.behind)}
		if got := s.upToDate(e, h, "x"); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestSyncChecksum(t *testing.T) {
	s := newServer(map[string]string{"a": "one", "b": "two"})
	dir := t.TempDir()
	o := quickSync()
	_, err := Sync(t.Context(), s.end(""), localEnd(dir), o, nil)
	check(t, err)
	s.files["b"] = []byte("TWO") // same size and time
	o.Checksum = true
	out := outcome{}
	_, err = Sync(t.Context(), s.end(""), localEnd(dir), o, out.add)
	check(t, err)
	out.want(t, "a", StatusSkipped)
	out.want(t, "b", StatusDone)
	equalTrees(t, readTree(t, dir), s.tree())
}

func TestSyncRetriesAndReportsTheRest(t *testing.T) {
	files := many(50)
	files["bad"] = "x"
	files["large"] = pattern(2 << 20)
	s := newServer(files)
	s.fails["get bad"] = &protocols.Error{Kind: protocols.KindRefused, Code: 550}
	s.cuts["d0/e0/f000"] = []int64{0}
	s.cuts["d1/e1/f001"] = []int64{5, 0}
	s.cuts["large"] = []int64{1 << 20, 10}
	dir := t.TempDir()
	out := outcome{}
	sum, err := Sync(t.Context(), s.end(""), localEnd(dir), quickSync(), out.add)
	isPartial(t, err)
	if sum.Failed != 1 || sum.Done != 51 {
		t.Errorf("%+v", sum)
	}
	out.want(t, "bad", StatusFailed)
	delete(files, "bad")
	equalTrees(t, readTree(t, dir), files)
}

func TestSyncFewerWorkersWhenTheServerSaysSo(t *testing.T) {
	for _, limit := range []int{1, 2, 3} {
		s := newServer(many(100))
		s.limit = limit
		dir := t.TempDir()
		o := quickSync()
		o.Parallel = 8
		sum, err := Sync(t.Context(), s.end(""), localEnd(dir), o, nil)
		check(t, err)
		if sum.Done != 100 || s.most > limit {
			t.Errorf("limit %d: %+v, %d at once", limit, sum, s.most)
		}
		equalTrees(t, readTree(t, dir), s.tree())
		up := newServer(nil)
		up.limit = limit
		_, err = Sync(t.Context(), localEnd(dir), up.end(""), o, nil)
		check(t, err)
		equalTrees(t, up.tree(), s.tree())
	}
}

func TestSyncServerToServerWithOneConnectionEach(t *testing.T) {
	a, b := newServer(many(120)), newServer(nil)
	a.limit, b.limit = 1, 1
	o := quickSync()
	o.Parallel = 6
	_, err := Sync(t.Context(), a.end(""), b.end(""), o, nil)
	check(t, err)
	equalTrees(t, b.tree(), a.tree())
}

func TestSyncBulk(t *testing.T) {
	for _, after := range []int{-1, 0, 7} {
		s := newServer(many(200))
		s.cuts["d0/e0/f000"] = []int64{0}
		asked := 0
		end := s.end("")
		end.Open = func() (protocols.Client, error) {
			return &bulkClient{&fakeClient{s: s}, after, &asked}, nil
		}
		dir := t.TempDir()
		sum, err := Sync(t.Context(), end, localEnd(dir), quickSync(), nil)
		check(t, err)
		if sum.Done != 200 || after != 0 && asked == 0 {
			t.Errorf("after %d: %+v, %d in bulk", after, sum, asked)
		}
		equalTrees(t, readTree(t, dir), s.tree())
	}
}

func TestSyncListingCutOnceIsRepeated(t *testing.T) {
	s := newServer(many(60))
	s.cutList["d0/e0"] = 1
	s.cutList[""] = 2
	dir := t.TempDir()
	o := quickSync()
	o.Delete = true
	writeTree(t, dir, map[string]string{"old": "x"})
	sum, err := Sync(t.Context(), s.end(""), localEnd(dir), o, nil)
	check(t, err)
	if sum.Done != 60 || sum.Deleted != 1 {
		t.Errorf("%+v", sum)
	}
	equalTrees(t, readTree(t, dir), s.tree())
}

// TestSyncFileBecameFolder: the file in the place of a folder goes only when the folder can
// be listed.
func TestSyncFileBecameFolder(t *testing.T) {
	for name, closed := range map[string]bool{"the folder can be listed": false, "it cannot": true} {
		t.Run(name, func(t *testing.T) {
			s := newServer(map[string]string{"b/inside": "new", "c": "c"})
			s.noList["b"] = closed
			dir := t.TempDir()
			o := quickSync()
			o.Delete = true
			writeTree(t, dir, map[string]string{"b": "old", "gone": "x"})
			sum, err := Sync(t.Context(), s.end(""), localEnd(dir), o, nil)
			want := map[string]string{"b/inside": "new", "c": "c"}
			if closed {
				want = map[string]string{"b": "old", "c": "c", "gone": "x"}
			}
			if (err != nil) != closed {
				t.Errorf("%+v, %v", sum, err)
			}
			equalTrees(t, readTree(t, dir), want)
		})
	}
}

func TestSyncGlobs(t *testing.T) {
	s := newServer(map[string]string{"a.c": "", "a.o": "", "src/b.c": "", "src/b.o": "", "tmp/c.c": "", "doc/x/y.txt": ""})
	dir := t.TempDir()
	o := quickSync()
	o.Include, o.Exclude = []string{"*.c", "/doc/"}, []string{"tmp/"}
	_, err := Sync(t.Context(), s.end(""), localEnd(dir), o, nil)
	check(t, err)
	equalTrees(t, readTree(t, dir), map[string]string{"a.c": "", "src/b.c": "", "doc/x/y.txt": ""})
	o.Include = []string{"["}
	if _, err := Sync(t.Context(), s.end(""), localEnd(dir), o, nil); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("%v", err)
	}
}

func TestSyncJournalKnowsWhatTimesCannotTell(t *testing.T) {
	src := t.TempDir()
	writeTree(t, src, map[string]string{"a": "1"})
	s := newServer(nil)
	o := quickSync()
	o.Journal = filepath.Join(t.TempDir(), "s", "j")
	_, err := Sync(t.Context(), localEnd(src), s.end(""), o, nil)
	check(t, err)
	s.times["a"] = then // older than the source: without the journal it is copied
	sum, err := Sync(t.Context(), localEnd(src), s.end(""), o, nil)
	check(t, err)
	if sum.Skipped != 1 {
		t.Errorf("with: %+v", sum)
	}
	o.Journal = ""
	sum, err = Sync(t.Context(), localEnd(src), s.end(""), o, nil)
	check(t, err)
	if sum.Done != 1 {
		t.Errorf("without: %+v", sum)
	}
}

func TestSyncModesAndTimes(t *testing.T) {
	src, dst := t.TempDir(), t.TempDir()
	writeTree(t, src, map[string]string{"run": "#!", "d/secret": "s"})
	check(t, os.Chmod(filepath.Join(src, "run"), 0o755))
	check(t, os.Chmod(filepath.Join(src, "d/secret"), 0o600))
	check(t, os.Chtimes(filepath.Join(src, "run"), then, then))
	_, err := Sync(t.Context(), localEnd(src), localEnd(dst), nil, nil)
	check(t, err)
	for name, mode := range map[string]os.FileMode{"run": 0o755, "d/secret": 0o600} {
		info, err := os.Stat(filepath.Join(dst, name))
		check(t, err)
		if info.Mode() != mode {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
	info, err := os.Stat(filepath.Join(dst, "run"))
	check(t, err)
	if !info.ModTime().Equal(then) {
		t.Errorf("time %v", info.ModTime())
	}
}

func TestSyncInterrupted(t *testing.T) {
	s := newServer(many(200))
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	gets := 0
	s.onGet = func(string, int64) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if gets++; gets == 50 {
			cancel()
		}
	}
	sum, err := Sync(ctx, s.end(""), localEnd(dir), quickSync(), nil)
	if protocols.KindOf(err) != protocols.KindInterrupted || sum.Failed != 0 || sum.Done == 200 {
		t.Errorf("%+v %v", sum, err)
	}
	if s.conns != 0 {
		t.Errorf("%d connections left open", s.conns)
	}
	s.onGet = nil
	again, err := Sync(t.Context(), s.end(""), localEnd(dir), quickSync(), nil)
	check(t, err)
	if again.Done+sum.Done != 200 {
		t.Errorf("%d and then %d done", sum.Done, again.Done)
	}
	equalTrees(t, readTree(t, dir), s.tree())
}

func TestSyncLoginRefusedEndsAtOnce(t *testing.T) {
	s := newServer(many(10))
	s.fails["ls "] = &protocols.Error{Kind: protocols.KindAuth, Code: 530}
	_, err := Sync(t.Context(), s.end(""), localEnd(t.TempDir()), quickSync(), nil)
	if protocols.KindOf(err) != protocols.KindAuth || s.logins != 1 {
		t.Errorf("%v after %d logins", err, s.logins)
	}
}

func TestSyncResumesLargeFilesOfAnEarlierRun(t *testing.T) {
	s := newServer(map[string]string{"d/large": pattern(3 << 20)})
	s.cuts["d/large"] = []int64{2 << 20}
	dir := t.TempDir()
	o := quickSync()
	o.Retries = -1
	_, err := Sync(t.Context(), s.end(""), localEnd(dir), o, nil)
	isPartial(t, err)
	out := outcome{}
	_, err = Sync(t.Context(), s.end(""), localEnd(dir), o, out.add)
	check(t, err)
	if r := out.want(t, "d/large", StatusDone); r.ResumedAt != 2<<20 || r.Bytes != 1<<20 {
		t.Errorf("%+v", r)
	}
	equalTrees(t, readTree(t, dir), s.tree())
}

func TestSyncDurability(t *testing.T) {
	for _, d := range []Durability{DurabilityEach, DurabilityGroup, DurabilityNone} {
		s := newServer(many(150))
		dir := t.TempDir()
		o := quickSync()
		o.Durability, o.Journal = d, filepath.Join(t.TempDir(), "j")
		_, err := Sync(t.Context(), s.end(""), localEnd(dir), o, nil)
		check(t, err)
		equalTrees(t, readTree(t, dir), s.tree())
		j, err := OpenJournal(t.Context(), o.Journal)
		check(t, err)
		check(t, j.Close())
		if n := strings.Count(contentOf(t, o.Journal), `"path":`); n != 150 {
			t.Errorf("%v: %d in the journal", d, n)
		}
	}
}
