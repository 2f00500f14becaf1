package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/mailstore"
	"github.com/netclients/netclients/protocols/pop3"
	"github.com/netclients/netclients/protocols/transfer"
)

// maildrop starts a server with n messages for alice; every tenth is large.
func maildrop(t *testing.T, n int, o maillab.POP3Options) *maillab.POP3Server {
	t.Helper()
	o.Mail = maillab.NewMailboxes(maillab.Limits{})
	for i := range n {
		deliver(t, o.Mail, i)
	}
	return labtest.Start(t, maillab.StartPOP3, o)
}

func deliver(t *testing.T, m *maillab.Mailboxes, i int) {
	t.Helper()
	if err := m.Deliver("alice", []byte(letter(i))); err != nil {
		t.Fatal(err)
	}
}

func letter(i int) string {
	body := "hello\r\n.dot\r\nFrom x\r\n"
	if i%10 == 0 {
		body += strings.Repeat("a long message goes on and on\r\n", 3000)
	}
	return fmt.Sprintf("From: a@example.org\r\nSubject: number %d\r\n\r\n%s", i, body)
}

func popEnd(address string) transfer.Endpoint {
	text := "pop3://alice:secret@" + address + "/"
	return transfer.Endpoint{URL: text, Protocol: "pop3", Open: func() (protocols.Client, error) {
		u, err := protocols.ParseURL(text, "")
		if err != nil {
			return nil, err
		}
		return pop3.New(u, nil)
	}}
}

// storeEnd is a maildir, or an mbox for a path that ends so.
func storeEnd(path string) transfer.Endpoint {
	return transfer.Endpoint{Name: path, URL: "file://" + path, Open: func() (protocols.Client, error) {
		if strings.HasSuffix(path, ".mbox") {
			return mailstore.NewMbox(nil), nil
		}
		return mailstore.NewMaildir(nil), nil
	}}
}

// content returns all messages of a store, sorted.
func content(t *testing.T, path string) []string {
	t.Helper()
	c, err := storeEnd(path).Open()
	if err != nil {
		t.Fatal(err)
	}
	var all, names []string
	for e, err := range protocols.List(t.Context(), c, path) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, e.Path)
	}
	for _, name := range names {
		o, err := protocols.Get(t.Context(), c, name, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(o.Body)
		o.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(b))
	}
	slices.Sort(all)
	return all
}

func letters(from, to int) []string {
	var all []string
	for i := from; i < to; i++ {
		all = append(all, letter(i))
	}
	slices.Sort(all)
	return all
}

func sameLetters(t *testing.T, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	double, missing := 0, 0
	for i, m := range got {
		if i > 0 && got[i-1] == m {
			double++
		}
	}
	for _, m := range want {
		if !slices.Contains(got, m) {
			missing++
		}
	}
	t.Errorf("%d messages, want %d: %d are missing, %d are double", len(got), len(want), missing, double)
}

