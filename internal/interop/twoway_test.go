//go:build linux

package interop

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/imap"
	"github.com/netclients/netclients/protocols/mailstore"
	"github.com/netclients/netclients/protocols/transfer"
	"github.com/netclients/netclients/protocols/transfer/twoway"
)

// twin is a mailbox at the server and a maildir that a program keeps the same.
type twin struct {
	t    *testing.T
	c    *imap.Client
	box  string
	dir  string
	sync func()
}

// change is one thing that an owner does with a message.
type change struct {
	local   bool
	what    string // add, flag, remove
	subject string
	flags   string // letters as in the names of a maildir
}

func flagsOf(letters string) (flags []string) {
	for _, l := range letters {
		flags = append(flags, flagLetters[l])
	}
	return flags
}

func (w *twin) do(c change) {
	w.t.Helper()
	text := "From: a@example.org\r\nSubject: " + c.subject + "\r\nMessage-ID: <" + c.subject + "@x>\r\n\r\ntext of " + c.subject + "\r\n.\r\nFrom x\r\n"
	switch {
	case c.what == "add" && c.local:
		_, err := mailstore.NewMaildir(nil).Put(w.t.Context(), w.dir, strings.NewReader(strings.ReplaceAll(text, "\r\n", "\n")), &protocols.PutOptions{Flags: flagsOf(c.flags)})
		w.must(err)
	case c.what == "add":
		_, err := w.c.Put(w.t.Context(), w.box, strings.NewReader(text), &protocols.PutOptions{Flags: flagsOf(c.flags)})
		w.must(err)
	case c.what == "flag" && c.local:
		path := w.find(mailstore.NewMaildir(nil), w.dir, c.subject)
		base, _, _ := strings.Cut(filepath.Base(path), ":2,")
		w.must(os.Rename(path, filepath.Join(w.dir, "cur", base+":2,"+c.flags)))
	case c.what == "flag":
		changes := []string{"="}
		for _, f := range flagsOf(c.flags) {
			changes = append(changes, "="+f)
		}
		w.must(w.c.Flag(w.t.Context(), w.find(w.c, w.box, c.subject), changes...))
	case c.local:
		w.must(os.Remove(w.find(mailstore.NewMaildir(nil), w.dir, c.subject)))
	default:
		w.must(w.c.Remove(w.t.Context(), w.find(w.c, w.box, c.subject)))
	}
}

func (w *twin) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *twin) find(c protocols.Client, name, subject string) string {
	w.t.Helper()
	for e, err := range protocols.List(w.t.Context(), c, name) {
		w.must(err)
		if e.MessageInfo != nil && e.Subject == subject {
			return e.Path
		}
	}
	w.t.Fatalf("%s has no message %q", name, subject)
	return ""
}

// content returns flags and content of all messages of one side, line ends and the field
// that mbsync adds left aside.
func (w *twin) content(c protocols.Client, name string) map[string]string {
	w.t.Helper()
	all := map[string]string{}
	var paths []protocols.Entry
	for e, err := range protocols.List(w.t.Context(), c, name) {
		w.must(err)
		if e.Type == protocols.TypeMessage {
			paths = append(paths, e)
		}
	}
	for _, e := range paths {
		o, err := protocols.Get(w.t.Context(), c, e.Path, nil)
		w.must(err)
		b, err := io.ReadAll(o.Body)
		o.Body.Close()
		w.must(err)
		var kept []string
		for line := range strings.SplitSeq(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n") {
			if !strings.HasPrefix(line, "X-TUID: ") {
				kept = append(kept, line)
			}
		}
		flags := slices.DeleteFunc(slices.Clone(e.Flags), func(f string) bool { return f == `\Recent` })
		slices.Sort(flags)
		if _, twice := all[e.Subject]; twice {
			w.t.Errorf("%s has %q twice", name, e.Subject)
		}
		all[e.Subject] = fmt.Sprintf("%v %x", flags, sha256.Sum256([]byte(strings.Join(kept, "\n"))))
	}
	return all
}

func mbsyncTwin(t *testing.T, c *imap.Client, box string) *twin {
	t.Helper()
	program := requireProgram(t, "mbsync")
	home := t.TempDir()
	host, port, err := net.SplitHostPort(Require(t, "IMAP")["IMAP"])
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(home, "mbsyncrc")
	text := fmt.Sprintf(`IMAPAccount server
Host %s
Port %s
User %s
Pass %s
SSLType None
AuthMechs LOGIN

IMAPStore far
Account server

MaildirStore near
Path %s/
Inbox %s/INBOX

Channel both
Far :far:%s
Near :near:box
Create Both
Expunge Both
SyncState *
`, host, port, Alice, Password, home, home, box)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return &twin{t: t, c: c, box: box, dir: filepath.Join(home, "box"), sync: func() {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), program, "-c", config, "both").CombinedOutput(); err != nil {
			t.Fatalf("mbsync: %v: %s", err, out)
		}
	}}
}

