package transfer

import (
	"context"
	"errors"
	"hash/maphash"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/netclients/netclients/protocols"
)

func TestSyncDelete(t *testing.T) {
	old := map[string]string{"old": "x", "gone/a/b": "y", "gone/c": "z", "keep.log": "l", "d/keep.log": "l"}
	tests := map[string]struct {
		fault   func(s *fakeServer, o *SyncOptions)
		deleted int64
		err     bool
	}{
		"complete":   {func(*fakeServer, *SyncOptions) {}, 5, false},
		"unparsed":   {func(s *fakeServer, _ *SyncOptions) { s.extra["d"] = []protocols.Entry{{Raw: "?? what"}} }, 0, true},
		"no listing": {func(s *fakeServer, _ *SyncOptions) { s.fails["ls d"] = &protocols.Error{Kind: protocols.KindRefused} }, 0, true},
		"empty":      {func(s *fakeServer, _ *SyncOptions) { clear(s.files) }, 0, true},
		"empty, allowed": {func(s *fakeServer, o *SyncOptions) {
			clear(s.files)
			o.MaxDelete = -1
		}, 5, false},
		"few":       {func(_ *fakeServer, o *SyncOptions) { o.MaxDelete = 4 }, 0, true},
		"dry":       {func(_ *fakeServer, o *SyncOptions) { o.DryRun = true }, 5, false},
		"top fails": {func(s *fakeServer, _ *SyncOptions) { s.fails["ls "] = &protocols.Error{Kind: protocols.KindRefused} }, 0, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := newServer(map[string]string{"d/f": "1"})
			dir := t.TempDir()
			writeTree(t, dir, old)
			o := quickSync()
			o.Delete, o.Exclude = true, []string{"*.log"}
			tt.fault(s, o)
			sum, err := Sync(t.Context(), s.end(""), localEnd(dir), o, nil)
			if sum.Deleted != tt.deleted || (err != nil) != tt.err {
				t.Errorf("%+v, %v", sum, err)
			}
			got := readTree(t, dir)
			for n := range old {
				if _, ok := got[n]; ok != (tt.deleted == 0 || o.DryRun || strings.HasSuffix(n, ".log")) {
					t.Errorf("%s there: %v", n, ok)
				}
			}
		})
	}
}

func TestSyncDeleteRemote(t *testing.T) {
	src := t.TempDir()
	writeTree(t, src, map[string]string{"a": "1"})
	s := newServer(map[string]string{"t/b": "2", "t/d/e/f": "3", "u": "4", "t/z.ncpart": "old"})
	o := quickSync()
	o.Delete = true
	sum, err := Sync(t.Context(), localEnd(src), s.end("t"), o, nil)
	check(t, err)
	if sum.Deleted != 4 {
		t.Errorf("%+v", sum)
	}
	equalTrees(t, s.tree(), map[string]string{"t/a": "1", "u": "4"})
}

// TestSyncDeleteOddNames: a name in the destination's listing that is not one component
// is sent in no command, and nothing is deleted from the folder that lists it; other
// folders are not concerned.
func TestSyncDeleteOddNames(t *testing.T) {
	for _, name := range []string{"../neighbour", "/abs/neighbour", "a/../../neighbour", "sub/neighbour", "..", ".", "", "x\r\nDELE y", "nul\x00", "../neighbour.ncpart"} {
		for _, folder := range []string{"t", "t/d", "t/doomed"} {
			src := t.TempDir()
			writeTree(t, src, map[string]string{"a": "1", "d/a": "1"})
			s := newServer(map[string]string{
				"t/b": "2", "t/z.ncpart": "old", "t/d/b": "2", "t/d/z.ncpart": "old", "t/doomed/b": "2", "t/gone/b": "2", "neighbour": "!", "t/neighbour": "2",
			})
			s.extra[folder] = []protocols.Entry{{Protocol: "fake", Name: name, Path: folder + "/" + name, Type: protocols.TypeFile, Size: 4, Modified: then}}
			o, got := quickSync(), outcome{}
			o.Delete = true
			_, err := Sync(t.Context(), localEnd(src), s.end("t"), o, got.add)
			isPartial(t, err)
			got.want(t, strings.TrimPrefix(strings.TrimPrefix(folder, "t"), "/"), StatusFailed)
			for left := range s.tree() {
				stays := path.Dir(left) == folder || folder == "t" && !strings.HasPrefix(left, "t/d/")
				if left != "neighbour" && path.Base(left) != "a" && !stays {
					t.Errorf("%q in %s: %s is still there", name, folder, left)
				}
			}
			for _, in := range []string{folder + "/b", "neighbour"} {
				if _, there := s.files[in]; !there {
					t.Errorf("%q in %s: %s was deleted", name, folder, in)
				}
			}
		}
	}
}

