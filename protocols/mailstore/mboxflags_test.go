package mailstore

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestMboxFlags: with any flags a message comes out to the byte, and its flags with it.
func TestMboxFlags(t *testing.T) {
	m, path := NewMbox(nil), filepath.Join(t.TempDir(), "mbox")
	flags := [][]string{nil, {`\Seen`}, {`\answered`, "other"}, {`\Seen`, `\Flagged`, `\Draft`, `\Deleted`}}
	want := [][]string{nil, {`\Seen`}, {`\Answered`}, {`\Seen`, `\Flagged`, `\Draft`, `\Deleted`}}
	texts := append([]string{"Status: O\nX-Status: F\n\nof another\n", "Status: RO\n"}, odd...)
	for i, text := range texts {
		e, err := m.Put(t.Context(), path, strings.NewReader(text), &protocols.PutOptions{Flags: flags[i%4]})
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, m, e.Path); got != text {
			t.Errorf("%d: got %.80q, want %.80q", i, got, text)
		}
		if i%4 > 0 && !slices.Equal(e.Flags, want[i%4]) {
			t.Errorf("%d: flags %q, want %q", i, e.Flags, want[i%4])
		}
		if one, err := m.Stat(t.Context(), e.Path); err != nil || one.Modified.IsZero() {
			t.Errorf("%d: time %v, %v", i, one.Modified, err)
		}
	}
}

// TestMboxSetFlags: flags that change at the source are written, again and again,
// and those that a mail program has changed are read.
func TestMboxSetFlags(t *testing.T) {
	m, path := NewMbox(nil), filepath.Join(t.TempDir(), "mbox")
	a := archive(t, m, path, nil)
	for i, text := range odd {
		if err := a.Add(t.Context(), key(i), &protocols.Entry{MessageInfo: &protocols.MessageInfo{}}, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, flags := range [][]string{{`\Seen`}, {`\Seen`, `\Answered`}, {`\Flagged`}, nil} {
		for i := range odd {
			if err := a.SetFlags(t.Context(), key(i), flags); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.SetFlags(t.Context(), key(1000), flags); err != nil {
			t.Fatal(err)
		}
		if err := a.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, e := range list(t, m, path) {
			if got := read(t, m, e.Path); got != odd[i] || !slices.Equal(e.Flags, flags) || e.ID != key(i) {
				t.Errorf("%d: flags %q, want %q, %.60q", i, e.Flags, flags, got)
			}
		}
	}
	if err := a.SetFlags(t.Context(), key(0), []string{`\Seen`, `\Flagged`}); err != nil {
		t.Fatal(err)
	}
	if err := a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// As mutt does when a message is no longer flagged.
	moved := strings.Replace(strings.Replace(string(b), "Status: RO\nX-Status: F\n", "", 1), "Subject: plain\r\n", "Subject: plain\r\nStatus: RO\r\n", 1)
	if err := os.WriteFile(path, []byte(moved), 0o600); err != nil || moved == string(b) {
		t.Fatal(err)
	}
	e := list(t, m, path)[0]
	if got := read(t, m, e.Path); got != "Subject: plain\r\nStatus: RO\r\n\r\nhello\r\n" || !slices.Equal(e.Flags, []string{`\Seen`}) {
		t.Errorf("%q with %q", got, e.Flags)
	}
}

// FuzzContent: what stands before the content of a message is no more than fields
// of ours.
func FuzzContent(f *testing.F) {
	f.Add("From netclients.2@localhost x\n", "Status: RO\nX-Status: AF\nSubject: x\n")
	f.Add("From netclients-"+key(1)+".1@localhost x\n", "X-Status: ")
	f.Fuzz(func(t *testing.T, from, text string) {
		key, fields := parseFrom(from)
		if key != "" && !isKey(key) || fields < 0 || fields > 2 {
			t.Fatalf("%q: %q %d", from, key, fields)
		}
		at, err := content(strings.NewReader(text), span{place: place{end: int64(len(text))}, from: from})
		if err != nil || at < 0 || at > int64(len(text)) || strings.Count(text[:at], "\n") > fields || strings.Count(text[:at], "Status: ") != strings.Count(text[:at], "\n") {
			t.Errorf("%q: %d, %v", text, at, err)
		}
	})
}
