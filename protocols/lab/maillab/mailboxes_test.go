package maillab

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
)

func TestMailboxesDeliverAndDelete(t *testing.T) {
	m := NewMailboxes(Limits{}, base.Credentials{User: "Alice", Password: "secret"})
	changed := m.Changed()
	for i := range 3 {
		if err := m.Deliver("alice", fmt.Appendf(nil, "message %d\r\n", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-changed:
	default:
		t.Error("no channel was closed by the delivery")
	}
	if n := m.Delete("alice", "inbox", 2, 9); n != 1 {
		t.Errorf("deleted %d, want 1", n)
	}
	uid, err := m.Append("alice", "INBOX", []byte("four"), []string{`\Seen`}, time.Unix(0, 0))
	if err != nil || uid != 4 {
		t.Errorf("UID %d, %v, want 4: UIDs are not used again", uid, err)
	}
	list, err := m.Snapshot("ALICE", "Inbox")
	if err != nil || len(list) != 3 || string(list[1].Data) != "message 3\r\n" || list[2].Flags[0] != `\Seen` {
		t.Errorf("snapshot %v, %v", list, err)
	}
	if !m.SetFlags("alice", Inbox, 3, []string{`\Flagged`}) || m.SetFlags("alice", Inbox, 2, nil) {
		t.Error("flags of a message that is there, and of one that is gone")
	}
	if list[1].Flags != nil {
		t.Error("a snapshot changed afterwards")
	}
	if !m.Login("alice", "secret") || m.Login("alice", "") || m.Login("bob", "") {
		t.Error("login lets in the wrong people")
	}
}

func TestMailboxesNames(t *testing.T) {
	m := NewMailboxes(Limits{Mailboxes: 3})
	steps := []struct {
		what string
		err  error
		want error
	}{
		{"create", m.Create("alice", "Archive"), nil},
		{"create again", m.Create("alice", "Archive"), ErrMailboxExists},
		{"create INBOX", m.Create("alice", "inbox"), ErrMailboxExists},
		{"create for nobody", m.Create("nobody", "x"), ErrNoMailbox},
		{"deliver to nobody", m.Deliver("nobody", nil), ErrNoMailbox},
		{"deliver", m.Deliver("alice", []byte("x")), nil},
		{"rename INBOX", m.Rename("alice", "INBOX", "Old"), nil},
		{"one too many", m.Create("alice", "More"), ErrStoreFull},
		{"rename onto another", m.Rename("alice", "Old", "Archive"), ErrMailboxExists},
		{"remove INBOX", m.Remove("alice", "INBOX"), ErrNoMailbox},
	}
	for _, s := range steps {
		if !errors.Is(s.err, s.want) {
			t.Errorf("%s: %v, want %v", s.what, s.err, s.want)
		}
	}
	boxes, err := m.List("alice")
	if err != nil || len(boxes) != 3 || boxes[2].Name != "Old" || boxes[2].Messages != 1 || boxes[1].Name != "INBOX" || boxes[1].Messages != 0 {
		t.Errorf("mailboxes %+v, %v", boxes, err)
	}
	if err := m.Remove("alice", "Old"); err != nil || m.letters.bytes != 0 || len(m.letters.list) != 0 {
		t.Errorf("removed: %v, %d bytes and %d messages are still counted", err, m.letters.bytes, len(m.letters.list))
	}
}

func TestMailboxesAreBounded(t *testing.T) {
	m := NewMailboxes(Limits{Bytes: 100, Messages: 5})
	if err := m.Deliver("alice", make([]byte, 101)); !errors.Is(err, ErrStoreFull) {
		t.Errorf("too many bytes: %v", err)
	}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { m.Deliver("alice", make([]byte, 10)) })
	}
	wg.Wait()
	if i, _ := m.Info("alice", Inbox); i.Messages != 5 || i.Bytes != 50 || i.UIDNext != 6 {
		t.Errorf("after ten deliveries: %+v", i)
	}
}
