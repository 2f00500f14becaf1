package imap

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapstore"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
)

// disk keeps the files of a client in folders of a test.
type disk struct{}

func (disk) Open(path string) (File, error) { return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) }
func (disk) Remove(path string) error       { return os.Remove(path) }
func (disk) Rename(from, to string) error   { return os.Rename(from, to) }

func keyNumber(i int) string { return fmt.Sprintf("%032x", i+1) }

func letter(i int) string {
	return fmt.Sprintf("Subject: letter %d\r\n\r\n%s\r\n", i/2, strings.Repeat("x", i/2)) // two of each
}

// openCopy opens the archive "copy"; told counts the messages that are stored.
func openCopy(t *testing.T, c *Client, told *int) *imapstore.Archive {
	t.Helper()
	a, err := c.OpenArchive(t.Context(), "copy", &protocols.ArchiveOptions{Stored: func(_ string, _ int64, err error) error {
		if told != nil && err == nil {
			*told++
		}
		return err
	}})
	must(t, err)
	return a.(*imapstore.Archive)
}

func addLetters(t *testing.T, a *imapstore.Archive, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		e := &protocols.Entry{MessageInfo: &protocols.MessageInfo{Flags: []string{`\Seen`, `\Recent`}}, Modified: time.Date(2024, 1, 2, 3, 4, i, 0, time.UTC)}
		must(t, a.Add(t.Context(), keyNumber(i), e, strings.NewReader(letter(i))))
	}
	must(t, a.Flush(t.Context()))
}

// checkCopy: every key is there once, with its own content, byte for byte.
func checkCopy(t *testing.T, c *Client, a *imapstore.Archive, want int) {
	t.Helper()
	list := entries(t, a.Keys(t.Context()))
	if all := entries(t, c.List(t.Context(), "copy")); len(all) != want || len(list) != want {
		t.Fatalf("%d messages and %d keys, want %d", len(all), len(list), want)
	}
	for _, e := range list {
		var i int
		fmt.Sscanf(e.ID, "%x", &i)
		o, err := c.Get(t.Context(), e.Path, nil) // between the steps of the archive
		must(t, err)
		b, err := io.ReadAll(o.Body)
		o.Body.Close()
		if err != nil || string(b) != letter(i-1) {
			t.Errorf("key %d: %q, %v", i, b, err)
		}
	}
}

// TestArchive: messages are stored as they are; keys find them again, flags and
// deletions reach them.
func TestArchive(t *testing.T) {
	both(t, func(t *testing.T, s *maillab.IMAPServer, c *Client) {
		c.Settings.Force = true
		ctx, told := t.Context(), 0
		a := openCopy(t, c, &told)
		addLetters(t, a, 0, 12)
		checkCopy(t, c, a, 12)
		must(t, a.SetFlags(ctx, keyNumber(3), []string{`\Flagged`}))
		must(t, a.SetFlags(ctx, keyNumber(4), nil))
		must(t, a.SetFlags(ctx, keyNumber(99), []string{`\Flagged`}))
		must(t, a.Flush(ctx))
		flags := map[string]string{}
		for _, e := range entries(t, a.Keys(ctx)) {
			flags[e.ID] = strings.Join(e.Flags, " ")
		}
		if flags[keyNumber(3)] != `\Flagged` || flags[keyNumber(4)] != "" || flags[keyNumber(5)] != `\Seen` {
			t.Errorf("%v", flags)
		}
		must(t, a.Delete(ctx, []string{keyNumber(0), keyNumber(5), keyNumber(98)}))
		checkCopy(t, c, a, 10)
		addLetters(t, a, 0, 12) // ten of them are there
		checkCopy(t, c, a, 12)
		if told != 24 {
			t.Errorf("told of %d", told)
		}
		must(t, a.Close())
		if err := a.Flush(ctx); protocols.KindOf(err) != protocols.KindUsage {
			t.Errorf("a closed archive: %v", err)
		}
		must(t, c.Unmake(ctx, "copy"))
	})
}

// TestArchiveAfterKill: what was sent by a run that could note nothing of it is
// found by its content, whatever the server reports about UIDs.
func TestArchiveAfterKill(t *testing.T) {
	both(t, func(t *testing.T, s *maillab.IMAPServer, c *Client) {
		c.Settings.StateDir, c.Settings.Files, c.Settings.Force = t.TempDir(), disk{}, true
		c.late = time.Millisecond
		a := openCopy(t, c, nil)
		addLetters(t, a, 0, 9)
		must(t, a.Close())
		_, err := c.Put(t.Context(), "copy", strings.NewReader(letter(20)), nil) // a stranger's
		must(t, err)

		ledger := stateOf(c).Path("copy", "keys")
		text, err := os.ReadFile(ledger)
		must(t, err)
		text = regexp.MustCompile(`(?m)^\+ .*\n`).ReplaceAll(text, nil)
		must(t, os.WriteFile(ledger, append(text, "+ 00000000000000"...), 0o600))
		told := 0
		a = openCopy(t, c, &told)
		must(t, c.Remove(t.Context(), "copy;UID=10"))
		checkCopy(t, c, a, 9)
		addLetters(t, a, 0, 10)
		checkCopy(t, c, a, 10)
		if told != 10 {
			t.Errorf("told of %d", told)
		}
		must(t, a.Close())
		if after, err := os.ReadFile(ledger); err != nil || !bytes.HasPrefix(after, text) {
			t.Errorf("the ledger begins with other lines: %v", err)
		}
	})
}

