package spool

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// TestSpool: what was added is there for the next process, until it is removed.
func TestSpool(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Add(Entry{URL: "smtp://h", To: []string{"a@b.test"}, State: Queued, Next: time.Unix(5, 0).UTC()}, strings.NewReader("Subject: x\r\n\r\ny"))
	if err != nil {
		t.Fatal(err)
	}
	e.Attempts, e.Error = 1, "later"
	if err := s.Put(e); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all, err := s.Entries(t.Context())
	if err != nil || len(all) != 1 || all[0].Error != "later" || all[0].Size != 15 || !all[0].Next.Equal(e.Next) {
		t.Fatalf("%+v, %v", all, err)
	}
	m, err := s.Message(all[0])
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(m)
	if m.Close(); err != nil || string(b) != "Subject: x\r\n\r\ny" {
		t.Errorf("%q, %v", b, err)
	}
	if info, err := os.Stat(filepath.Join(dir, e.ID+".eml")); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("%v, %v", info, err)
	}
	if err := s.Remove(e); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// TestSpoolDamaged: an entry that cannot be read is named, and nothing is sent.
func TestSpoolDamaged(t *testing.T) {
	for _, text := range []string{"", "{", `{"id":"other"}`} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "one.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Entries(t.Context()); protocols.KindOf(err) != protocols.KindLocal || !strings.Contains(err.Error(), "one.json") {
			t.Errorf("%q: %v", text, err)
		}
		s.Close()
	}
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Add(Entry{}, io.MultiReader(strings.NewReader("x"), failing{})); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v", err)
	}
	if all, err := s.Entries(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("%v, %v", all, err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestPause: longer and longer, with an end.
func TestPause(t *testing.T) {
	for n, want := range map[int]time.Duration{0: time.Minute, 1: time.Minute, 2: 5 * time.Minute, 7: 4 * time.Hour, 1000: 4 * time.Hour} {
		if got := Pause(n); got != want {
			t.Errorf("after %d: %v", n, got)
		}
	}
}
