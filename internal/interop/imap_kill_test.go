//go:build linux

package interop

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/programtest"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
	"github.com/netclients/netclients/protocols/imap"
	"github.com/netclients/netclients/protocols/mailstore"
)

// imapKills is how often a run is killed, in each direction.
const imapKills = 30

// TestIMAPKilled: syncs of several mailboxes, down to maildirs and from there up
// to another account, are killed at any moment while mail arrives and is deleted
// and mailboxes are recreated. In the end every message is there once, byte for
// byte.
func TestIMAPKilled(t *testing.T) {
	k := &imapKiller{
		t: t, recreated: map[string]bool{}, removed: map[string]bool{}, dir: filepath.Join(t.TempDir(), "mail"), boxes: []string{"imapkill", "imapkill/Entwürfe", "imapkill/large"},
		from: imapClient(t, "IMAP", "imap", Alice, func(o *protocols.Options) { o.TLS.Mode = protocols.TLSOff }),
		to:   imapClient(t, "IMAP", "imap", "grace", func(o *protocols.Options) { o.TLS.Mode = protocols.TLSOff }),
	}
	program := programtest.Build(t)
	for _, box := range k.boxes {
		imapBox(t, k.from, box)
		k.to.Settings.Force = true
		k.to.Unmake(t.Context(), box)
		t.Cleanup(func() { k.to.Unmake(context.Background(), box) })
	}
	host := Require(t, "IMAP")["IMAP"]
	argv := []string{program, "sync", "-q", "--tls", "off", "--retries", "0", "--delete", "--max-delete", "-1", "--parallel", "2"}
	k.rounds(append(argv, "imap://alice@"+host+"/imapkill*", "maildir:"+k.dir), true)
	k.same(k.from)
	clear(k.removed)
	k.rounds(append(argv, "maildir:"+k.dir, "imap://grace@"+host+"/"), false)
	k.same(k.to)
}

type imapKiller struct {
	t         *testing.T
	dir       string
	boxes     []string
	from, to  *imap.Client
	letters   int
	recreated map[string]bool // mailboxes recreated since the last completed run
	removed   map[string]bool // such a message may remain, if a run was killed just after storing it, or its mailbox was recreated
}

// rounds runs a command until it has been killed often enough, and then to its end.
func (k *imapKiller) rounds(argv []string, down bool) {
	k.t.Helper()
	whole := 500 * time.Millisecond // the duration of a run
	for kills, n := 0, 0; kills < imapKills; n++ {
		if n%3 == 0 {
			k.change(down, n)
		}
		began := time.Now()
		if runUntil(k.t, rand.N(whole), filepath.Join(filepath.Dir(k.dir), "state"), argv) {
			kills++
			continue
		}
		whole = max(time.Since(began), 50*time.Millisecond)
		clear(k.recreated)
	}
	for range 2 { // the second finds nothing to do, or removes what the first could not
		if runUntil(k.t, 2*time.Minute, filepath.Join(filepath.Dir(k.dir), "state"), argv) {
			k.t.Fatal("still running after two minutes")
		}
	}
}

// change adds and removes mail; sometimes it recreates a mailbox with the same
// content.
func (k *imapKiller) change(down bool, n int) {
	k.t.Helper()
	box := k.boxes[n/3%len(k.boxes)]
	if !down {
		k.changeHere(box)
		return
	}
	all := imapList(k.t, k.from.List(k.t.Context(), box))
	doomed := k.onServer(k.from, box)[:min(len(all), 5)]
	if k.recreated[box] {
		doomed = nil
	}
	for i, text := range doomed {
		k.removed[text] = true
		if err := k.from.Remove(k.t.Context(), all[i].Path); err != nil {
			k.t.Fatal(err)
		}
	}
	texts := k.more(box, 40)
	if n%12 == 9 {
		k.recreated[box] = true
		texts = append(k.onServer(k.from, box), texts...)
		if err := k.from.Unmake(k.t.Context(), box); err != nil {
			k.t.Fatal(err)
		}
		if err := k.from.Make(k.t.Context(), box); err != nil {
			k.t.Fatal(err)
		}
	}
	ups := func(yield func(imap.Upload, error) bool) {
		for _, text := range texts {
			if !yield(imap.Upload{Body: strings.NewReader(text)}, nil) {
				return
			}
		}
	}
	if err := k.from.PutAll(k.t.Context(), box, ups, func(_ int, _ protocols.Entry, err error) error { return err }); err != nil {
		k.t.Fatal(err)
	}
}

// changeHere adds mail to a maildir and removes some of it.
func (k *imapKiller) changeHere(box string) {
	k.t.Helper()
	dir := k.folder(box)
	m := mailstore.NewMaildir(nil)
	all := gathered(k.t, m.List(k.t.Context(), dir))
	for _, e := range all[:min(len(all), 5)] {
		k.removed[k.read(m, e.Path)] = true
		if err := m.Remove(k.t.Context(), e.Path); err != nil {
			k.t.Fatal(err)
		}
	}
	for _, text := range k.more(box, 40) {
		if _, err := m.Put(k.t.Context(), dir, strings.NewReader(text), nil); err != nil {
			k.t.Fatal(err)
		}
	}
}

// more makes distinct messages, two of which differ only in their Message-ID.
func (k *imapKiller) more(box string, n int) (texts []string) {
	for range n {
		k.letters++
		lines := k.letters % 300
		if strings.HasSuffix(box, "large") && k.letters%40 == 0 {
			lines = 120_000
		}
		texts = append(texts, fmt.Sprintf("Message-ID: <%08d@interop>\r\nSubject: letter\r\n\r\n%s", k.letters, strings.Repeat("a line of some length, to fill the message with text\r\n", lines)))
	}
	return texts
}

func (k *imapKiller) onServer(c *imap.Client, box string) []string { return contents(k.t, c, box) }

// same compares the maildirs with the mailboxes of a server.
func (k *imapKiller) same(c *imap.Client) {
	k.t.Helper()
	m := mailstore.NewMaildir(nil)
	for _, box := range k.boxes {
		count := map[string]int{}
		for _, e := range gathered(k.t, m.List(k.t.Context(), k.folder(box))) {
			count[k.read(m, e.Path)]++
		}
		there := map[string]int{}
		for _, text := range k.onServer(c, box) {
			there[text]++
			if count[text] != 1 && !(count[text] == 0 && k.removed[text]) || there[text] != 1 {
				k.t.Errorf("%s: %d times locally, %d times on the server: %.40q", box, count[text], there[text], text)
			}
		}
		for text, n := range count {
			if n != 1 || there[text] != 1 && !k.removed[text] {
				k.t.Errorf("%s: %d times locally, %d times on the server: %.40q", box, n, there[text], text)
			}
		}
		if len(there) < 40 {
			k.t.Errorf("%s: only %d messages", box, len(there))
		}
	}
}

func (k *imapKiller) read(m *mailstore.Maildir, path string) string {
	k.t.Helper()
	o, err := m.Get(k.t.Context(), path, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	defer o.Body.Close()
	b, err := io.ReadAll(o.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	return string(b)
}

// folder returns the maildir of a mailbox.
func (k *imapKiller) folder(box string) string {
	dir := k.dir
	for part := range strings.SplitSeq(box, "/") {
		safe, err := file.SafeName(part)
		if err != nil {
			k.t.Fatal(err)
		}
		dir = filepath.Join(dir, safe)
	}
	return dir
}
