package transfer_test

import (
	"fmt"
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
	"github.com/netclients/netclients/protocols/lab/newslab"
	"github.com/netclients/netclients/protocols/mailstore"
	"github.com/netclients/netclients/protocols/nntp"
	"github.com/netclients/netclients/protocols/transfer"
	"github.com/netclients/netclients/protocols/transfer/internal/mailtest"
)

// mailplace is a mailbox that is filled by other means than a sync.
type mailplace struct {
	end transfer.Endpoint
	add func(text string)
}

func newPlace(t *testing.T, kind string) *mailplace {
	t.Helper()
	switch kind {
	case "imap":
		mail, state := maillab.NewMailboxes(maillab.Limits{}), t.TempDir()
		text := labtest.WithUser(labtest.Start(t, maillab.StartIMAP, maillab.IMAPOptions{Mail: mail}).URL())
		return &mailplace{mailtest.IMAP(text, state, maillab.Inbox), func(text string) {
			if _, err := mail.Append("alice", maillab.Inbox, []byte(text), nil, time.Now()); err != nil {
				t.Fatal(err)
			}
		}}
	case "pop3":
		s := maildrop(t, 0, maillab.POP3Options{})
		return &mailplace{popEnd(s.Addr()), func(text string) {
			if err := s.Mail().Deliver("alice", []byte(text)); err != nil {
				t.Fatal(err)
			}
		}}
	case "nntp":
		spool := newslab.NewSpool()
		spool.AddGroup("lab.test", "", "y", time.Now())
		text := labtest.Start(t, newslab.Start, newslab.Options{News: spool}).URL()
		open := func() (protocols.Client, error) { return nntp.New(labtest.URL(t, text), nil) }
		return &mailplace{transfer.Endpoint{Name: "lab.test", URL: text, Protocol: "nntp", Open: open}, func(text string) {
			if _, err := spool.Add("Newsgroups: lab.test\r\n"+text, time.Now()); err != nil {
				t.Fatal(err)
			}
		}}
	}
	end := storeEnd(filepath.Join(t.TempDir(), "mail."+kind))
	return &mailplace{end, func(text string) { putText(t, end, text) }}
}

func putText(t *testing.T, end transfer.Endpoint, text string) {
	t.Helper()
	c, err := end.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.(protocols.Putter).Put(t.Context(), end.Name, strings.NewReader(text), nil); err != nil {
		t.Fatal(err)
	}
}

// texts returns the messages of a place, sorted, with the line ends of the network and
// without what mbsync adds.
func (p *mailplace) texts(t *testing.T) (all []string) {
	t.Helper()
	c, err := p.end.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var names []string
	for e, err := range protocols.List(t.Context(), c, p.end.Name) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, e.Path)
	}
	for _, name := range names {
		text := strings.ReplaceAll(labtest.Read(t, c.(protocols.Getter), name), "\r\n", "\n")
		all = append(all, strings.ReplaceAll(strings.Replace(text, tuid, "", 1), "\n", "\r\n"))
	}
	slices.Sort(all)
	return all
}

const tuid = "X-TUID: 0123456789ab\n"

// restore puts messages into a place as other programs would.
func (p *mailplace) restore(texts ...string) {
	for i, text := range texts {
		switch i % 3 {
		case 0:
			text = strings.ReplaceAll(text, "\r\n", "\n")
		case 1:
			text = strings.Replace(text, "\r\n", "\r\n"+strings.ReplaceAll(tuid, "\n", "\r\n"), 1)
		}
		p.add(text)
	}
}

// TestRestored: what the archive has of other programs is not stored again, whatever it is
// and wherever it comes from. Each message there stands for one of the source.
func TestRestored(t *testing.T) {
	for _, from := range []string{"imap", "pop3", "maildir", "mbox", "nntp"} {
		for _, to := range []string{"imap", "maildir", "mbox"} {
			t.Run(from+" to "+to, func(t *testing.T) {
				src, dst := newPlace(t, from), newPlace(t, to)
				for i := range 10 {
					src.add(letter(i))
				}
				if from != "nntp" { // there are no two articles of one message-id
					src.add(letter(3))
					src.add(letter(3))
				}
				want := src.texts(t)
				all := slices.Compact(slices.Clone(want))
				const there = 7
				dst.restore(all[:there]...)
				mine := []string{strings.Replace(all[there], "hello", "hullo", 1), "Subject: mine\r\n\r\nhere alone\r\n"}
				dst.restore(mine...)
				want = append(want, mine...)
				slices.Sort(want)

				n := int64(len(want) - len(mine))
				for _, run := range []struct {
					name string
					dry  bool
					done int64
				}{{"dry run", true, n - there}, {"first", false, n - there}, {"second", false, 0}} {
					sum := sync(t, src.end, dst.end, &transfer.MessageOptions{DryRun: run.dry})
					if sum.Done != run.done || sum.Done+sum.Skipped != n || sum.Updated+sum.Failed != 0 {
						t.Errorf("%s: %+v, want %d done of %d", run.name, sum, run.done, n)
					}
				}
				sameLetters(t, dst.texts(t), want)
			})
		}
	}
}

