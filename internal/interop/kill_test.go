//go:build linux

package interop

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// contents returns the messages of a mailbox.
func contents(t *testing.T, c protocols.Client, name string) (texts []string) {
	t.Helper()
	var names []string
	for e, err := range protocols.List(t.Context(), c, name) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Type == protocols.TypeMessage {
			names = append(names, e.Path)
		}
	}
	err := protocols.BulkGet(t.Context(), c, slices.Values(names), func(_ string, o *protocols.Object, err error) error {
		texts = append(texts, labtest.Object(t, o, err))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// runUntil runs a command with the password in its environment, and kills it after a time. Its state is kept in a
// folder.
func runUntil(t *testing.T, within time.Duration, state string, argv []string) (killed bool) {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "NETCLIENTS_PASSWORD="+Password, "NETCLIENTS_CONFIG="+os.DevNull, "XDG_STATE_HOME="+state)
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(within, func() { cmd.Process.Kill() })
	err := cmd.Wait()
	timer.Stop()
	if err != nil && cmd.ProcessState.Exited() {
		t.Fatalf("%v: %s", err, said.String())
	}
	return err != nil
}
