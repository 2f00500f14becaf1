//go:build linux

package interop

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/mailstore"
	"github.com/netclients/netclients/protocols/transfer"
)

// requireProgram returns the path of a program. If it is not installed it skips
// or fails the test, like [Require].
func requireProgram(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	absent(t, "%s is not installed; run: internal/interop/servers.sh install", name)
	return ""
}

// storedText is one message in the stores that other programs read.
type storedText struct {
	subject, text, flags string // flags as in the file names of a maildir
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// storedTexts returns messages that a store or its reader might corrupt: with
// lines that begin with "From", none or many empty lines at the end, bytes of
// every kind.
func storedTexts() []storedText {
	var texts []storedText
	flags := []string{"", "S", "RS", "F", "DFRST"}
	for i, body := range []string{
		"one line\n", "\n\n\n", "", "From here\n>From there\n>>From both\nFromage\n", "no end of line", "8 bits: \xff\xfe Gr\xc3\xbc\xc3\x9fe\n",
		strings.Repeat("z", 5000) + "\n", strings.Repeat("some line of text\n", 20_000),
		"From carol@example.org Sun Nov 22 09:00:00 2026\nSubject: in another\n\ntext\n",
	} {
		subject := fmt.Sprintf("message %d", i)
		texts = append(texts, storedText{subject, "From: a@example.org\nSubject: " + subject + "\nDate: Mon, 01 Jan 2024 00:00:00 +0000\n\n" + body, flags[i%len(flags)]})
	}
	return texts
}

// flagLetters maps the flag letters of a maildir.
var flagLetters = map[rune]string{'D': `\Draft`, 'F': `\Flagged`, 'R': `\Answered`, 'S': `\Seen`, 'T': `\Deleted`}

// makeStores writes a maildir, and archives it to another maildir and to an mbox.
func makeStores(t *testing.T, texts []storedText) map[string]string {
	t.Helper()
	dir := t.TempDir()
	first := filepath.Join(dir, "first")
	m := mailstore.NewMaildir(nil)
	for _, s := range texts {
		o := &protocols.PutOptions{Modified: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)}
		for _, letter := range s.flags {
			o.Flags = append(o.Flags, flagLetters[letter])
		}
		if _, err := m.Put(t.Context(), first, strings.NewReader(s.text), o); err != nil {
			t.Fatal(err)
		}
	}
	paths := map[string]string{"maildir": filepath.Join(dir, "second"), "mbox": filepath.Join(dir, "mbox")}
	open := map[string]func() (protocols.Client, error){
		"maildir": func() (protocols.Client, error) { return mailstore.NewMaildir(nil), nil },
		"mbox":    func() (protocols.Client, error) { return mailstore.NewMbox(nil), nil },
	}
	for kind, path := range paths {
		sum, err := transfer.SyncMessages(t.Context(), transfer.Endpoint{Open: open["maildir"], Name: first}, transfer.Endpoint{Open: open[kind], Name: path}, nil, nil)
		if err != nil || sum.Done != int64(len(texts)) {
			t.Fatalf("%s: %+v, %v", kind, sum, err)
		}
	}
	return paths
}

// fromLine matches a line that an mbox reader without unquoting sees changed.
var fromLine = regexp.MustCompile(`(?m)^>*From `)

// quoted returns a message as stored in an mbox.
func (s storedText) quoted() string {
	return fromLine.ReplaceAllStringFunc(s.text, func(from string) string { return ">" + from })
}

// statusOf has the fields stored before a message in an mbox, and what Python
// reads from them.
var statusOf = map[string]struct{ fields, python string }{
	"": {}, "S": {"Status: RO\n", "RO"}, "RS": {"Status: RO\nX-Status: A\n", "ROA"}, "F": {"X-Status: F\n", "F"}, "DFRST": {"Status: RO\nX-Status: AFTD\n", "ROAFTD"},
}

// withEnd adds the line end that a reader cannot distinguish from the one that
// the mbox adds.
func withEnd(text string) string {
	if strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}

// readByPython returns what Python's mailbox module reads.
func readByPython(t *testing.T, kind, path string) (found []storedText, sums []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "python3", "peers/mailbox_read.py", kind, path)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	for line := range bytes.Lines(out) {
		var got struct {
			Subject, Flags, Sum string
		}
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatal(err)
		}
		found, sums = append(found, storedText{subject: got.Subject, flags: got.Flags}), append(sums, got.Sum)
	}
	return found, sums
}

