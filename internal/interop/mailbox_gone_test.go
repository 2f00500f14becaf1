//go:build linux

package interop

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/internal/programtest"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap"
)

// TestMailboxGoneAsMbsync: mailboxes that were deleted at the server go in the folder as
// with mbsync's "Remove Both": without more said, those that are empty.
func TestMailboxGoneAsMbsync(t *testing.T) {
	mbsync := requireProgram(t, "mbsync")
	c := imapClient(t, "IMAP", "imap", Alice, func(o *protocols.Options) { o.TLS.Mode = protocols.TLSOff })
	program := programtest.Build(t)
	address := Require(t, "IMAP")["IMAP"]
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	left := map[string][]string{}
	for name, run := range map[string]func(home string, flags ...string) *exec.Cmd{
		"mbsync": func(home string, _ ...string) *exec.Cmd {
			config := filepath.Join(home, "rc")
			text := fmt.Sprintf("IMAPAccount server\nHost %s\nPort %s\nUser %s\nPass %s\nSSLType None\nAuthMechs LOGIN\n\nIMAPStore far\nAccount server\n\n"+
				"MaildirStore near\nPath %s/\nSubFolders Verbatim\n\nChannel both\nFar :far:\nNear :near:\nPatterns gone-*\nCreate Both\nRemove Both\nExpunge Both\nSyncState *\n", host, port, Alice, Password, home)
			if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return exec.Command(mbsync, "-c", config, "both")
		},
		"ours": func(home string, flags ...string) *exec.Cmd {
			argv := append([]string{"sync", "-q", "--tls", "off", "--two-way", "--remove-mailboxes", "imap://" + Alice + "@" + address + "/gone-*", "maildir:" + home}, flags...)
			cmd := exec.Command(program, argv...)
			cmd.Env = append(os.Environ(), "NETCLIENTS_PASSWORD="+Password, "NETCLIENTS_CONFIG="+os.DevNull, "XDG_STATE_HOME="+t.TempDir())
			return cmd
		},
	} {
		home := t.TempDir()
		sync := func(flags ...string) {
			cmd := run(home, flags...)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Logf("%s: %v: %s", name, err, out) // of the mailbox that is not empty both speak
			}
		}
		for _, box := range []string{"gone-empty", "gone-full", "gone-stays"} {
			imapBox(t, c, box)
			if box != "gone-empty" {
				if _, err := c.Put(t.Context(), box, strings.NewReader("Subject: x\r\n\r\n"+box+"\r\n"), nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		sync()
		for _, box := range []string{"gone-empty", "gone-full"} {
			c.Settings.Force = true
			if err := c.Unmake(t.Context(), box); err != nil {
				t.Fatal(err)
			}
		}
		sync()
		left[name] = maildirs(t, home)
		if name == "ours" {
			sync("--max-delete", "1")
			if got := maildirs(t, home); !slices.Equal(got, []string{"gone-stays"}) {
				t.Errorf("with --max-delete 1 there are %q", got)
			}
			goneHere(t, c, home, sync)
		}
	}
	if want := []string{"gone-full", "gone-stays"}; !slices.Equal(left["mbsync"], want) || !slices.Equal(left["ours"], want) {
		t.Errorf("left are %q, want %q", left, want)
	}
}

// goneHere deletes a maildir: its mailbox at the server goes.
func goneHere(t *testing.T, c *imap.Client, home string, sync func(...string)) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(home, "gone-stays")); err != nil {
		t.Fatal(err)
	}
	if err := c.Make(context.Background(), "gone-new"); err != nil { // a side without any mailbox deletes none
		t.Fatal(err)
	}
	defer func() { _ = c.Unmake(context.Background(), "gone-new") }()
	sync("--max-delete", "-1")
	var there []string
	for _, e := range imapList(t, c.List(t.Context(), "")) {
		if strings.HasPrefix(e.Name, "gone-") {
			there = append(there, e.Name)
		}
	}
	if !slices.Equal(there, []string{"gone-new"}) || !slices.Equal(maildirs(t, home), []string{"gone-new"}) {
		t.Errorf("at the server are %q, here %q", there, maildirs(t, home))
	}
}

func maildirs(t *testing.T, home string) (names []string) {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(home, "gone-*", "cur"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range list {
		names = append(names, filepath.Base(filepath.Dir(path)))
	}
	slices.Sort(names)
	return names
}
