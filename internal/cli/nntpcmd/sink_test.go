package nntpcmd

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols/nntp"
)

// yencArticle is a file in one part, under the name that its author chose.
func yencArticle(name, text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		b.WriteByte(c + 42)
	}
	return fmt.Sprintf("=ybegin line=128 size=%d name=%s\n%s\n=yend size=%d crc32=%08x\n",
		len(text), name, b.String(), len(text), crc32.ChecksumIEEE([]byte(text)))
}

// decodeOne stores what an article holds, as get --decode does.
func decodeOne(t *testing.T, dir, text string, overwrite bool) error {
	t.Helper()
	names := kit.ChosenNames{Overwrite: overwrite}
	place, err := names.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer place.Close()
	d := newDecoding(place, 0)
	if err := d.decode(&article{name: "1"}, strings.NewReader(text)); err != nil {
		return err
	}
	var all error
	for _, f := range d.order {
		_, err := d.store(f)
		all = errors.Join(all, err)
	}
	return all
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

func TestDecodedFileReplacesNothing(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "mine")
	if err := os.WriteFile(mine, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mine", ".mine", "-mine", "/x/../mine"} {
		if err := decodeOne(t, dir, yencArticle(name, "posted"), false); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := content(t, mine); got != "precious" {
		t.Errorf("the file holds %q", got)
	}
	if err := decodeOne(t, dir, yencArticle("mine", "posted"), true); err != nil || content(t, mine) != "posted" {
		t.Errorf("--overwrite: %v", err)
	}
	for posted, want := range map[string]string{".bashrc": "bashrc", "-rf": "rf", "ok.bin": "ok.bin"} {
		if err := decodeOne(t, dir, yencArticle(posted, "posted"), false); err != nil || content(t, filepath.Join(dir, want)) != "posted" {
			t.Errorf("%s: %v", posted, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.ncpart")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// traps are what somebody who may write to the folder can put in the place of a file.
var traps = map[string]func(old, new string) error{"symlink": os.Symlink, "hard link": os.Link}

func TestDecodedPartFollowsNoLink(t *testing.T) {
	for kind, plant := range traps {
		dir, victim := t.TempDir(), filepath.Join(t.TempDir(), "victim")
		if err := errors.Join(os.WriteFile(victim, []byte("precious"), 0o600), plant(victim, filepath.Join(dir, "f.bin.ncpart"))); err != nil {
			t.Fatal(err)
		}
		if err := decodeOne(t, dir, yencArticle("f.bin", "posted"), false); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		info, err := os.Lstat(filepath.Join(dir, "f.bin"))
		if err != nil || !info.Mode().IsRegular() || content(t, filepath.Join(dir, "f.bin")) != "posted" {
			t.Errorf("%s: %v, %v", kind, info, err)
		}
		if got := content(t, victim); got != "precious" {
			t.Errorf("%s: the other file holds %q", kind, got)
		}
	}
}

// TestNotesFollowNoLink: neither notes nor the part of an NZB download are gone on
// from, written or emptied when they are links.
func TestNotesFollowNoLink(t *testing.T) {
	wanted := &nntp.NZBFile{Subject: `"f.bin"`, Segments: []nntp.NZBSegment{{ID: "<1@x>", Number: 1}, {ID: "<2@x>", Number: 2}}}
	piece := nntp.Piece{Name: "f.bin", Length: 5, Size: 10, Part: 1, Total: 2}
	for _, resume := range []bool{false, true} {
		for kind, plant := range traps {
			for _, trap := range []string{"notes", "part", ""} {
				dir, victim := t.TempDir(), filepath.Join(t.TempDir(), "victim")
				begunNZB(t, dir, wanted, piece)
				path := filepath.Join(dir, map[string]string{"notes": notesOf(t, dir), "part": "f.bin.ncpart", "": "unused"}[trap])
				held, _ := os.ReadFile(path)
				os.Remove(path)
				if err := errors.Join(os.WriteFile(victim, held, 0o600), plant(victim, path)); err != nil {
					t.Fatal(err)
				}
				place, err := (&kit.ChosenNames{}).Open(dir)
				if err != nil {
					t.Fatal(err)
				}
				s := &nzbSink{ChosenPlace: place}
				begun, err := s.begin(wanted, resume)
				if want := resume && trap == ""; (len(begun) == 1) != want || err != nil {
					t.Errorf("%s as %s: begun %v, %v", kind, trap, begun, err)
				}
				if w, err := s.create("f.bin"); err != nil {
					t.Error(err)
				} else if _, err := w.WriteAt([]byte("other"), 5); err != nil {
					t.Error(err)
				}
				if err := errors.Join(s.note("<2@x>", piece), s.finish(false)); err != nil {
					t.Error(err)
				}
				place.Close()
				if got := content(t, victim); got != string(held) {
					t.Errorf("%s as %s: the other file holds %q", kind, trap, got)
				}
			}
		}
	}
}

// begunNZB is a download that ended after its first part.
func begunNZB(t *testing.T, dir string, wanted *nntp.NZBFile, piece nntp.Piece) {
	t.Helper()
	place, err := (&kit.ChosenNames{}).Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer place.Close()
	s := &nzbSink{ChosenPlace: place}
	if _, err := s.begin(wanted, false); err != nil {
		t.Fatal(err)
	}
	w, err := s.create("f.bin")
	if err == nil {
		_, err = w.WriteAt([]byte("first"), 0)
	}
	if err := errors.Join(err, s.note("<1@x>", piece), s.finish(false)); err != nil {
		t.Fatal(err)
	}
}

func notesOf(t *testing.T, dir string) string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, ".nzb-*"))
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	return filepath.Base(list[0])
}

// TestRefusedNameStopsNoOther: one hostile name does not switch the others off.
func TestRefusedNameStopsNoOther(t *testing.T) {
	dir := t.TempDir()
	article := yencArticle("..", "refused") + yencArticle("good", "posted") + yencArticle("x.ncpart", "refused")
	if err := decodeOne(t, dir, article, false); err == nil {
		t.Error("a refused name is no error")
	}
	if got := content(t, filepath.Join(dir, "good")); got != "posted" {
		t.Errorf("the good one holds %q", got)
	}
}