func sync(t *testing.T, src, dst transfer.Endpoint, o *transfer.MessageOptions) transfer.Summary {
	t.Helper()
	sum, err := transfer.SyncMessages(t.Context(), src, dst, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func both(t *testing.T, f func(t *testing.T, path string)) {
	for _, kind := range []string{"maildir", "mbox"} {
		t.Run(kind, func(t *testing.T) { f(t, filepath.Join(t.TempDir(), "mail."+kind)) })
	}
}

func TestMessages(t *testing.T) {
	both(t, func(t *testing.T, path string) {
		s := maildrop(t, 250, maillab.POP3Options{})
		src, dst := popEnd(s.Addr()), storeEnd(path)
		if sum := sync(t, src, dst, &transfer.MessageOptions{DryRun: true}); sum.Done != 250 {
			t.Errorf("a dry run says %+v", sum)
		}
		if left, _ := filepath.Glob(filepath.Dir(path) + "/*"); len(left) > 0 {
			t.Errorf("a dry run has written %v", left)
		}
		if sum := sync(t, src, dst, nil); sum.Done != 250 || sum.Bytes == 0 {
			t.Errorf("first run: %+v", sum)
		}
		sameLetters(t, content(t, path), letters(0, 250))
		deliver(t, s.Mail(), 250)
		before := len(s.Commands())
		if sum := sync(t, src, dst, nil); sum.Done != 1 || sum.Skipped != 250 {
			t.Errorf("second run: %+v", sum)
		}
		for _, c := range s.Commands()[before:] {
			if strings.HasPrefix(c, "RETR") && c != "RETR 251" {
				t.Errorf("fetched again: %s", c)
			}
		}
		sum := sync(t, src, dst, &transfer.MessageOptions{DeleteAfter: true})
		if info, err := s.Mail().Info("alice", maillab.Inbox); err != nil || info.Messages != 0 || sum.Deleted != 251 {
			t.Errorf("after deleting: %d messages at the server, %+v, %v", info.Messages, sum, err)
		}
		sameLetters(t, content(t, path), letters(0, 251))
		deliver(t, s.Mail(), 251)
		if sum := sync(t, src, dst, &transfer.MessageOptions{Delete: true}); sum.Done != 1 {
			t.Errorf("last run: %+v", sum)
		}
		sameLetters(t, content(t, path), letters(0, 252))
	})
}

// TestMessagesDelete: what the source has no more is removed, but not all of it.
func TestMessagesDelete(t *testing.T) {
	both(t, func(t *testing.T, path string) {
		s := maildrop(t, 20, maillab.POP3Options{})
		src, dst := popEnd(s.Addr()), storeEnd(path)
		sync(t, src, dst, nil)
		list, err := s.Mail().Snapshot("alice", maillab.Inbox)
		if err != nil {
			t.Fatal(err)
		}
		s.Mail().Delete("alice", maillab.Inbox, list[0].UID, list[1].UID)
		if _, err := transfer.SyncMessages(t.Context(), src, dst, &transfer.MessageOptions{Delete: true, MaxDelete: 1}, nil); protocols.KindOf(err) != protocols.KindRefused {
			t.Errorf("more deletions than allowed: %v", err)
		}
		if sum := sync(t, src, dst, &transfer.MessageOptions{Delete: true}); sum.Deleted != 2 {
			t.Errorf("got %+v", sum)
		}
		sameLetters(t, content(t, path), letters(2, 20))
		for _, m := range list {
			s.Mail().Delete("alice", maillab.Inbox, m.UID)
		}
		if _, err := transfer.SyncMessages(t.Context(), src, dst, &transfer.MessageOptions{Delete: true}, nil); protocols.KindOf(err) != protocols.KindRefused {
			t.Errorf("an empty source removes all: %v", err)
		}
		sameLetters(t, content(t, path), letters(2, 20))
	})
}

// TestMessagesTrouble: connections that break are taken up again, each message
// comes once, and nothing is deleted that is not stored.
func TestMessagesTrouble(t *testing.T) {
	for _, spec := range []string{"cut=100k*3", "close=70k*4", "stall=50k:100ms", "split=1000", "drop:QUIT*1", "reset:DELE*1", "code:QUIT=-ERR no*1", "garbage:RETR*1"} {
		t.Run(spec, func(t *testing.T) {
			both(t, func(t *testing.T, path string) {
				faults, err := lab.ParseFaults(spec)
				if err != nil {
					t.Fatal(err)
				}
				s := maildrop(t, 60, maillab.POP3Options{ServerOptions: lab.ServerOptions{Faults: faults}, Shared: true})
				o := &transfer.MessageOptions{DeleteAfter: true, Options: transfer.Options{RetryWait: time.Millisecond, Retries: 5}}
				var last error
				for range 4 {
					if _, last = transfer.SyncMessages(t.Context(), popEnd(s.Addr()), storeEnd(path), o, nil); last == nil {
						break
					}
				}
				if last != nil {
					t.Fatal(last)
				}
				sameLetters(t, content(t, path), letters(0, 60))
				if info, err := s.Mail().Info("alice", maillab.Inbox); err != nil || info.Messages != 0 {
					t.Errorf("%d messages at the server, %v", info.Messages, err)
				}
			})
		})
	}
}

// TestMessagesFull: when the disk takes no more, what was stored stays, and nothing
// is deleted at the server. The next run tells the archive where this one began.
func TestMessagesFull(t *testing.T) {
	s := maildrop(t, 5, maillab.POP3Options{})
	path := t.TempDir()
	dst := storeEnd(path)
	open := dst.Open
	var marks []string
	dst.Open = func() (protocols.Client, error) {
		c, err := open()
		return fullStore{c, &marks}, err
	}
	_, err := transfer.SyncMessages(t.Context(), popEnd(s.Addr()), dst, &transfer.MessageOptions{DeleteAfter: true}, nil)
	if protocols.KindOf(err) != protocols.KindLocal {
		t.Errorf("got %v", err)
	}
	if info, err := s.Mail().Info("alice", maillab.Inbox); err != nil || info.Messages != 5 {
		t.Errorf("%d messages at the server, %v", info.Messages, err)
	}
	transfer.SyncMessages(t.Context(), popEnd(s.Addr()), dst, nil, nil)
	if want := []string{"", "at the begin"}; !slices.Equal(marks, want) {
		t.Errorf("the archive was told %q, want %q", marks, want)
	}
}

// fullStore is a maildir on a disk that fills up with the third message.
type fullStore struct {
	protocols.Client
	marks *[]string
}

func (f fullStore) StatePath(name, source string) (string, error) {
	return filepath.Join(name, ".state"), nil
}

func (f fullStore) OpenArchive(ctx context.Context, name string, o *protocols.ArchiveOptions) (protocols.Archive, error) {
	*f.marks = append(*f.marks, o.Mark)
	a, err := f.Client.(protocols.MessageTarget).OpenArchive(ctx, name, o)
	return &fullArchive{Archive: a}, err
}

type fullArchive struct {
	protocols.Archive
	n int
}

func (f *fullArchive) Mark() string { return "at the begin" }

func (f *fullArchive) Add(ctx context.Context, key string, e *protocols.Entry, body io.Reader) error {
	if f.n++; f.n == 3 {
		return &protocols.Error{Kind: protocols.KindLocal, Err: errors.New("no space left on device")}
	}
	return f.Archive.Add(ctx, key, e, body)
}

// moved is a source whose ids have become void: another validity, other ids.
type moved struct {
	*mailstore.Maildir
	validity string
}

func (m moved) OpenMailbox(ctx context.Context, name string) (*protocols.Mailbox, error) {
	box, err := m.Maildir.OpenMailbox(ctx, name)
	if err != nil {
		return nil, err
	}
	box.Validity = m.validity
	return box, nil
}

// TestMessagesValidity: when ids become void nothing is lost and nothing is there twice.
func TestMessagesValidity(t *testing.T) {
	both(t, func(t *testing.T, path string) {
		from := t.TempDir()
		m := mailstore.NewMaildir(nil)
		put := func(i int) {
			if _, err := m.Put(t.Context(), from, strings.NewReader(letter(i)), nil); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 12 {
			put(i)
		}
		put(3) // the same message twice is two messages
		want := append(letters(0, 12), letter(3))
		slices.Sort(want)
		run := func(validity string) transfer.Summary {
			src := transfer.Endpoint{Name: from, URL: "maildir:" + from, Open: func() (protocols.Client, error) { return moved{mailstore.NewMaildir(nil), validity}, nil }}
			return sync(t, src, storeEnd(path), nil)
		}
		run("1")
		sameLetters(t, content(t, path), want)
		put(12)
		want = append(want, letter(12))
		slices.Sort(want)
		run("2")
		sameLetters(t, content(t, path), want)
		if sum := run("2"); sum.Done != 0 || sum.Skipped != 14 {
			t.Errorf("afterwards: %+v", sum)
		}
		sameLetters(t, content(t, path), want)
	})
}

// TestMessagesFlags: flags that change at the source change in the archive.
func TestMessagesFlags(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	m := mailstore.NewMaildir(nil)
	e, err := m.Put(t.Context(), from, strings.NewReader(letter(1)), nil)
	if err != nil {
		t.Fatal(err)
	}
	sync(t, storeEnd(from), storeEnd(to), nil)
	seen := filepath.Join(from, "cur", filepath.Base(e.Path)+":2,FS")
	if err := os.Rename(e.Path, seen); err != nil {
		t.Fatal(err)
	}
	for _, dry := range []bool{true, false} {
		sum := sync(t, storeEnd(from), storeEnd(to), &transfer.MessageOptions{DryRun: dry})
		if want := (transfer.Summary{Updated: 1}); sum != want {
			t.Errorf("dry run %v: %+v", dry, sum)
		}
	}
	if sum := sync(t, storeEnd(from), storeEnd(to), nil); sum != (transfer.Summary{Skipped: 1}) {
		t.Errorf("once more: %+v", sum)
	}
	got, err := filepath.Glob(to + "/cur/*:2,FS")
	if err != nil || len(got) != 1 {
		t.Errorf("with flags: %v, %v", got, err)
	}
	sameLetters(t, content(t, to), letters(1, 2))
}

// TestMessagesRemoved: an archive that was removed is made again with all there is.
func TestMessagesRemoved(t *testing.T) {
	s := maildrop(t, 5, maillab.POP3Options{})
	both(t, func(t *testing.T, path string) {
		for _, dry := range []bool{false, true, false} {
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
			if sum := sync(t, popEnd(s.Addr()), storeEnd(path), &transfer.MessageOptions{DryRun: dry}); sum.Done != 5 {
				t.Errorf("dry run %v: %+v", dry, sum)
			}
		}
		sameLetters(t, content(t, path), letters(0, 5))
	})
}

// TestMessageChild is the program that other tests kill.
func TestMessageChild(t *testing.T) {
	args := strings.Fields(os.Getenv("TRANSFER_TEST_MESSAGES"))
	if len(args) != 3 {
		t.Skip("this is run by the tests that kill it only")
	}
	o := &transfer.MessageOptions{DeleteAfter: args[2] == "true", Options: transfer.Options{RetryWait: time.Millisecond, Retries: 100}}
	if _, err := transfer.SyncMessages(t.Context(), popEnd(args[0]), storeEnd(args[1]), o, nil); err != nil {
		t.Fatal(err)
	}
}

// TestMessagesKilled kills runs at any moment, while mail comes in: in the end all
// is there, once, and the server is empty.
func TestMessagesKilled(t *testing.T) {
	both(t, func(t *testing.T, path string) {
		s := maildrop(t, 400, maillab.POP3Options{Shared: true})
		start := func() *exec.Cmd { return messageChild(t, s.Addr(), path, true) }
		n, killed := 400, 0
		for range 12 {
			cmd := start()
			timer := time.AfterFunc(time.Duration(20+rand.IntN(150))*time.Millisecond, func() { cmd.Process.Kill() })
			err := cmd.Wait()
			timer.Stop()
			if err != nil {
				killed++
			}
			for range 20 {
				deliver(t, s.Mail(), n)
				n++
			}
		}
		if err := start().Wait(); err != nil {
			t.Fatalf("the last run: %v", err)
		}
		t.Logf("%d of 12 runs were killed", killed)
		sameLetters(t, content(t, path), letters(0, n))
		if info, err := s.Mail().Info("alice", maillab.Inbox); err != nil || info.Messages != 0 {
			t.Errorf("%d messages at the server, %v", info.Messages, err)
		}
	})
}

// TestMessagesOrder: what a source tells out of order is stored under its own name,
// and what was not asked for is found out.
func TestMessagesOrder(t *testing.T) {
	from := t.TempDir()
	m := mailstore.NewMaildir(nil)
	for i := range 20 {
		if _, err := m.Put(t.Context(), from, strings.NewReader(letter(i)), nil); err != nil {
			t.Fatal(err)
		}
	}
	src, to := storeEnd(from), t.TempDir()
	src.Open = func() (protocols.Client, error) {
		return swapped{mailstore.NewMaildir(nil), slices.Reverse[[]string]}, nil
	}
	s := sync(t, src, storeEnd(to), nil)
	if got := content(t, to); s.Done != 20 {
		t.Errorf("%+v", s)
	} else {
		sameLetters(t, got, letters(0, 20))
	}
	src.Open = func() (protocols.Client, error) {
		return swapped{mailstore.NewMaildir(nil), func(names []string) { names[1] = names[0] }}, nil
	}
	_, err := transfer.SyncMessages(t.Context(), src, storeEnd(t.TempDir()), nil, nil)
	if protocols.KindOf(err) != protocols.KindProtocol {
		t.Errorf("got %v", err)
	}
}

// swapped is a source that sends other messages than those that are asked for.
type swapped struct {
	*mailstore.Maildir
	change func(names []string)
}

func (s swapped) BulkGet(ctx context.Context, names iter.Seq[string], each func(string, *protocols.Object, error) error) error {
	list := slices.Collect(names)
	s.change(list)
	return s.Maildir.BulkGet(ctx, slices.Values(list), each)
}
