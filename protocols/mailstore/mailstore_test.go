package mailstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// odd are messages that a store could change if it were careless.
var odd = []string{
	"Subject: plain\r\n\r\nhello\r\n",
	"Subject: From\r\n\r\nFrom me\r\n>From me\r\n>>From me\r\nFromme\r\n>From",
	"From the first byte\nno header\n",
	"", "\n", "\n\n\n", "x", "\r", "\r\n", "From ", ">From ", "From \n", ">", "a\n>", "a\nFrom", "a\nFrom ",
	"Subject: no end of line", "a\rFrom b\r\nFrom c\r\n", strings.Repeat(">", 1000) + "From x\n" + strings.Repeat(">", 70000) + "From y\n",
	strings.Repeat("long line ", 30000) + "\nFrom x\n",
	"From bob@example.org Sun Nov 22 09:00:00 2026\nnested\n\nFrom carol@example.org Sun Nov 22 09:00:00 2026\n",
	"nul \x00 and \xff bytes\n",
}

type store interface {
	protocols.Client
	protocols.Lister
	protocols.Getter
	protocols.Putter
	protocols.Statter
	protocols.Remover
	protocols.MessageTarget
}

func stores(t *testing.T, f func(t *testing.T, s store, path string)) {
	t.Run("maildir", func(t *testing.T) { f(t, NewMaildir(nil), filepath.Join(t.TempDir(), "mail")) })
	t.Run("mbox", func(t *testing.T) { f(t, NewMbox(nil), filepath.Join(t.TempDir(), "mail")) })
}

func read(t *testing.T, s store, name string) string {
	t.Helper()
	o, err := s.Get(t.Context(), name, nil)
	if err != nil {
		t.Fatalf("get %s: %v", name, err)
	}
	defer o.Body.Close()
	b, err := io.ReadAll(o.Body)
	if err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	return string(b)
}

func list(t *testing.T, s store, name string) (all []protocols.Entry) {
	t.Helper()
	for e, err := range s.List(t.Context(), name) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// TestRoundTrip: what goes in comes out, to the byte.
func TestRoundTrip(t *testing.T) {
	stores(t, func(t *testing.T, s store, path string) {
		for i, text := range odd {
			e, err := s.Put(t.Context(), path, strings.NewReader(text), nil)
			if err != nil {
				t.Fatalf("%d: %v", i, err)
			}
			if got := read(t, s, e.Path); got != text {
				t.Errorf("%d: got %.80q, want %.80q", i, got, text)
			}
		}
		var got []string
		for _, e := range list(t, s, path) {
			got = append(got, read(t, s, e.Path))
		}
		want := slices.Clone(odd)
		if s, ok := s.(*Maildir); ok && s != nil {
			slices.Sort(got)
			slices.Sort(want)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d messages came back, not those %d that went in", len(got), len(want))
		}
		e, err := s.Stat(t.Context(), path)
		if err != nil || e.Count != int64(len(odd)) {
			t.Errorf("stat says %d messages, %v", e.Count, err)
		}
	})
}

func TestRemove(t *testing.T) {
	stores(t, func(t *testing.T, s store, path string) {
		for i := range 3 {
			if _, err := s.Put(t.Context(), path, strings.NewReader(fmt.Sprintf("Subject: %d\n\nFrom x\n", i)), nil); err != nil {
				t.Fatal(err)
			}
		}
		for _, e := range list(t, s, path) {
			if e.Subject == "1" {
				if err := s.Remove(t.Context(), e.Path); err != nil {
					t.Fatal(err)
				}
			}
		}
		var left []string
		for _, e := range list(t, s, path) {
			left = append(left, e.Subject+read(t, s, e.Path))
		}
		slices.Sort(left)
		if want := []string{"0Subject: 0\n\nFrom x\n", "2Subject: 2\n\nFrom x\n"}; !slices.Equal(left, want) {
			t.Errorf("left: %q", left)
		}
		missing := path + "/new/none"
		if _, ok := s.(*Mbox); ok {
			missing = path + ";MSG=9"
		}
		if err := s.Remove(t.Context(), missing); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("removing what is not there: %v", err)
		}
	})
}