func TestSyncDryRunWritesNothing(t *testing.T) {
	s := newServer(map[string]string{"a": "1", "d/b": "22", "d/c": "3", "old": "!"})
	dst := t.TempDir()
	writeTree(t, dst, map[string]string{"d/c": "x", "x.ncpart": "part", "d/gone": "g"})
	state := filepath.Join(t.TempDir(), "state", "journal")
	before := readTree(t, dst)
	o := quickSync()
	o.DryRun, o.Delete, o.Journal = true, true, state
	dry := outcome{}
	dsum, err := Sync(t.Context(), s.end(""), localEnd(dst), o, dry.add)
	check(t, err)
	equalTrees(t, readTree(t, dst), before)
	if _, err := os.Stat(filepath.Dir(state)); err == nil {
		t.Error("the state folder was made")
	}
	missing := filepath.Join(dst, "none")
	_, err = Sync(t.Context(), s.end(""), localEnd(missing), o, nil)
	check(t, err)
	if _, err := os.Stat(missing); err == nil {
		t.Error("the destination was made")
	}
	to := newServer(nil)
	_, err = Sync(t.Context(), s.end(""), to.end("x/y"), o, nil)
	check(t, err)
	if to.changes != 0 {
		t.Errorf("%d changes at the server", to.changes)
	}
	o.DryRun = false
	wet := outcome{}
	sum, err := Sync(t.Context(), s.end(""), localEnd(dst), o, wet.add)
	check(t, err)
	if sum != dsum || len(wet) != len(dry) {
		t.Errorf("dry %+v, wet %+v", dsum, sum)
	}
	for name, r := range wet {
		dry.want(t, name, r.Status)
	}
}

func TestSyncNames(t *testing.T) {
	entry := func(name string, typ protocols.Type) protocols.Entry {
		return protocols.Entry{Protocol: "fake", Name: name, Path: "good", Type: typ, Size: 4, Modified: then}
	}
	s := newServer(map[string]string{"good": "fine"})
	bad := []string{"../x", "/abs", "..", ".", "a/b", "nul\x00", "", strings.Repeat("n", 256)}
	for _, n := range bad {
		s.extra[""] = append(s.extra[""], entry(n, protocols.TypeFile), entry(n, protocols.TypeDir))
	}
	s.extra[""] = append(s.extra[""], entry("esc\x1b[2J", protocols.TypeFile), entry("-rf", protocols.TypeFile), entry("x.ncpart", protocols.TypeFile))
	around := t.TempDir()
	dir := filepath.Join(around, "in")
	sum, err := Sync(t.Context(), s.end(""), localEnd(dir), quickSync(), nil)
	isPartial(t, err)
	if sum.Failed != int64(2*len(bad)) || sum.Done != 3 {
		t.Errorf("%+v", sum)
	}
	equalTrees(t, readTree(t, around), map[string]string{"in/good": "fine", "in/esc%1B[2J": "fine", "in/-rf": "fine"})

	src := t.TempDir()
	writeTree(t, src, map[string]string{"ok": "1", "cr\rlf\n": "2"})
	up := newServer(nil)
	sum, err = Sync(t.Context(), localEnd(src), up.end(""), quickSync(), nil)
	isPartial(t, err)
	if sum.Failed != 1 {
		t.Errorf("%+v", sum)
	}
	equalTrees(t, up.tree(), map[string]string{"ok": "1"})
}

