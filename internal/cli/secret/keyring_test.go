package secret

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestKeyringIsLeftOutWithoutASession(t *testing.T) {
	dir := t.TempDir()
	if keyringReachable(environ("XDG_RUNTIME_DIR", dir)) || keyringReachable(noEnv) {
		t.Error("reachable without a bus")
	}
	if keyringReachable(environ("DBUS_SESSION_BUS_ADDRESS", "autolaunch:")) {
		t.Error("reachable by starting a bus")
	}
	if !keyringReachable(environ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/x")) {
		t.Error("not reachable by address")
	}
	l, err := net.Listen("unix", filepath.Join(dir, "bus"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if !keyringReachable(environ("XDG_RUNTIME_DIR", dir)) {
		t.Error("not reachable by socket")
	}
}

// A keyring that waits for an unlocked desktop costs three seconds, not more.
func TestKeyringTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		var told string
		get := NewCredentials(Sources{
			User: "joe", Getenv: noEnv, Warn: func(s string) { told = s },
			KeyringGet: func(string, string) (string, error) { <-release; return "", errors.New("late") },
		})
		start := time.Now()
		c, err := get(context.Background(), ftpRequest(""))
		if err != nil || c.User != "joe" || c.Password != "" {
			t.Errorf("got %+v, %v", c, err)
		}
		if took := time.Since(start); took != keyringWait {
			t.Errorf("took %v", took)
		}
		if !strings.Contains(told, "did not answer") {
			t.Errorf("told %q", told)
		}
	})
}