func ourTwin(t *testing.T, c *imap.Client, box string) *twin {
	t.Helper()
	home := t.TempDir()
	dir := filepath.Join(home, "box")
	far := transfer.Endpoint{Name: box, URL: "imap:" + box, Protocol: "imap", Open: func() (protocols.Client, error) {
		c := imapClient(t, "IMAP", "imap", Alice, func(o *protocols.Options) { o.TLS.Mode = protocols.TLSOff })
		c.Settings.StateDir, c.Settings.Files = home, heldFiles{}
		return c, nil
	}}
	near := transfer.Endpoint{Name: dir, URL: "maildir:" + dir, Protocol: "maildir", Open: func() (protocols.Client, error) { return mailstore.NewMaildir(nil), nil }}
	return &twin{t: t, c: c, box: box, dir: dir, sync: func() {
		t.Helper()
		if _, err := twoway.Sync(t.Context(), far, near, &twoway.Options{DeletionWins: true}, nil); err != nil {
			t.Fatal(err)
		}
	}}
}

// heldFiles keeps what an IMAP client must remember.
type heldFiles struct{}

func (heldFiles) Open(path string) (imap.File, error) {
	return file.OpenHeld(context.Background(), path)
}
func (heldFiles) Remove(path string) error     { return os.Remove(path) }
func (heldFiles) Rename(from, to string) error { return os.Rename(from, to) }

// TestTwoWayAsMbsync: the same changes on both sides end in the same state as with mbsync:
// new messages, flags, deletions, and, where deletions are to win as they do there, the
// conflict of a deletion with a change of flags.
func TestTwoWayAsMbsync(t *testing.T) {
	c := imapClient(t, "IMAP", "imap", Alice, func(o *protocols.Options) { o.TLS.Mode = protocols.TLSOff })
	ours, theirs := ourTwin(t, c, "twoway-ours"), mbsyncTwin(t, c, "twoway-mbsync")
	for _, w := range []*twin{ours, theirs} {
		imapBox(t, c, w.box)
	}
	const here = true
	rounds := [][]change{
		{{false, "add", "a", "S"}, {false, "add", "b", ""}, {false, "add", "c", "FS"}, {false, "add", "stays", ""}},
		{{here, "add", "d", "S"}, {here, "add", "e", ""}, {here, "add", "f", "DF"}, {false, "add", "g", ""}},
		{{false, "flag", "a", "F"}, {here, "flag", "b", "RS"}, {here, "flag", "f", ""}, {false, "flag", "d", "RS"}},
		{{false, "flag", "c", "F"}, {here, "flag", "c", "FRS"}, {here, "flag", "e", "S"}, {false, "flag", "e", "F"}}, // other flags on each side
		{{false, "remove", "a", ""}, {here, "remove", "d", ""}, {false, "remove", "g", ""}, {here, "remove", "g", ""}, {here, "add", "h", ""}},
		{{false, "remove", "b", ""}, {here, "flag", "b", "S"}, {here, "remove", "c", ""}, {false, "flag", "c", "S"}}, // conflicts
		{},
	}
	for i, round := range rounds {
		for _, w := range []*twin{ours, theirs} {
			for _, ch := range round {
				w.do(ch)
			}
			w.sync()
		}
		server, local := ours.content(c, ours.box), ours.content(mailstore.NewMaildir(nil), ours.dir)
		if !maps.Equal(server, local) {
			t.Fatalf("round %d: the sides differ:\n%v\n%v", i, server, local)
		}
		theirServer, theirLocal := theirs.content(c, theirs.box), theirs.content(mailstore.NewMaildir(nil), theirs.dir)
		if !maps.Equal(server, theirServer) || !maps.Equal(local, theirLocal) {
			t.Errorf("round %d: mbsync has\n%v\n%v, we have\n%v", i, theirServer, theirLocal, server)
		}
	}
}

// TestTwoWayAfterMbsync: who used mbsync before gets no message twice.
func TestTwoWayAfterMbsync(t *testing.T) {
	c := imapClient(t, "IMAP", "imap", Alice, func(o *protocols.Options) { o.TLS.Mode = protocols.TLSOff })
	w := mbsyncTwin(t, c, "twoway-moved")
	imapBox(t, c, w.box)
	for i := range 20 {
		w.do(change{i%2 == 0 && i > 0, "add", fmt.Sprint("m", i), "S"})
		if i == 0 {
			w.sync() // makes the maildir
		}
	}
	w.sync()
	before := w.content(c, w.box)
	state := filepath.Join(t.TempDir(), "state")
	far := transfer.Endpoint{Name: w.box, URL: "imap:" + w.box, Protocol: "imap", Open: func() (protocols.Client, error) {
		return imapClient(t, "IMAP", "imap", Alice, func(o *protocols.Options) { o.TLS.Mode = protocols.TLSOff }), nil
	}}
	near := transfer.Endpoint{Name: w.dir, URL: "maildir:" + w.dir, Protocol: "maildir", Open: func() (protocols.Client, error) { return mailstore.NewMaildir(nil), nil }}
	sum, err := twoway.Sync(t.Context(), far, near, &twoway.Options{State: state}, nil)
	if err != nil || sum.Done != 0 || sum.Skipped != 20 {
		t.Errorf("%+v, %v", sum, err)
	}
	if after := w.content(c, w.box); !maps.Equal(after, before) {
		t.Errorf("%v", after)
	}
	began := time.Now()
	w.do(change{true, "remove", "m3", ""})
	if sum, err = twoway.Sync(t.Context(), far, near, &twoway.Options{State: state}, nil); err != nil || sum.Deleted != 1 {
		t.Errorf("%+v, %v after %v", sum, err, time.Since(began))
	}
}
