package transfer

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/ftp"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/ftplab"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// TestBackupLocal: what a sync replaces or deletes is kept, links too; the folder for it
// is not part of the tree, and a second run replaces what the first one kept.
func TestBackupLocal(t *testing.T) {
	for _, dir := range []string{"kept/old", filepath.Join(t.TempDir(), "elsewhere")} {
		src, dst := t.TempDir(), t.TempDir()
		writeTree(t, src, map[string]string{"a": "new", "d/big": pattern(1 << 20), "same": "s"})
		writeTree(t, dst, map[string]string{"a": "older", "d/big": "small", "gone": "g", "d/x/y": "deep", "same": "s"})
		check(t, os.Chtimes(filepath.Join(dst, "a"), time.Time{}, time.Unix(1e9, 0)))
		for _, side := range []string{src, dst} {
			check(t, os.Chtimes(filepath.Join(side, "same"), time.Time{}, time.Unix(1e9, 0)))
		}
		check(t, os.Symlink("a", filepath.Join(dst, "link")))
		o := quickSync()
		o.Delete, o.BackupDir = true, dir
		_, err := Sync(t.Context(), localEnd(src), localEnd(dst), o, nil)
		check(t, err)
		at := dir
		if !filepath.IsAbs(dir) {
			at = filepath.Join(dst, dir)
		}
		want := map[string]string{"a": "older", "d/big": "small", "gone": "g", "d/x/y": "deep", "link": "-> a"}
		equalTrees(t, readTree(t, at), want)
		if info, err := os.Stat(filepath.Join(at, "a")); err != nil || info.ModTime().Unix() != 1e9 {
			t.Errorf("%v, %v", info, err)
		}
		writeTree(t, src, map[string]string{"a": "newest"})
		_, err = Sync(t.Context(), localEnd(src), localEnd(dst), o, nil)
		check(t, err)
		want["a"] = "new"
		equalTrees(t, readTree(t, at), want)
		os.RemoveAll(at)
		os.Remove(filepath.Join(dst, "kept"))
		equalTrees(t, readTree(t, dst), map[string]string{"a": "newest", "d/big": pattern(1 << 20), "same": "s"})
	}
}

// TestBackupFails: where no backup can be made the old one stays.
func TestBackupFails(t *testing.T) {
	src, dst := t.TempDir(), t.TempDir()
	writeTree(t, src, map[string]string{"a/b": "newer"})
	writeTree(t, dst, map[string]string{"a/b": "old", "gone/x": "g", "kept/a": "in the way", "kept/gone": "too"})
	o, got := quickSync(), outcome{}
	o.Delete, o.BackupDir = true, "kept"
	_, err := Sync(t.Context(), localEnd(src), localEnd(dst), o, got.add)
	isPartial(t, err)
	got.want(t, "a/b", StatusFailed)
	got.want(t, "gone/x", StatusFailed)
	equalTrees(t, readTree(t, dst), map[string]string{"a/b": "old", "gone/x": "g", "kept/a": "in the way", "kept/gone": "too"})
}

// TestBackupOnAServer: there objects are moved, and moved back when the new one cannot be
// stored.
func TestBackupOnAServer(t *testing.T) {
	for _, faults := range []string{"", "ctl.code:STOR=552 quota exceeded*9"} {
		tree := base.NewTree()
		check(t, tree.MkdirAll("www/d"))
		for name, content := range map[string]string{"www/a": "older", "www/d/gone": "g", "www/same": "s"} {
			check(t, tree.WriteFile(name, []byte(content)))
		}
		s := labtest.Start(t, ftplab.Start, ftplab.Options{Tree: tree, ServerOptions: base.ServerOptions{Faults: labtest.Faults(t, faults)}})
		src := t.TempDir()
		writeTree(t, src, map[string]string{"a": "new", "same": "s"})
		catalog, err := protocols.NewRegistry(ftp.Spec())
		check(t, err)
		to, err := catalog.Parse(labtest.WithUser(s.URL())+"www/", "")
		check(t, err)
		o, got := quickSync(), outcome{}
		o.Delete, o.BackupDir, o.Parallel = true, "old", 1
		_, err = Sync(t.Context(), localEnd(src), At(to, nil), o, got.add)
		want := map[string]string{"www/a": "new", "www/same": "s", "www/old/a": "older", "www/old/d/gone": "g"}
		if faults != "" {
			isPartial(t, err)
			got.want(t, "a", StatusFailed)
			want = map[string]string{"www/a": "older", "www/same": "s", "www/old/d/gone": "g"}
		} else {
			check(t, err)
		}
		for name, content := range want {
			if b, err := tree.ReadFile(name); err != nil || string(b) != content {
				t.Errorf("faults %q: %s holds %q, want %q (%v)", faults, name, b, content, err)
			}
		}
	}
}

// TestSyncByAge: files outside of the time are left alone on both sides.
func TestSyncByAge(t *testing.T) {
	src, dst := t.TempDir(), t.TempDir()
	writeTree(t, src, map[string]string{"old": "1", "mid": "2", "new": "3"})
	writeTree(t, dst, map[string]string{"gone-old": "o", "gone-mid": "m"})
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	for dir, times := range map[string]map[string]int{src: {"old": 1, "mid": 5, "new": 9}, dst: {"gone-old": 1, "gone-mid": 5}} {
		for name, n := range times {
			check(t, os.Chtimes(filepath.Join(dir, name), time.Time{}, day(n)))
		}
	}
	o := quickSync()
	o.Delete, o.NewerThan, o.OlderThan = true, day(2), day(8)
	_, err := Sync(t.Context(), localEnd(src), localEnd(dst), o, nil)
	check(t, err)
	equalTrees(t, readTree(t, dst), map[string]string{"mid": "2", "gone-old": "o"})
}

// TestKeepOld: what is there stays, in a copy, in many at once, and in an upload.
func TestKeepOld(t *testing.T) {
	src, dst := t.TempDir(), t.TempDir()
	writeTree(t, src, map[string]string{"a": "new", "b": "new"})
	writeTree(t, dst, map[string]string{"a": "old"})
	o := quick()
	o.KeepOld = true
	for name, status := range map[string]Status{"a": StatusSkipped, "b": StatusDone} {
		r, err := Copy(t.Context(), localEnd(filepath.Join(src, name)), localEnd(filepath.Join(dst, name)), &o)
		if err != nil || r.Status != status {
			t.Errorf("%s: %s, %v", name, r.Status, err)
		}
	}
	equalTrees(t, readTree(t, dst), map[string]string{"a": "old", "b": "new"})
	s, got := newServer(map[string]string{"a": "new", "c": "new"}), outcome{}
	check(t, CopyMany(t.Context(), s.end(""), localEnd(dst), []Wanted{{Name: "a", As: "a"}, {Name: "c", As: "c"}}, &o, 2, got.add))
	got.want(t, "a", StatusSkipped)
	got.want(t, "c", StatusDone)
	equalTrees(t, readTree(t, dst), map[string]string{"a": "old", "b": "new", "c": "new"})
	if r, err := Copy(t.Context(), localEnd(filepath.Join(dst, "b")), s.end("a"), &o); err != nil || r.Status != StatusSkipped || s.tree()["a"] != "new" {
		t.Errorf("%s, %v", r.Status, err)
	}
}