func TestSyncLinkTraps(t *testing.T) {
	outside := t.TempDir()
	t.Run("one listing", func(t *testing.T) {
		s := newServer(map[string]string{"evil/f": "x"})
		s.extra[""] = []protocols.Entry{{Name: "evil", Type: protocols.TypeLink, Target: outside, Size: -1}}
		out := outcome{}
		_, err := Sync(t.Context(), s.end(""), localEnd(t.TempDir()), quickSync(), out.add)
		isPartial(t, err)
		onlyFile(t, outside)
	})
	t.Run("two runs", func(t *testing.T) {
		dir := t.TempDir()
		check(t, os.Symlink(outside, filepath.Join(dir, "evil")))
		check(t, os.Symlink(filepath.Join(outside, "f"), filepath.Join(dir, "file")))
		s := newServer(map[string]string{"evil/f": "x", "file": "y"})
		out := outcome{}
		_, err := Sync(t.Context(), s.end(""), localEnd(dir), quickSync(), out.add)
		isPartial(t, err)
		out.want(t, "evil", StatusFailed)
		out.want(t, "file", StatusFailed)
		onlyFile(t, outside)
	})
	t.Run("targets", func(t *testing.T) {
		s := newServer(map[string]string{"d/f": "x"})
		s.links = map[string]string{"d/in": "../d/f", "d/up": "../../f", "d/abs": "/etc/passwd", "d/tricky": "in/../../../x"}
		dir := t.TempDir()
		out := outcome{}
		_, err := Sync(t.Context(), s.end(""), localEnd(dir), quickSync(), out.add)
		check(t, err)
		out.want(t, "d/in", StatusDone)
		for _, n := range []string{"d/up", "d/abs", "d/tricky"} {
			out.want(t, n, StatusSkipped)
		}
		equalTrees(t, readTree(t, dir), map[string]string{"d/f": "x", "d/in": "-> ../d/f"})
		s.links["d/in"] = "f"
		_, err = Sync(t.Context(), s.end(""), localEnd(dir), quickSync(), nil)
		check(t, err)
		equalTrees(t, readTree(t, dir), map[string]string{"d/f": "x", "d/in": "-> f"})
	})
	t.Run("follow", func(t *testing.T) {
		src, dir := t.TempDir(), t.TempDir()
		writeTree(t, src, map[string]string{"d/f": "x"})
		check(t, os.Symlink("d", filepath.Join(src, "dlink")))
		check(t, os.Symlink("d/f", filepath.Join(src, "flink")))
		check(t, os.Symlink(outside, filepath.Join(src, "out")))
		o := quickSync()
		o.Links = LinksFollow
		_, err := Sync(t.Context(), localEnd(src), localEnd(dir), o, nil)
		isPartial(t, err)
		equalTrees(t, readTree(t, dir), map[string]string{"d/f": "x", "dlink/f": "x", "flink": "x"})
	})
}

func TestSyncConflicts(t *testing.T) {
	s := newServer(map[string]string{"a": "1", "d/f": "2", "ok": "3"})
	dir := t.TempDir()
	before := map[string]string{"a/in": "x", "d": "y"}
	writeTree(t, dir, before)
	out := outcome{}
	_, err := Sync(t.Context(), s.end(""), localEnd(dir), quickSync(), out.add)
	isPartial(t, err)
	out.want(t, "a", StatusFailed)
	out.want(t, "d", StatusFailed)
	before["ok"] = "3"
	equalTrees(t, readTree(t, dir), before)
}

func TestSyncCaseless(t *testing.T) {
	p := &folderPlan{s: &treeSync{caseless: true}, seen: map[uint64]uint16{}, seed: maphash.MakeSeed(), pass: 1}
	if _, err := p.twice("Readme"); err != nil {
		t.Error(err)
	}
	if _, err := p.twice("README"); err == nil {
		t.Error("not noticed")
	}
}

// TestSyncEndlessListing: neither the names of a folder nor the jobs that wait for its
// end grow without bound.
func TestSyncEndlessListing(t *testing.T) {
	p := &folderPlan{s: &treeSync{o: &SyncOptions{}, jobs: make(chan *job)}, seen: map[uint64]uint16{}, seed: maphash.MakeSeed(), pass: 1, in: &folder{exists: true}}
	p.names = maxEntries
	err := p.entry(t.Context(), protocols.Entry{Name: "one more", Type: protocols.TypeFile})
	if protocols.KindOf(err) != protocols.KindProtocol {
		t.Errorf("%v, want one of kind protocol", err)
	}
	p.later = make([]*job, maxBacklog)
	j := &job{in: p.in, name: "f"}
	go func() { <-p.s.jobs }()
	if err := p.wait(t.Context(), j); err != nil || len(p.later) != maxBacklog {
		t.Errorf("%v, %d wait", err, len(p.later))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.in.hold()
	if err := p.wait(ctx, j); err == nil {
		t.Error("goes on after the end")
	}
}

func TestSyncEndlessTree(t *testing.T) {
	s := newServer(map[string]string{"a/f": "1"})
	s.extra["a"] = []protocols.Entry{{Name: "again", Path: "a", Type: protocols.TypeDir, Size: -1}}
	out := outcome{}
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"old": ""})
	o := quickSync()
	o.Delete = true
	_, err := Sync(t.Context(), s.end(""), localEnd(dir), o, out.add)
	if !errors.Is(err, protocols.ErrIncomplete) {
		t.Errorf("%v", err)
	}
	out.want(t, "a/again", StatusSkipped)
}