// TestArchiveLateArrivals: what a killed run has sent and a slow server stores after the
// next run has given it up is not there twice in the end, and not lost.
func TestArchiveLateArrivals(t *testing.T) {
	both(t, func(t *testing.T, s *maillab.IMAPServer, c *Client) {
		c.Settings.StateDir, c.Settings.Files, c.Settings.Force = t.TempDir(), disk{}, true
		c.late = time.Millisecond
		a := openCopy(t, c, nil)
		addLetters(t, a, 0, 12)
		must(t, a.Close())
		ledger := stateOf(c).Path("copy", "keys")
		text, err := os.ReadFile(ledger)
		must(t, err)
		must(t, os.WriteFile(ledger, regexp.MustCompile(`(?m)^\+ .*\n`).ReplaceAll(text, nil), 0o600))
		must(t, c.Remove(t.Context(), "copy;UID=5:12")) // not there yet

		a = openCopy(t, c, nil)
		checkCopy(t, c, a, 4)
		late := func(i int) {
			_, err := c.Put(t.Context(), "copy", strings.NewReader(letter(i)), nil)
			must(t, err)
		}
		late(6) // one of the two, before they are stored again
		late(11)
		late(11)
		addLetters(t, a, 4, 9)
		late(4)
		late(5)
		addLetters(t, a, 9, 10) // 10 and 11 are not given again
		checkCopy(t, c, a, 12)
		_, err = c.Put(t.Context(), "copy", strings.NewReader(letter(4)), nil) // a stranger's: it came with no killed run
		must(t, err)
		must(t, a.Flush(t.Context()))
		if all := entries(t, c.List(t.Context(), "copy")); len(all) != 13 {
			t.Errorf("%d messages, want 13", len(all))
		}
		must(t, a.Close())
	})
}

// TestArchiveMadeAnew: a mailbox that came back with its messages keeps their keys,
// an empty one says so.
func TestArchiveMadeAnew(t *testing.T) {
	both(t, func(t *testing.T, s *maillab.IMAPServer, c *Client) {
		c.Settings.StateDir, c.Settings.Files, c.Settings.Force = t.TempDir(), disk{}, true
		c.late = time.Millisecond
		ctx := t.Context()
		a := openCopy(t, c, nil)
		addLetters(t, a, 0, 6)
		must(t, a.Close())
		must(t, c.Unmake(ctx, "copy"))
		must(t, c.Make(ctx, "copy"))
		for _, i := range []int{5, 3, 2, 1, 0, 4} {
			_, err := c.Put(ctx, "copy", strings.NewReader(letter(i)), nil)
			must(t, err)
		}
		a = openCopy(t, c, nil)
		if a.Emptied() {
			t.Error("nothing is said to be there")
		}
		checkCopy(t, c, a, 6)
		must(t, a.Close())

		must(t, c.Unmake(ctx, "copy"))
		a = openCopy(t, c, nil)
		if !a.Emptied() {
			t.Error("nothing is there, and it is not told")
		}
		addLetters(t, a, 0, 6)
		checkCopy(t, c, a, 6)
		must(t, a.Close())
		if files, err := filepath.Glob(filepath.Join(c.Settings.StateDir, "*")); err != nil || len(files) != 1 {
			t.Errorf("%q, %v", files, err)
		}
	})
}

// TestArchiveReconnects: a connection that is lost while messages are stored loses
// and doubles none, however often they are given again.
func TestArchiveReconnects(t *testing.T) {
	both(t, func(t *testing.T, s *maillab.IMAPServer, plain *Client) {
		ctx := t.Context()
		var left, read atomic.Int64
		left.Store(1 << 30)
		c := labtest.Connect(t, New, s, &protocols.Options{Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			return &cutConn{conn, &left, &read}, err
		}})
		told := map[string]int{}
		c.late = time.Millisecond
		a, err := c.OpenArchive(ctx, "copy", &protocols.ArchiveOptions{Stored: func(key string, _ int64, err error) error {
			if err == nil {
				told[key]++
			}
			return err
		}})
		must(t, err)
		const count = 30
		give := func() error {
			for i := range count {
				if told[keyNumber(i)] > 0 {
					continue
				}
				if err := a.Add(ctx, keyNumber(i), nil, strings.NewReader(letter(i))); err != nil {
					return err
				}
			}
			return a.Flush(ctx)
		}
		cuts := 0
		for n := int64(40); ; n += 150 {
			left.Store(n)
			if err := give(); err == nil {
				break
			}
			cuts++
			left.Store(1 << 30)
			if err := a.Flush(ctx); err != nil && protocols.KindOf(err) != protocols.KindConnect {
				t.Fatal(err)
			}
			must(t, a.Flush(ctx)) // it is not news any more
		}
		left.Store(1 << 30)
		checkCopy(t, plain, a.(*imapstore.Archive), count)
		for i := range count {
			if told[keyNumber(i)] != 1 {
				t.Errorf("told %d times of message %d", told[keyNumber(i)], i)
			}
		}
		if cuts == 0 {
			t.Error("the connection was never lost")
		}
		must(t, a.Close())
	})
}
