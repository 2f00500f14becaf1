//go:build linux

package interop

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/internal/programtest"
	"github.com/netclients/netclients/protocols"
)

// TestWatchAccountNotify: an account with more mailboxes than have a connection each is
// watched with NOTIFY: mail in the last of them comes at once.
func TestWatchAccountNotify(t *testing.T) {
	c := imapClient(t, "IMAP", "imap", "grace", func(o *protocols.Options) { o.TLS.Mode = protocols.TLSOff })
	const n = 14
	box := func(i int) string { return fmt.Sprintf("notify%02d", i) }
	for i := range n {
		imapBox(t, c, box(i))
	}
	program := programtest.Build(t)
	dir, trace := filepath.Join(t.TempDir(), "mail"), filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command(program, "sync", "-q", "--tls", "off", "--watch", "--trace", trace, "imap://grace@"+Require(t, "IMAP")["IMAP"]+"/", "maildir:"+dir, "--include", "notify*")
	cmd.Env = append(os.Environ(), "NETCLIENTS_PASSWORD="+Password, "NETCLIENTS_CONFIG="+os.DevNull, "XDG_STATE_HOME="+t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	within := func(what string, ok func() bool) {
		t.Helper()
		for began := time.Now(); !ok(); time.Sleep(20 * time.Millisecond) {
			if time.Since(began) > 2*time.Minute {
				t.Fatalf("%s: nothing after two minutes", what)
			}
		}
	}
	said := func(text string) bool {
		b, _ := os.ReadFile(trace)
		return strings.Contains(string(b), text)
	}
	within("the first run", func() bool { _, err := os.Stat(filepath.Join(dir, box(n-1), "cur")); return err == nil })
	within("NOTIFY", func() bool { return said("NOTIFY completed") })
	for _, i := range []int{n - 1, 0} {
		if _, err := c.Put(t.Context(), box(i), strings.NewReader("Subject: news\r\n\r\nnews\r\n"), nil); err != nil {
			t.Fatal(err)
		}
		within(box(i), func() bool {
			names, _ := filepath.Glob(filepath.Join(dir, box(i), "new", "*"))
			more, _ := filepath.Glob(filepath.Join(dir, box(i), "cur", "*"))
			return len(names)+len(more) == 1
		})
	}
}
