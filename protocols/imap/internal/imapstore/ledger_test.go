package imapstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// files keeps files on the disk; rename is os.Rename, or fails.
func files(rename func(from, to string) error) *Files {
	return &Files{
		Open:   func(path string) (File, error) { return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) },
		Remove: os.Remove, Rename: rename,
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestLedgerBounded: what has gone does not stay in the ledger for ever, and what a
// crash left behind its lines does no harm.
func TestLedgerBounded(t *testing.T) {
	for name, rename := range map[string]func(from, to string) error{"rewritten": os.Rename, "kept": func(_, _ string) error { return errors.New("no") }} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			state := &State{Dir: dir, Account: "alice@localhost_143", Files: files(rename)}
			key := func(i int) messageKey { k, _ := parseKey(fmt.Sprintf("%032x", i+1)); return k }
			l, err := openLedger(state, "box")
			must(t, err)
			l.renew(7)
			for i := range 1000 {
				l.begins(key(i), int64(i), digest{byte(i)})
				l.stored(key(i), uint32(i+1))
				l.from = uint32(i + 2)
			}
			for i := range 997 {
				l.forget(key(i))
			}
			l.begins(key(2000), 5, digest{9})
			must(t, l.close())
			path := state.Path("box", "keys")
			long, err := os.ReadFile(path)
			must(t, err)
			must(t, os.WriteFile(path, append(long, strings.Repeat("\x00", 9000)...), 0o600))
			must(t, os.WriteFile(state.Path("box", "keys-new"), []byte("+ of a killed run"), 0o600))
			for range 2 {
				l, err = openLedger(state, "box")
				must(t, err)
				if len(l.known) != 4 || l.validity != 7 || l.from != 1001 {
					t.Fatalf("%d messages of %d from %d", len(l.known), l.validity, l.from)
				}
				for i, want := range map[int]kept{997: {998, 997, digest{997 & 255}}, 999: {1000, 999, digest{999 & 255}}, 2000: {0, 5, digest{9}}} {
					if got := l.known[key(i)]; got != want {
						t.Errorf("message %d: %v, want %v", i, got, want)
					}
				}
				must(t, l.close())
			}
			left, err := filepath.Glob(filepath.Join(dir, "*"))
			must(t, err)
			short, err := os.ReadFile(path)
			must(t, err)
			if name == "rewritten" && len(short) > 1000 || name == "kept" && len(short) != len(long) || len(left) != 1 {
				t.Errorf("%d bytes, then %d, in %q", len(long), len(short), left)
			}
		})
	}
}

// TestLedgerRenewedAndCut: when a run is killed while it writes that all UIDs are void, none
// of them is taken for one of the new mailbox, wherever its lines end.
func TestLedgerRenewedAndCut(t *testing.T) {
	state := &State{Dir: t.TempDir(), Account: "alice@localhost_143", Files: files(os.Rename)}
	path := state.Path("box", "keys")
	key := func(i int) messageKey { k, _ := parseKey(fmt.Sprintf("%032x", i+1)); return k }
	l, err := openLedger(state, "box")
	must(t, err)
	l.renew(7)
	for i := range 5 {
		l.begins(key(i), int64(i), digest{byte(i)})
		l.stored(key(i), uint32(i+100))
	}
	must(t, l.write(false))
	old, err := os.ReadFile(path)
	must(t, err)
	l.renew(8)
	l.begins(key(3), 3, digest{3})
	l.stored(key(3), 1)
	must(t, l.close())
	all, err := os.ReadFile(path)
	must(t, err)
	for end := len(old); end <= len(all); end++ {
		must(t, os.WriteFile(path, all[:end], 0o600))
		l, err := openLedger(state, "box")
		must(t, err)
		for i := range 5 {
			want := uint32(0)
			switch {
			case l.validity == 7:
				want = uint32(i + 100)
			case i == 3 && end == len(all):
				want = 1
			}
			if got := l.known[key(i)].uid; got != want {
				t.Fatalf("%d bytes, validity %d: message %d is UID %d, want %d", end, l.validity, i, got, want)
			}
		}
		if renewed := end > len(old)+len("v 8"); renewed != (l.validity == 8) {
			t.Fatalf("%d bytes: validity %d", end, l.validity)
		}
		must(t, l.close())
	}
}
