//go:build linux

package interop

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/programtest"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap"
	"github.com/netclients/netclients/protocols/mailstore"
)

// TestRestored: one-way syncs into places that have the messages already and no state of
// ours: a maildir that mbsync filled, and a mailbox that another program filled in part.
// Runs are killed at any moment. Nothing is there twice in the end that was not twice before.
func TestRestored(t *testing.T) {
	c := imapClient(t, "IMAP", "imap", Alice, func(o *protocols.Options) { o.TLS.Mode = protocols.TLSOff })
	w := mbsyncTwin(t, c, "restored")
	imapBox(t, c, w.box)
	program := programtest.Build(t)
	const n = 120
	put(t, c, w.box, func(i int) string {
		return fmt.Sprintf("Message-ID: <%d@restored>\r\nSubject: letter %d\r\n\r\n%s", i, i%100, strings.Repeat("From here on\r\n.\r\n", 1+i%100*7)) // sizes come again
	}, n)
	w.sync()
	host := Require(t, "IMAP")["IMAP"]
	argv := []string{program, "sync", "--tls", "off", "--retries", "0", "--json"}
	state := t.TempDir()

	t.Run("maildir of mbsync", func(t *testing.T) {
		before := names(t, w.dir)
		down := append(slices.Clone(argv), "imap://alice@"+host+"/"+w.box, "maildir:"+w.dir)
		for range 10 {
			runUntil(t, rand.N(300*time.Millisecond), state, down)
		}
		if runUntil(t, 2*time.Minute, state, down) {
			t.Fatal("still running after two minutes")
		}
		if got := names(t, w.dir); !slices.Equal(got, before) {
			t.Errorf("%d files, there were %d", len(got), len(before))
		}
		w.sync() // mbsync knows all of them
		if got := len(imapList(t, c.List(t.Context(), w.box))); got != n {
			t.Errorf("%d messages at the server after mbsync, want %d", got, n)
		}
	})
	t.Run("mailbox filled in part", func(t *testing.T) {
		to := imapClient(t, "IMAP", "imap", "grace", func(o *protocols.Options) { o.TLS.Mode = protocols.TLSOff })
		box := imapBox(t, to, "restored")
		want := counted(t, mailstore.NewMaildir(nil), w.dir)
		texts := slices.Sorted(maps.Keys(want))
		put(t, to, box, func(i int) string { // as mbsync uploads, and as others do
			if i%2 == 0 {
				return texts[i]
			}
			return "X-TUID: 0123456789ab\r\n" + texts[i]
		}, n/2)
		up := append(slices.Clone(argv), "maildir:"+w.dir, "imap://grace@"+host+"/"+box)
		for range 15 {
			runUntil(t, rand.N(500*time.Millisecond), state, up)
		}
		for range 2 {
			if runUntil(t, 2*time.Minute, state, up) {
				t.Fatal("still running after two minutes")
			}
		}
		if got := counted(t, to, box); !maps.Equal(got, want) {
			t.Errorf("%d messages, want %d", len(got), len(want))
			for text, n := range got {
				if n != want[text] {
					t.Errorf("%d times: %.60q", n, text)
				}
			}
		}
	})
}

func put(t *testing.T, c *imap.Client, box string, text func(i int) string, n int) {
	t.Helper()
	ups := func(yield func(imap.Upload, error) bool) {
		for i := range n {
			if !yield(imap.Upload{Body: strings.NewReader(text(i))}, nil) {
				return
			}
		}
	}
	if err := c.PutAll(t.Context(), box, ups, func(_ int, _ protocols.Entry, err error) error { return err }); err != nil {
		t.Fatal(err)
	}
}

// names returns the base names of the files of a maildir, without flags.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	for _, sub := range []string{"cur", "new"} {
		files, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			base, _, _ := strings.Cut(f.Name(), ":")
			all = append(all, base)
		}
	}
	slices.Sort(all)
	return all
}

// counted returns how often each message is in a mailbox, without what mbsync adds.
func counted(t *testing.T, c protocols.Client, name string) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, text := range contents(t, c, name) {
		text = strings.ReplaceAll(text, "\r\n", "\n")
		if i := strings.Index(text, "X-TUID: "); i >= 0 {
			text = text[:i] + text[strings.Index(text[i:], "\n")+i+1:]
		}
		all[strings.ReplaceAll(text, "\n", "\r\n")]++
	}
	return all
}