// TestMailStoresInPython: Python reads the exact bytes from our stores.
func TestMailStoresInPython(t *testing.T) {
	requireProgram(t, "python3")
	texts := storedTexts()
	for kind, path := range makeStores(t, texts) {
		t.Run(kind, func(t *testing.T) {
			found, sums := readByPython(t, kind, path)
			if len(found) != len(texts) {
				t.Fatalf("%d messages, want %d", len(found), len(texts))
			}
			for _, want := range texts {
				i := slices.IndexFunc(found, func(s storedText) bool { return s.subject == want.subject })
				switch {
				case i < 0:
					t.Errorf("%s is missing", want.subject)
				case kind == "maildir" && (sums[i] != sumOf(want.text) || found[i].flags != want.flags):
					t.Errorf("%s has flags %q, want %q, or wrong bytes", want.subject, found[i].flags, want.flags)
				case kind == "mbox" && (sums[i] != sumOf(statusOf[want.flags].fields+withEnd(want.quoted())) || found[i].flags != statusOf[want.flags].python):
					t.Errorf("%s has flags %q, want %q, or wrong bytes", want.subject, found[i].flags, statusOf[want.flags].python)
				}
			}
		})
	}
}

// TestMailStoresInMutt: mutt finds every message in our stores, and saves each
// body unchanged to a maildir of its own.
func TestMailStoresInMutt(t *testing.T) {
	requireProgram(t, "mutt")
	requireProgram(t, "script")
	texts := storedTexts()
	for kind, path := range makeStores(t, texts) {
		t.Run(kind, func(t *testing.T) {
			saved := filepath.Join(t.TempDir(), "saved")
			muttSave(t, path, saved)
			bodies, flags := savedBodies(t, saved)
			if len(bodies) != len(texts) {
				t.Errorf("%d messages, want %d", len(bodies), len(texts))
			}
			for _, want := range texts {
				text := want.text
				if kind == "mbox" {
					text = want.quoted()
				}
				_, body, _ := strings.Cut(text, "\n\n")
				if got, there := bodies[want.subject]; !there || got != body {
					t.Errorf("%s: found %v, %d bytes of body, want %d", want.subject, there, len(got), len(body))
				}
				if got, expected := onlyKnown(flags[want.subject]), onlyKnown(want.flags); got != expected {
					t.Errorf("%s: mutt reads the flags %q, want %q", want.subject, got, expected)
				}
			}
		})
	}
}

// onlyKnown returns the flags that mutt copies.
func onlyKnown(flags string) (known string) {
	for _, f := range []string{"F", "R", "S"} {
		if strings.Contains(flags, f) {
			known += f
		}
	}
	return known
}

// savedBodies returns the bodies and flags of the messages of a maildir by
// subject. It reads the files directly, without code under test.
func savedBodies(t *testing.T, dir string) (bodies, flags map[string]string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "[cn]*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	bodies, flags = map[string]string{}, map[string]string{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ := strings.Cut(string(b), "\n\n")
		_, rest, _ := strings.Cut(head, "Subject: ")
		subject, _, _ := strings.Cut(rest, "\n")
		bodies[subject] = body
		_, flags[subject], _ = strings.Cut(filepath.Base(file), ":2,")
	}
	return bodies, flags
}

// muttSave lets mutt copy all messages. mutt needs a terminal, which script
// provides.
func muttSave(t *testing.T, path, saved string) {
	t.Helper()
	rc := filepath.Join(t.TempDir(), "muttrc")
	text := "set folder=" + filepath.Dir(saved) + " mbox_type=maildir quit=yes confirmappend=no confirmcreate=no wait_key=no mark_old=no\n" +
		"push \"<tag-pattern>.<enter><tag-prefix><copy-message><kill-line>" + saved + "<enter><exit>\"\n"
	if err := os.WriteFile(rc, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "script", "-qec", "mutt -n -R -F "+rc+" -f "+path, os.DevNull)
	cmd.Env = append(os.Environ(), "TERM=vt100", "HOME="+filepath.Dir(rc))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("mutt: %v: %q", err, out[max(0, len(out)-500):])
	}
}
