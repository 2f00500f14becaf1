package state

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

func TestJournal(t *testing.T) {
	p := filepath.Join(t.TempDir(), "state", "journal")
	a := Record{Path: "imap://h/INBOX", ID: "5/7"}
	b := Record{Path: "ftp://h/f", Size: 3, Time: time.Unix(1700000000, 5)}
	j, err := OpenJournal(t.Context(), p)
	check(t, err)
	check(t, j.Add(a, b))
	check(t, j.Close())

	f, err := os.OpenFile(p, os.O_APPEND|os.O_WRONLY, 0)
	check(t, err)
	_, err = f.WriteString("no record\n{\"path\":\"torn\",\"si")
	check(t, err)
	check(t, f.Close())

	j, err = OpenJournal(t.Context(), p)
	check(t, err)
	if !j.Done(a) || !j.Done(b) {
		t.Error("forgotten")
	}
	other := b
	other.Size = 4
	if j.Done(other) || j.Done(Record{Path: "torn"}) || j.Done(Record{Path: "x"}) {
		t.Error("knows what was never done")
	}
	if _, err := OpenJournal(t.Context(), p); !errors.Is(err, protocols.ErrBusy) {
		t.Errorf("opened twice: %v", err)
	}
	check(t, j.Add(other))
	check(t, j.Sync(file.Group))
	content := contentOf(t, p)
	if want := `{"path":"ftp://h/f","size":4,"time":"2023-11-14T22:13:20.000000005Z"}` + "\n"; content[len(content)-len(want):] != want {
		t.Errorf("ends in %q", content)
	}
	check(t, j.Close())
	j, err = OpenJournal(t.Context(), p)
	check(t, err)
	defer j.Close()
	if j.Done(b) || !j.Done(other) {
		t.Error("the last record counts")
	}
}

func TestNoJournal(t *testing.T) {
	var j *Journal
	if j.Done(Record{}) || j.Add(Record{}) != nil || j.Sync(file.Group) != nil || j.Close() != nil {
		t.Error("a nil journal does something")
	}
}

func FuzzJournal(f *testing.F) {
	f.Add([]byte("{\"path\":\"a\"}\n{\"path\":"))
	f.Add([]byte("\n\n\x00"))
	f.Add([]byte(journalFormat.title + "\nno record\n{\"path\":"))
	f.Add([]byte(journalFormat.title[:10]))
	f.Fuzz(func(t *testing.T, b []byte) {
		p := filepath.Join(t.TempDir(), "j")
		check(t, os.WriteFile(p, b, 0o600))
		j, err := OpenJournal(t.Context(), p)
		if err != nil {
			if got := contentOf(t, p); got != string(b) {
				t.Errorf("refused (%v), but changed from %q to %q", err, b, got)
			}
			return
		}
		r := Record{Path: "new", Size: 1}
		check(t, j.Add(r))
		check(t, j.Close())
		j, err = OpenJournal(t.Context(), p)
		check(t, err)
		defer j.Close()
		if !j.Done(r) {
			t.Error("lost")
		}
		left, err := os.ReadFile(p)
		check(t, err)
		whole := b[:bytes.LastIndexByte(b, '\n')+1]
		if !bytes.HasPrefix(left, whole) {
			t.Error("whole lines were cut off")
		}
	})
}

// TestLongLines: a file with a line that is longer than any of ours is named, and is not
// changed; a record that would be so long is not written.
func TestLongLines(t *testing.T) {
	for _, kind := range []format{journalFormat, messagesFormat} {
		path := filepath.Join(t.TempDir(), "file")
		text := kind.title + "\n" + strings.Repeat("x", 3*maxRecord)
		check(t, os.WriteFile(path, []byte(text), 0o600))
		var err error
		if kind.name == journalFormat.name {
			_, err = OpenJournal(t.Context(), path)
		} else {
			_, err = OpenMessages(t.Context(), path)
		}
		if protocols.KindOf(err) != protocols.KindLocal || !strings.Contains(fmt.Sprint(err), path) {
			t.Errorf("%s: %v", kind.name, err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != text {
			t.Errorf("%s: the file was changed, %v", kind.name, err)
		}
	}
	path := filepath.Join(t.TempDir(), "journal")
	j, err := OpenJournal(t.Context(), path)
	check(t, err)
	short := Record{Path: "short", Size: 1}
	check(t, j.Add(Record{Path: strings.Repeat("x", maxRecord), Size: 1}, short))
	check(t, j.Close())
	j, err = OpenJournal(t.Context(), path)
	check(t, err)
	defer j.Close()
	if !j.Done(short) {
		t.Error("the record after it is lost")
	}
}