func TestSyncIntoItself(t *testing.T) {
	dir := t.TempDir()
	_, err := Sync(t.Context(), localEnd(dir), localEnd(filepath.Join(dir, "in")), nil, nil)
	if protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("%v", err)
	}
	onlyFile(t, dir)
}

func TestSyncOneRunAtATime(t *testing.T) {
	s := newServer(map[string]string{"a": "1"})
	dir := t.TempDir()
	var second error
	var once sync.Once
	s.onGet = func(string, int64) {
		once.Do(func() { _, second = Sync(t.Context(), newServer(nil).end(""), localEnd(dir), quickSync(), nil) })
	}
	_, err := Sync(t.Context(), s.end(""), localEnd(dir), quickSync(), nil)
	check(t, err)
	if !errors.Is(second, protocols.ErrBusy) || protocols.KindOf(second) != protocols.KindLocal {
		t.Errorf("second run: %v", second)
	}
}

func TestSyncSweepsOldParts(t *testing.T) {
	s := newServer(map[string]string{"a": "1", "big": pattern(2 << 20)})
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"a.ncpart": "x", ".b.ABC.ncpart": "y", "c.ncpart.json": "{}", "big.ncpart": "junk", "big.ncpart.json": "torn{"})
	check(t, os.Symlink("nowhere", filepath.Join(dir, ".l.ncpart")))
	_, err := Sync(t.Context(), s.end(""), localEnd(dir), quickSync(), nil)
	check(t, err)
	equalTrees(t, readTree(t, dir), s.tree())
}

func TestSyncDeleteWithIncludes(t *testing.T) {
	s := newServer(map[string]string{"a.c": "1"})
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"old/x.c": "", "mixed/x.c": "", "mixed/x.o": "", "deep/er/y.c": "", "empty/": "", "z.o": ""})
	o := quickSync()
	o.Delete, o.Include = true, []string{"*.c"}
	_, err := Sync(t.Context(), s.end(""), localEnd(dir), o, nil)
	check(t, err)
	equalTrees(t, readTree(t, dir), map[string]string{"a.c": "1", "mixed/x.o": "", "empty/": "", "z.o": ""})
}

// TestSyncRemovesPartsBeforeItWritesThem: the server may hold a lock on what a
// session that was cut off has left.
func TestSyncRemovesPartsBeforeItWritesThem(t *testing.T) {
	src := t.TempDir()
	writeTree(t, src, map[string]string{"small": "1", "large": pattern(2 << 20), "other": pattern(2 << 20)})
	s := newServer(map[string]string{"small.ncpart": "0", "large.ncpart": pattern(2 << 20)[:1<<20], "other.ncpart": "junk"})
	s.locked = true
	out := outcome{}
	_, err := Sync(t.Context(), localEnd(src), s.end(""), quickSync(), out.add)
	check(t, err)
	equalTrees(t, s.tree(), readTree(t, src))
	if r := out.want(t, "large", StatusDone); r.ResumedAt != 1<<20 {
		t.Errorf("large was resumed at %d", r.ResumedAt)
	}
}

func TestSyncTakesATemporaryNoAtLoginForTooMany(t *testing.T) {
	s := newServer(many(40))
	s.limit, s.plain = 2, true
	dir := t.TempDir()
	o := quickSync()
	o.Parallel, o.Retries = 8, -1
	_, err := Sync(t.Context(), s.end(""), localEnd(dir), o, nil)
	check(t, err)
	equalTrees(t, readTree(t, dir), s.tree())
}
