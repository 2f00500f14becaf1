package transfer_test

import (
	"context"
	"iter"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/mailstore"
	"github.com/netclients/netclients/protocols/transfer"
)

// forgetful is a source that says nothing about some of the messages it is asked for.
type forgetful struct{ *mailstore.Maildir }

func (f forgetful) BulkGet(ctx context.Context, names iter.Seq[string], each func(string, *protocols.Object, error) error) error {
	return f.Maildir.BulkGet(ctx, func(yield func(string) bool) {
		n := 0
		for name := range names {
			if n++; n%3 != 0 && !yield(name) {
				return
			}
		}
	}, each)
}

// TestSyncMissesNothing: a run in which the source passed over messages does not end
// well, and the next one gets them.
func TestSyncMissesNothing(t *testing.T) {
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	for i := range 10 {
		if _, err := mailstore.NewMaildir(nil).Put(t.Context(), from, strings.NewReader(letter(i)), nil); err != nil {
			t.Fatal(err)
		}
	}
	src := storeEnd(from)
	src.Open = func() (protocols.Client, error) { return forgetful{mailstore.NewMaildir(nil)}, nil }
	_, err := transfer.SyncMessages(t.Context(), src, storeEnd(to), &transfer.MessageOptions{Options: transfer.Options{Retries: -1}}, nil)
	if protocols.KindOf(err) != protocols.KindProtocol || !strings.Contains(err.Error(), "3 requested messages") {
		t.Errorf("error %v", err)
	}
	sync(t, storeEnd(from), storeEnd(to), nil)
	sameLetters(t, content(t, to), letters(0, 10))
}
