package state

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// stateOpeners open each kind of file that is kept over runs.
var stateOpeners = map[string]func(ctx context.Context, path string) (io.Closer, error){
	"journal": func(ctx context.Context, path string) (io.Closer, error) { return OpenJournal(ctx, path) },
	"message state": func(ctx context.Context, path string) (io.Closer, error) {
		st, err := OpenMessages(ctx, path)
		return closer(func() error { return st.Close() }), err
	},
}

type closer func() error

func (f closer) Close() error { return f() }

// TestStateFileOfAnotherKind: a file that the user names by mistake is refused with
// an error of kind local, and not a byte of it is changed.
func TestStateFileOfAnotherKind(t *testing.T) {
	others := map[string]string{
		"text without an end":   "first line\nsecond line\nno end of line: important",
		"picture":               "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\n\x00\x7f rest",
		"listing in JSON":       `{"protocol":"ftp","name":"a","path":"a","size":3}` + "\n" + `{"protocol":"ftp`,
		"empty line":            "\nrest",
		"one byte":              "x",
		"longer title":          journalFormat.title + "x\nrest",
		"one very long line":    strings.Repeat("x", 3<<20),
		"a line that is a sign": "= \n+ \nrest",
	}
	for kind, open := range stateOpeners {
		for name, content := range others {
			t.Run(kind+"/"+name, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "file")
				check(t, os.WriteFile(path, []byte(content), 0o600))
				if _, err := open(t.Context(), path); protocols.KindOf(err) != protocols.KindLocal || !strings.Contains(err.Error(), "not changed") {
					t.Errorf("error %v", err)
				}
				if got := contentOf(t, path); got != content {
					t.Errorf("changed to %q", got)
				}
			})
		}
	}
	if _, err := OpenJournal(t.Context(), stateOf(t, "message state")); protocols.KindOf(err) != protocols.KindLocal {
		t.Errorf("a message state as journal: %v", err)
	}
	if _, err := OpenMessages(t.Context(), stateOf(t, "journal")); protocols.KindOf(err) != protocols.KindLocal {
		t.Errorf("a journal as message state: %v", err)
	}
}

// stateOf makes a file of a kind and returns its path.
func stateOf(t *testing.T, kind string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state")
	f, err := stateOpeners[kind](t.Context(), path)
	check(t, err)
	check(t, f.Close())
	return path
}

// TestStateFileBegins: an empty file, every begin of the title that a killed run can
// leave, and files from before there were titles are taken.
func TestStateFileBegins(t *testing.T) {
	old := map[string][]string{
		"journal":       {`{"path":"ftp://h/a","size":3}` + "\n", `{"path":"a","size":3,"time":"2024-01-02T03:04:05Z","id":"7"}` + "\n{\"pa"},
		"message state": {"= validity 7\n", "+ 0123456789abcdef0123456789abcdef %5CSeen\n- 01", "= open at+\n"},
	}
	for kind, open := range stateOpeners {
		begins := old[kind]
		title := contentOf(t, stateOf(t, kind))
		for i := range len(title) + 1 {
			begins = append(begins, title[:i])
		}
		for _, begin := range begins {
			path := filepath.Join(t.TempDir(), "file")
			check(t, os.WriteFile(path, []byte(begin), 0o600))
			f, err := open(t.Context(), path)
			if err != nil {
				t.Errorf("%s from %q: %v", kind, begin, err)
				continue
			}
			check(t, f.Close())
			if got := contentOf(t, path); !strings.HasSuffix(got, "\n") || !strings.HasPrefix(title, begin) && !strings.HasPrefix(begin, got) {
				t.Errorf("%s from %q: now %q", kind, begin, got)
			}
		}
	}
}