// TestPutFails: a reader that fails leaves nothing.
func TestPutFails(t *testing.T) {
	stores(t, func(t *testing.T, s store, path string) {
		bad := io.MultiReader(strings.NewReader("half a mess"), failing{})
		if _, err := s.Put(t.Context(), path, bad, nil); !errors.Is(err, errReader) {
			t.Errorf("the reader's error is lost: %v", err)
		}
		if all := list2(s, path); len(all) != 0 {
			t.Errorf("%d messages are there", len(all))
		}
		left, _ := filepath.Glob(path + "/tmp/*")
		if len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

func list2(s store, name string) (all []string) {
	for e, err := range s.List(context.Background(), name) {
		if err == nil {
			all = append(all, e.Path)
		}
	}
	return all
}

var errReader = errors.New("the reader fails")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errReader }

func key(i int) string { return fmt.Sprintf("%032x", i+1) }

func archive(t *testing.T, s store, path string, o *protocols.ArchiveOptions) protocols.Archive {
	t.Helper()
	a, err := s.OpenArchive(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// TestArchive: groups, keys, and what Stored is told.
func TestArchive(t *testing.T) {
	for name, o := range map[string]protocols.ArchiveOptions{"synced": {}, "not synced": {NoSync: true}, "synced one by one": {Each: true}} {
		t.Run(name, func(t *testing.T) {
			stores(t, func(t *testing.T, s store, path string) { archiveHolds(t, s, path, o) })
		})
	}
}

// archiveHolds adds messages to an archive, looks whether they are there, and
// deletes two.
func archiveHolds(t *testing.T, s store, path string, o protocols.ArchiveOptions) {
	stored := map[string]bool{}
	o.Stored = func(key string, _ int64, err error) error {
		stored[key] = err == nil
		return err
	}
	n := 150
	if o.Each {
		n = 40
	}
	a := archive(t, s, path, &o)
	for i := range n {
		e := &protocols.Entry{Modified: time.Unix(1700000000, 0), MessageInfo: &protocols.MessageInfo{Flags: []string{`\Seen`}}}
		if err := a.Add(t.Context(), key(i), e, strings.NewReader(odd[i%len(odd)])); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(stored) != n {
		t.Errorf("%d messages were reported as stored, want %d", len(stored), n)
	}
	there := contents(t, s, a)
	for i := range n {
		if there[key(i)] != odd[i%len(odd)] {
			t.Errorf("message %d is %.60q", i, there[key(i)])
		}
	}
	if err := a.Delete(t.Context(), []string{key(1), key(3), "none"}); err != nil {
		t.Fatal(err)
	}
	if all := list(t, s, path); len(all) != n-2 {
		t.Errorf("%d messages after deleting two", len(all))
	}
}

// contents returns the messages of an archive by their keys.
func contents(t *testing.T, s store, a protocols.Archive) map[string]string {
	t.Helper()
	there := map[string]string{}
	for e, err := range a.Keys(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		there[e.ID] = read(t, s, e.Path)
	}
	return there
}

func TestMaildirFlags(t *testing.T) {
	m, path := NewMaildir(nil), filepath.Join(t.TempDir(), "mail")
	e, err := m.Put(t.Context(), path, strings.NewReader("Subject: x\n\n"), &protocols.PutOptions{Flags: []string{`\Seen`, `\Flagged`, "other"}, Modified: time.Unix(1700000000, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(e.Path, infoMark+"FS") || filepath.Base(filepath.Dir(e.Path)) != "cur" || e.Modified.Unix() != 1700000000 {
		t.Errorf("path %s, time %v", e.Path, e.Modified)
	}
	a := archive(t, m, path, nil)
	for i, flags := range [][]string{nil, {`\Answered`}} {
		entry := &protocols.Entry{MessageInfo: &protocols.MessageInfo{Flags: flags}}
		if err := a.Add(t.Context(), key(i), entry, strings.NewReader("x\n")); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.SetFlags(t.Context(), key(0), []string{`\Draft`, `\Deleted`}); err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for e, err := range a.Keys(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got[e.ID] = e.Flags
	}
	if !slices.Equal(got[key(0)], []string{`\Draft`, `\Deleted`}) || !slices.Equal(got[key(1)], []string{`\Answered`}) {
		t.Errorf("flags %q", got)
	}
	// A mail program renames the file: its old name still finds it.
	moved := strings.TrimSuffix(e.Path, "FS") + "RS"
	if err := os.Rename(e.Path, moved); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Stat(t.Context(), e.Path); err != nil || got.Path != moved {
		t.Errorf("stat under the old name: %s, %v", got.Path, err)
	}
}

// TestArchiveBusy: a second run at the same time is refused.
func TestArchiveBusy(t *testing.T) {
	m, path := NewMaildir(nil), t.TempDir()
	archive(t, m, path, nil)
	if _, err := m.OpenArchive(t.Context(), path, nil); !errors.Is(err, protocols.ErrBusy) {
		t.Errorf("second archive: %v", err)
	}
}

// TestSweep: what a killed run left in tmp goes, what belongs to others stays.
func TestSweep(t *testing.T) {
	m, path := NewMaildir(nil), t.TempDir()
	if err := m.Make(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	ours, other := filepath.Join(path, "tmp", "1.M2.K"+key(0)+hostPart), filepath.Join(path, "tmp", "1.P2.host")
	for _, p := range []string{ours, other} {
		if err := os.WriteFile(p, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	archive(t, m, path, nil)
	if _, err := os.Stat(ours); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ours is still there: %v", err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Errorf("that of another is gone: %v", err)
	}
}

// TestMboxUndo: an append that was cut off at any byte is undone, and the message
// that another program put behind it is kept.
func TestMboxUndo(t *testing.T) {
	first, group := "From a@b Sun Nov 22 09:00:00 2026\nold\n\n", ""
	for i := range 3 {
		group += "From netclients-" + key(i) + "@localhost Sun Nov 22 09:00:00 2026\nnew\n>From x\n\n"
	}
	foreign := "From c@d Sun Nov 22 10:00:00 2026\nlater\n\n"
	for cut := 0; cut <= len(group); cut += 1 + cut%5 {
		for _, tail := range []string{"", foreign} {
			path := filepath.Join(t.TempDir(), "mbox")
			content := first + group[:cut]
			if tail != "" && !strings.HasSuffix(content, "\n") {
				content += "\n" // as programs do before they append
			}
			if err := os.WriteFile(path, []byte(content+tail), 0o600); err != nil {
				t.Fatal(err)
			}
			m := NewMbox(nil)
			intent := filepath.Join(filepath.Dir(path), ".mbox.netclients-append")
			if err := os.WriteFile(intent, fmt.Appendf(nil, "%d %d\n", len(first), len(group)), 0o600); err != nil {
				t.Fatal(err)
			}
			archive(t, m, path, nil)
			got, err := os.ReadFile(path)
			want := first + tail
			if cut == len(group) {
				want = first + group + tail
			}
			if err != nil || string(got) != want {
				t.Fatalf("cut at %d, tail %q: got\n%q\nwant\n%q %v", cut, tail, got, want, err)
			}
			if _, err := os.Stat(intent); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the intent is still there: %v", err)
			}
		}
	}
}

// TestMboxUndoBeforePut: also a single message is appended to whole ones only.
func TestMboxUndoBeforePut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mbox")
	first := "From a@b Sun Nov 22 09:00:00 2026\nold\n\n"
	half := "From netclients-" + key(1) + "@localhost Sun Nov 22 09:00:00 2026\nha"
	err := errors.Join(os.WriteFile(path, []byte(first+half), 0o600),
		os.WriteFile(filepath.Join(filepath.Dir(path), ".mbox.netclients-append"), fmt.Appendf(nil, "%d %d\n", len(first), 500), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewMbox(nil).Put(t.Context(), path, strings.NewReader("new\n"), nil); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(got), key(1)) || !strings.HasPrefix(string(got), first) || !strings.HasSuffix(string(got), "\nnew\n\n") {
		t.Errorf("%q, %v", got, err)
	}
}

// TestMboxLock: a lock of a living process is waited for, one of a dead process is not.
func TestMboxLock(t *testing.T) {
	m, path := NewMbox(nil), filepath.Join(t.TempDir(), "mbox")
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".lock", fmt.Appendf(nil, "%d\n", dead.Process.Pid), 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Put(t.Context(), path, strings.NewReader("x\n"), nil); err != nil {
		t.Fatalf("beside the lock of a dead process: %v", err)
	}
	old := time.Now().Add(-2 * lockStale)
	if err := errors.Join(os.WriteFile(path+".lock", nil, 0o400), os.Chtimes(path+".lock", old, old)); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Put(t.Context(), path, strings.NewReader("x\n"), nil); err != nil {
		t.Fatalf("beside an old lock without a number: %v", err)
	}
	if err := os.WriteFile(path+".lock", fmt.Appendf(nil, "%d\n", os.Getpid()), 0o400); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := m.Put(ctx, path, strings.NewReader("x\n"), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("under the lock of another: %v", err)
	}
	if err := os.Remove(path + ".lock"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Put(t.Context(), path, strings.NewReader("y\n"), nil); err != nil {
		t.Error(err)
	}
}

// TestMboxForeign: mboxes of other programs, with a text line that begins with
// "From " and no end of the last line.
func TestMboxForeign(t *testing.T) {
	m, path := NewMbox(nil), filepath.Join(t.TempDir(), "mbox")
	text := "From bob@example.org  Sat Jan  3 01:05:34 1996\nStatus: RO\nX-Status: AF\nSubject: =?iso-8859-15?q?=A4?=\n\nFrom here it is text\n\n" +
		"From carol Sat Jan  3 01:05 MET 1996 remote from x\nSubject: two\n\nlast line"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	all := list(t, m, path)
	if len(all) != 2 || all[0].Subject != "€" || !slices.Equal(all[0].Flags, []string{`\Seen`, `\Answered`, `\Flagged`}) || all[0].Modified.Year() != 1996 {
		t.Fatalf("got %+v", all)
	}
	if got := read(t, m, path+";MSG=2"); got != "Subject: two\n\nlast line" {
		t.Errorf("second is %q", got)
	}
	if _, err := m.Put(t.Context(), path, strings.NewReader("third\n"), nil); err != nil {
		t.Fatal(err)
	}
	if got := read(t, m, path+";MSG=2") + read(t, m, path+";MSG=3"); got != "Subject: two\n\nlast line\nthird\n" {
		t.Errorf("second and third are %q", got)
	}
	if err := os.WriteFile(path, []byte("no mbox\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Stat(t.Context(), path); protocols.KindOf(err) != protocols.KindLocal {
		t.Errorf("a file that is none: %v", err)
	}
}

func TestPaths(t *testing.T) {
	for _, c := range []struct{ url, want string }{{"maildir:/a/b/", "/a/b"}, {"mbox:/a/b%20c;MSG=2", "/a/b%20c;MSG=2"}, {"maildir:///a/../b", "/b"}} {
		u, err := protocols.ParseURL(c.url, "")
		if err != nil {
			t.Fatal(err)
		}
		s := MaildirSpec()
		if u.Scheme == "mbox" {
			s = MboxSpec()
		}
		if got, err := s.Path(u); got != c.want || err != nil {
			t.Errorf("%s: %q, %v", c.url, got, err)
		}
	}
	u, err := protocols.ParseURL("maildir://host/a", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := MaildirSpec().Path(u); protocols.KindOf(err) != protocols.KindUsage {
		t.Errorf("a host: %v", err)
	}
}

// TestReadByOthers: Python's mailbox module reads both kinds, and writes what we read.
func TestReadByOthers(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 on this machine")
	}
	stores(t, func(t *testing.T, s store, path string) {
		for i := range 3 {
			text := fmt.Sprintf("From: a@example.org\r\nSubject: number %d\r\n\r\nhello\r\nFrom x\r\n", i)
			if _, err := s.Put(t.Context(), path, strings.NewReader(text), &protocols.PutOptions{Flags: []string{`\Seen`}}); err != nil {
				t.Fatal(err)
			}
		}
		kind := "mbox"
		if _, ok := s.(*Maildir); ok {
			kind = "Maildir"
		}
		script := fmt.Sprintf(`import mailbox
m = mailbox.%s(%q, create=False)
print(sorted(x["Subject"] for x in m), len(m))
m.lock(); m.add("Subject: from python\n\nbody\n"); m.flush(); m.unlock()`, kind, path)
		out, err := exec.CommandContext(t.Context(), python, "-c", script).CombinedOutput()
		if want := "['number 0', 'number 1', 'number 2'] 3\n"; err != nil || string(out) != want {
			t.Fatalf("python says %q, %v", out, err)
		}
		found := false
		for _, e := range list(t, s, path) {
			found = found || e.Subject == "from python" && bytes.Contains([]byte(read(t, s, e.Path)), []byte("body\n"))
		}
		if !found {
			t.Error("the message that python added is not there")
		}
	})
}
