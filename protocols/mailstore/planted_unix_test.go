//go:build unix

package mailstore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
)

// giveAway makes path another user's, which only root can do.
func giveAway(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file to another user")
	}
	if err := os.Lchown(path, 54321, 54321); err != nil {
		t.Fatal(err)
	}
}

// TestPlantedLinks: mail does not go through a link that another user has put where
// an mbox, or a folder of a maildir, is expected.
func TestPlantedLinks(t *testing.T) {
	const mail = "Subject: x\n\ntext\n"
	put := func(c protocols.Client, name string) error {
		_, err := protocols.Put(t.Context(), c, name, strings.NewReader(mail), nil)
		return err
	}
	for _, victim := range []string{"empty", "missing"} {
		dir := t.TempDir()
		box, target := filepath.Join(dir, "box"), filepath.Join(dir, "private")
		if victim == "empty" {
			if err := os.WriteFile(target, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(target, box); err != nil {
			t.Fatal(err)
		}
		giveAway(t, box)
		if err := put(NewMbox(nil), box); protocols.KindOf(err) != protocols.KindLocal || !errors.Is(err, fs.ErrPermission) {
			t.Errorf("mbox, %s: %v", victim, err)
		}
		if info, err := os.Stat(target); err == nil && info.Size() > 0 || err == nil && victim == "missing" {
			t.Errorf("mbox, %s: written through the link", victim)
		}
		archive, err := NewMbox(nil).OpenArchive(t.Context(), box, nil)
		if err == nil {
			archive.Close()
			t.Errorf("mbox, %s: opened as an archive", victim)
		}
	}
	for _, sub := range []string{"new", "cur", "tmp"} {
		dir, away := filepath.Join(t.TempDir(), "md"), t.TempDir()
		if err := makeMaildir(dir); err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(dir, sub)
		if err := errors.Join(os.Remove(link), os.Symlink(away, link)); err != nil {
			t.Fatal(err)
		}
		if err := put(NewMaildir(nil), dir); err != nil {
			t.Errorf("maildir, own link for %s: %v", sub, err)
		}
		giveAway(t, link)
		if err := put(NewMaildir(nil), dir); protocols.KindOf(err) != protocols.KindLocal {
			t.Errorf("maildir, link of another user for %s: %v", sub, err)
		}
	}
}

// TestMboxThroughOwnLink: the user's own link stays one when the file behind it is
// written anew.
func TestMboxThroughOwnLink(t *testing.T) {
	dir := t.TempDir()
	link, box := filepath.Join(dir, "link"), filepath.Join(dir, "box")
	if err := os.Symlink("box", link); err != nil {
		t.Fatal(err)
	}
	m := NewMbox(nil)
	for _, text := range []string{"one", "two"} {
		if _, err := m.Put(t.Context(), link, strings.NewReader("Subject: "+text+"\n\n"), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Remove(t.Context(), link+";MSG=1"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is now %v, %v", info.Mode(), err)
	}
	if b, err := os.ReadFile(box); err != nil || strings.Contains(string(b), "one") || !strings.Contains(string(b), "two") {
		t.Errorf("the file holds %q, %v", b, err)
	}
}

// TestLockThatIsFIFO: waiting for such a lock ends with the context.
func TestLockThatIsFIFO(t *testing.T) {
	box := filepath.Join(t.TempDir(), "box")
	if err := syscall.Mkfifo(box+".lock", 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	_, err := NewMbox(nil).Put(ctx, box, strings.NewReader("Subject: x\n\n"), nil)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

// TestMaildirStrangeFiles: a link, a folder and a FIFO among the messages do not end a
// listing, which shows them as what they are, and a sync passes over them.
func TestMaildirStrangeFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "md")
	m := NewMaildir(nil)
	if _, err := m.Put(t.Context(), dir, strings.NewReader("Subject: x\n\n"), &protocols.PutOptions{Flags: []string{`\Seen`}}); err != nil {
		t.Fatal(err)
	}
	cur := filepath.Join(dir, "cur")
	if err := errors.Join(os.Symlink("/etc/passwd", filepath.Join(cur, "link")), os.Mkdir(filepath.Join(cur, "folder"), 0o700), syscall.Mkfifo(filepath.Join(cur, "fifo"), 0o600)); err != nil {
		t.Fatal(err)
	}
	found := map[protocols.Type]int{}
	for e, err := range m.List(t.Context(), dir) {
		if err != nil {
			t.Fatal(err)
		}
		found[e.Type]++
	}
	for _, kind := range []protocols.Type{protocols.TypeMessage, protocols.TypeLink, protocols.TypeDir, protocols.TypeOther} {
		if found[kind] != 1 {
			t.Errorf("%d of type %s", found[kind], kind)
		}
	}
	if _, err := m.Get(t.Context(), filepath.Join(cur, "link"), nil); protocols.KindOf(err) != protocols.KindLocal {
		t.Errorf("the link is opened: %v", err)
	}
	box, err := m.OpenMailbox(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for e, err := range box.Changes(t.Context(), "") {
		if n++; err != nil || e.Type != protocols.TypeMessage {
			t.Errorf("%+v, %v", e, err)
		}
	}
	if n != 1 || !box.Complete {
		t.Errorf("%d messages, complete: %v", n, box.Complete)
	}
}