// TestRestoredChanges: flags and deletions reach the messages that were there, and no
// others, also when the ids of the source have become void.
func TestRestoredChanges(t *testing.T) {
	for _, to := range []string{"imap", "maildir"} {
		t.Run(to, func(t *testing.T) {
			src, dst := newPlace(t, "maildir"), newPlace(t, to)
			for i := range 6 {
				src.add(letter(i))
			}
			dst.restore(letters(0, 5)...)
			dst.add("Subject: mine\r\n\r\nhere alone\r\n")
			validity := "1"
			open := src.end.Open
			src.end.Open = func() (protocols.Client, error) {
				return moved{mailstore.NewMaildir(nil), validity}, nil
			}
			defer func() { src.end.Open = open }()
			for _, step := range []struct {
				name   string
				change func()
				want   transfer.Summary
				flags  string // of the third message there
			}{
				{"adopted", func() { flagOf(t, src, 2, `\Flagged`) }, transfer.Summary{Done: 1, Skipped: 5}, `\Flagged`},
				{"more flags", func() { flagOf(t, src, 2, `\Seen`) }, transfer.Summary{Updated: 1, Skipped: 5}, `\Flagged \Seen`},
				{"ids void", func() { validity = "2" }, transfer.Summary{Done: 1, Skipped: 5}, `\Flagged \Seen`},
				{"nothing", func() {}, transfer.Summary{Skipped: 6}, `\Flagged \Seen`},
				{"fewer flags", func() { flagOf(t, src, 2) }, transfer.Summary{Updated: 1, Skipped: 5}, ""},
			} {
				step.change()
				sum := sync(t, src.end, dst.end, nil)
				sum.Bytes = 0
				if sum != step.want {
					t.Errorf("%s: %+v, want %+v", step.name, sum, step.want)
				}
				if got := flagsThere(t, dst, 2); got != step.flags {
					t.Errorf("%s: flags %q, want %q", step.name, got, step.flags)
				}
			}
			src.each(t, func(c protocols.Client, e *protocols.Entry, text string) {
				if !strings.Contains(text, "number 5") {
					if err := c.(protocols.Remover).Remove(t.Context(), e.Path); err != nil {
						t.Fatal(err)
					}
				}
			})
			if sum := sync(t, src.end, dst.end, &transfer.MessageOptions{Delete: true}); sum.Deleted != 5 {
				t.Errorf("removed: %+v", sum)
			}
			sameLetters(t, dst.texts(t), append(letters(5, 6), "Subject: mine\r\n\r\nhere alone\r\n"))
		})
	}
}

