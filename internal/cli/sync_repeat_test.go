package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/maillab"
)

// running runs a command in the background. Its stop interrupts it and returns its exit code.
func running(t *testing.T, args ...string) (stop func() (int, string)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var out, told bytes.Buffer
	code := make(chan int, 1)
	go func() { code <- Main(ctx, args, strings.NewReader(""), &out, &told) }()
	return func() (int, string) {
		cancel()
		select {
		case c := <-code:
			return c, out.String() + told.String()
		case <-time.After(20 * time.Second):
			t.Fatal("it does not end")
		}
		return 0, ""
	}
}

// stored waits until a maildir has n messages.
func stored(t *testing.T, dir string, n int) {
	t.Helper()
	for range 1500 {
		fresh, _ := os.ReadDir(filepath.Join(dir, "new"))
		seen, _ := os.ReadDir(filepath.Join(dir, "cur"))
		if len(fresh)+len(seen) == n {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%s never had %d messages", dir, n)
}

// TestSyncAgain: a sync that is kept running stores what comes later, survives a failure,
// and ends with 130.
func TestSyncAgain(t *testing.T) {
	for _, flag := range []string{"--every=50ms", "--watch"} {
		t.Run(flag, func(t *testing.T) {
			mail, url := accountAt(t, "Box")
			dir := filepath.Join(t.TempDir(), "m")
			stop := running(t, "sync", url+"Box", "maildir:"+dir, flag, "--journal", filepath.Join(t.TempDir(), "j"))
			stored(t, dir, 1)
			time.Sleep(300 * time.Millisecond) // the watch has begun
			if _, err := mail.Append("alice", "Box", []byte("Subject: later\r\n\r\nx\r\n"), nil, time.Now()); err != nil {
				t.Fatal(err)
			}
			stored(t, dir, 2)
			if code, told := stop(); code != 130 {
				t.Errorf("exit code %d, %s", code, told)
			}
		})
	}
}

// TestSyncAgainFails: a failure is reported, and a later run is tried.
func TestSyncAgainFails(t *testing.T) {
	mail := maillab.Sample()
	s, err := maillab.StartIMAP(maillab.IMAPOptions{PreAuth: "alice", Mail: mail})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dir := filepath.Join(t.TempDir(), "m")
	stop := running(t, "sync", s.URL()+"Later", "maildir:"+dir, "--every=50ms", "--journal", filepath.Join(t.TempDir(), "j"))
	time.Sleep(200 * time.Millisecond)
	if err := mail.Create("alice", "Later"); err != nil {
		t.Fatal(err)
	}
	if _, err := mail.Append("alice", "Later", []byte("Subject: later\r\n\r\nx\r\n"), nil, time.Now()); err != nil {
		t.Fatal(err)
	}
	stored(t, dir, 1)
	if code, told := stop(); code != 130 || !strings.Contains(told, "Later") {
		t.Errorf("exit code %d, %s", code, told)
	}
	for _, args := range [][]string{{t.TempDir(), t.TempDir(), "--watch"}, {"maildir:" + dir, s.URL() + "Later", "--watch"}, {t.TempDir(), t.TempDir(), "--every=-1s"}} {
		if code, _, told := runCLI(t, append([]string{"sync"}, args...)...); code != 2 {
			t.Errorf("%v: exit code %d, %s", args, code, told)
		}
	}
}

// TestWatchAccount: all mailboxes of an account are watched, and those on the other side of a
// two-way sync.
func TestWatchAccount(t *testing.T) {
	for name, args := range map[string]func(url, dir string) []string{
		"one way":  func(url, dir string) []string { return []string{url, "maildir:" + dir} },
		"two ways": func(url, dir string) []string { return []string{"maildir:" + dir, url, "--two-way"} },
	} {
		t.Run(name, func(t *testing.T) {
			mail, url := accountAt(t, "Box", "Other")
			dir := t.TempDir()
			stop := running(t, append([]string{"sync", "--watch"}, args(url, dir)...)...)
			stored(t, filepath.Join(dir, "Box"), 1)
			stored(t, filepath.Join(dir, "Other"), 1)
			for i, box := range []string{"Other", "Box"} {
				time.Sleep(500 * time.Millisecond) // the watch has begun
				if _, err := mail.Append("alice", box, []byte(fmt.Sprintf("Subject: later %d\r\n\r\nx\r\n", i)), nil, time.Now()); err != nil {
					t.Fatal(err)
				}
				stored(t, filepath.Join(dir, box), 2)
			}
			if code, told := stop(); code != 130 {
				t.Errorf("exit code %d, %s", code, told)
			}
		})
	}
}
