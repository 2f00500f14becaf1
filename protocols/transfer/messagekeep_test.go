package transfer_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/transfer"
)

// TestKeepFor: messages stay at their source for a time after they were stored, also those
// that were stored before anybody asked for that; then they are deleted. None of it is a failure.
func TestKeepFor(t *testing.T) {
	s := maildrop(t, 3, maillab.POP3Options{})
	src, dir := popEnd(s.Addr()), filepath.Join(t.TempDir(), "mail")
	dst, state := storeEnd(dir), filepath.Join(t.TempDir(), "state")
	run := func(keep time.Duration, want transfer.Summary) {
		t.Helper()
		sum := sync(t, src, dst, &transfer.MessageOptions{State: state, DeleteAfter: keep > 0, KeepFor: keep})
		if sum.Bytes = 0; sum != want {
			t.Errorf("%+v, want %+v", sum, want)
		}
	}
	run(0, transfer.Summary{Done: 3})
	deliver(t, s.Mail(), 3)
	run(time.Hour, transfer.Summary{Done: 1, Skipped: 3})
	run(time.Hour, transfer.Summary{Skipped: 4})
	b, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	since := regexp.MustCompile(`(?m)^(= since-\S+) \d+$`)
	if n := len(since.FindAll(b, -1)); n != 4 {
		t.Fatalf("%d messages have a time", n)
	}
	if err := os.WriteFile(state, since.ReplaceAll(b, []byte("$1 1000000000")), 0o600); err != nil {
		t.Fatal(err)
	}
	deliver(t, s.Mail(), 4)
	run(time.Hour, transfer.Summary{Done: 1, Skipped: 4, Deleted: 4})
	run(time.Hour, transfer.Summary{Skipped: 1})
	sameLetters(t, content(t, dir), letters(0, 5))
}