// each visits the messages of a place, listed as a source.
func (p *mailplace) each(t *testing.T, do func(c protocols.Client, e *protocols.Entry, text string)) {
	t.Helper()
	c, err := p.end.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	box, err := c.(protocols.MessageSource).OpenMailbox(t.Context(), p.end.Name)
	if err != nil {
		t.Fatal(err)
	}
	var all []protocols.Entry
	for e, err := range box.Changes(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	for _, e := range all {
		do(c, &e, labtest.Read(t, c.(protocols.Getter), e.Path))
	}
}

func number(i int) string { return fmt.Sprintf("Subject: number %d\r\n", i) }

// flagOf adds flags to a message of a maildir; without any it removes all.
func flagOf(t *testing.T, p *mailplace, i int, flags ...string) {
	t.Helper()
	p.each(t, func(c protocols.Client, e *protocols.Entry, text string) {
		if !strings.Contains(text, number(i)) {
			return
		}
		change := protocols.FlagChange{Add: flags}
		if len(flags) == 0 {
			change.Remove = e.Flags
		}
		if err := c.(protocols.BulkFlagger).BulkFlag(t.Context(), change, slices.Values([]string{e.Path}), nil); err != nil {
			t.Fatal(err)
		}
	})
}

func flagsThere(t *testing.T, p *mailplace, i int) (flags string) {
	t.Helper()
	p.each(t, func(_ protocols.Client, e *protocols.Entry, text string) {
		if strings.Contains(text, strings.TrimSpace(number(i))) {
			kept := slices.DeleteFunc(e.Flags, func(f string) bool { return f == `\Recent` })
			slices.Sort(kept)
			flags = strings.Join(kept, " ")
		}
	})
	return flags
}

// TestRestoredStopped: a run that ended at any point while it recorded what is there leaves
// nothing that a later one takes for something else.
func TestRestoredStopped(t *testing.T) {
	src, dst := newPlace(t, "maildir"), newPlace(t, "maildir")
	for i := range 4 {
		src.add(letter(i))
		src.add(letter(i)) // twice there, once here
	}
	dst.restore(letters(0, 4)...)
	before, want := t.TempDir(), src.texts(t)
	copyAll := func(to, from string) {
		t.Helper()
		if err := os.RemoveAll(to); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	copyAll(before, dst.end.Name)
	sync(t, src.end, dst.end, nil)
	sameLetters(t, dst.texts(t), want)
	states, err := filepath.Glob(filepath.Join(dst.end.Name, ".netclients-*"))
	if err != nil || len(states) != 1 {
		t.Fatalf("states %q, %v", states, err)
	}
	state, err := os.ReadFile(states[0])
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(state), "\n")
	begin, end := slices.Index(lines, "= adopting all\n"), slices.Index(lines, "= adopting \n")
	if begin < 0 || end < begin+8 {
		t.Fatalf("%q", lines)
	}
	for i := range end + 1 {
		copyAll(dst.end.Name, before)
		if err := os.WriteFile(states[0], []byte(strings.Join(lines[:i+1], "")), 0o600); err != nil {
			t.Fatal(err)
		}
		if sum := sync(t, src.end, dst.end, nil); sum.Done != 4 {
			t.Errorf("after %q: %+v", lines[i], sum)
		}
		sameLetters(t, dst.texts(t), want)
	}
}

// TestRestoredTrouble: connections that break while messages are compared change nothing,
// and no message keeps all others away.
func TestRestoredTrouble(t *testing.T) {
	for _, c := range []struct {
		spec    string
		retries int
	}{
		{"cut=50k*3", 5}, {"close=70k*4", 5}, {"split=1000", 5}, {"reset:RETR*3", 5}, {"code:RETR=-ERR no*1", 5}, {"garbage:RETR*1", 5}, {"drop:RETR*1", -1},
	} {
		t.Run(c.spec, func(t *testing.T) {
			faults, err := lab.ParseFaults(c.spec)
			if err != nil {
				t.Fatal(err)
			}
			s := maildrop(t, 30, maillab.POP3Options{ServerOptions: lab.ServerOptions{Faults: faults}, Shared: true})
			dst := newPlace(t, "maildir")
			dst.restore(letters(0, 20)...)
			o := &transfer.MessageOptions{Options: transfer.Options{RetryWait: time.Millisecond, Retries: c.retries}}
			for range 4 {
				if _, err = transfer.SyncMessages(t.Context(), popEnd(s.Addr()), dst.end, o, nil); err == nil {
					break
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			got := dst.texts(t)
			if fetched := strings.Contains(c.spec, "code") || c.retries < 0; fetched { // what could not be compared is fetched
				got = slices.Compact(got)
			}
			sameLetters(t, got, letters(0, 30))
		})
	}
}

// TestRestoredSizes: what has no size of a message there is not read to be compared.
func TestRestoredSizes(t *testing.T) {
	s := maildrop(t, 30, maillab.POP3Options{})
	dst := newPlace(t, "imap")
	for i := range 30 {
		dst.add(fmt.Sprintf("Subject: other %d\r\n\r\n%s\r\n", i, strings.Repeat("y", 5000+i)))
	}
	if sum := sync(t, popEnd(s.Addr()), dst.end, nil); sum.Done != 30 {
		t.Errorf("%+v", sum)
	}
	n := 0
	for _, c := range s.Commands() {
		if strings.HasPrefix(c, "RETR") {
			n++
		}
	}
	if n > 34 {
		t.Errorf("%d messages were read to store 30", n)
	}
}

// TestRestoredKilled kills runs at any moment into an archive that has half of the
// messages.
func TestRestoredKilled(t *testing.T) {
	both(t, func(t *testing.T, path string) {
		const n = 300
		s := maildrop(t, n, maillab.POP3Options{Shared: true})
		for i := range n / 2 {
			putText(t, storeEnd(path), letter(i))
			deliver(t, s.Mail(), i) // a second time
		}
		want := letters(0, n)
		want = append(want, letters(0, n/2)...)
		slices.Sort(want)
		for range 12 {
			cmd := messageChild(t, s.Addr(), path, false)
			timer := time.AfterFunc(time.Duration(rand.IntN(300))*time.Millisecond, func() { cmd.Process.Kill() })
			_ = cmd.Wait()
			timer.Stop()
		}
		if err := messageChild(t, s.Addr(), path, false).Wait(); err != nil {
			t.Fatalf("the last run: %v", err)
		}
		sameLetters(t, content(t, path), want)
	})
}

// messageChild starts TestMessageChild.
func messageChild(t *testing.T, address, path string, deletes bool) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestMessageChild$", "-test.v")
	cmd.Env = append(os.Environ(), fmt.Sprintf("TRANSFER_TEST_MESSAGES=%s %s %v", address, path, deletes))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}
