package transfer_test

import (
	"path/filepath"
	"testing"

	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/transfer"
)

// TestMessagesStateLost: an archive whose state is gone has no message twice
// afterwards, and gets what is new.
func TestMessagesStateLost(t *testing.T) {
	both(t, func(t *testing.T, path string) {
		s := maildrop(t, 20, maillab.POP3Options{})
		src, dst, dir := popEnd(s.Addr()), storeEnd(path), t.TempDir()
		run := func(state string) transfer.Summary {
			return sync(t, src, dst, &transfer.MessageOptions{State: filepath.Join(dir, state)})
		}
		if sum := run("first"); sum.Done != 20 {
			t.Errorf("the first run: %+v", sum)
		}
		for _, state := range []string{"second", "second", "third"} {
			if sum := run(state); sum.Done != 0 || sum.Skipped != 20 {
				t.Errorf("with the state %s: %+v", state, sum)
			}
			sameLetters(t, content(t, path), letters(0, 20))
		}
		del := &transfer.MessageOptions{State: filepath.Join(dir, "fourth"), DeleteAfter: true}
		if sum := sync(t, src, dst, del); sum.Done != 0 || sum.Deleted != 20 {
			t.Errorf("deleting at the source: %+v", sum)
		}
		sameLetters(t, content(t, path), letters(0, 20))
	})
}
