package twoway_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap"
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/labtest"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/mailstore"
	"github.com/netclients/netclients/protocols/transfer"
	"github.com/netclients/netclients/protocols/transfer/internal/mailtest"
	"github.com/netclients/netclients/protocols/transfer/twoway"
)

// place is a mailbox that its owner changes by other means than the sync.
type place interface {
	end() transfer.Endpoint
	add(t *testing.T, text string, flags ...string)
	flag(t *testing.T, text string, flags ...string)
	remove(t *testing.T, text string)
	content(t *testing.T) map[string]string // flags by text; fails when a text is there twice
}

// letter is a message with a text.
func letter(text string) string {
	return "From: a@example.org\r\nSubject: " + text + "\r\n\r\n" + text + "\r\n.dot\r\n"
}

func textOf(t *testing.T, message string) string {
	t.Helper()
	_, body, _ := strings.Cut(strings.ReplaceAll(message, "\r\n", "\n"), "\n\n")
	text, rest, _ := strings.Cut(body, "\n")
	if rest != ".dot\n" {
		t.Errorf("a message was changed: %q", message)
	}
	return text
}

func put(t *testing.T, all map[string]string, text string, flags []string) {
	t.Helper()
	if _, there := all[text]; there {
		t.Errorf("%q is there twice", text)
	}
	slices.Sort(flags)
	all[text] = strings.Join(flags, " ")
}

// account is a mailbox at a server of the lab.
type account struct {
	mail    *maillab.Mailboxes
	url     string
	state   string
	user    string
	mailbox string
}

func newAccount(t *testing.T, o maillab.IMAPOptions) *account {
	t.Helper()
	o.Mail = maillab.NewMailboxes(maillab.Limits{})
	s := labtest.Start(t, maillab.StartIMAP, o)
	return &account{mail: o.Mail, url: labtest.WithUser(s.URL()), state: t.TempDir(), user: base.DefaultCredentials().User, mailbox: "INBOX"}
}

func (a *account) end() transfer.Endpoint { return mailtest.IMAP(a.url, a.state, a.mailbox) }

func (a *account) add(t *testing.T, text string, flags ...string) {
	t.Helper()
	_, err := a.mail.Append(a.user, a.mailbox, []byte(letter(text)), flags, time.Now())
	mailtest.Check(t, err)
}

func (a *account) find(t *testing.T, text string) uint32 {
	t.Helper()
	list, err := a.mail.Snapshot(a.user, a.mailbox)
	mailtest.Check(t, err)
	for _, m := range list {
		if textOf(t, string(m.Data)) == text {
			return m.UID
		}
	}
	t.Fatalf("no message %q", text)
	return 0
}

func (a *account) flag(t *testing.T, text string, flags ...string) {
	t.Helper()
	a.mail.SetFlags(a.user, a.mailbox, a.find(t, text), flags)
}

func (a *account) remove(t *testing.T, text string) {
	t.Helper()
	a.mail.Delete(a.user, a.mailbox, a.find(t, text))
}

func (a *account) content(t *testing.T) map[string]string {
	t.Helper()
	list, err := a.mail.Snapshot(a.user, a.mailbox)
	mailtest.Check(t, err)
	all := map[string]string{}
	for _, m := range list {
		put(t, all, textOf(t, string(m.Data)), slices.Clone(m.Flags))
	}
	return all
}

// folder is a maildir.
type folder struct{ dir string }

func newFolder(t *testing.T) *folder { return &folder{filepath.Join(t.TempDir(), "mail")} }

func (f *folder) end() transfer.Endpoint { return mailtest.Maildir(f.dir) }

func (f *folder) add(t *testing.T, text string, flags ...string) {
	t.Helper()
	body := strings.ReplaceAll(letter(text), "\r\n", "\n") // as mail programs store it
	_, err := mailstore.NewMaildir(nil).Put(t.Context(), f.dir, strings.NewReader(body), &protocols.PutOptions{Flags: flags})
	mailtest.Check(t, err)
}

func (f *folder) each(t *testing.T, do func(path, text string, flags []string)) {
	t.Helper()
	c := mailstore.NewMaildir(nil)
	if _, err := os.Stat(f.dir); errors.Is(err, os.ErrNotExist) {
		return
	}
	for e, err := range c.List(t.Context(), f.dir) {
		mailtest.Check(t, err)
		b, err := os.ReadFile(e.Path)
		mailtest.Check(t, err)
		do(e.Path, textOf(t, string(b)), e.Flags)
	}
}

func (f *folder) find(t *testing.T, text string) string {
	t.Helper()
	found := ""
	f.each(t, func(path, is string, _ []string) {
		if is == text {
			found = path
		}
	})
	if found == "" {
		t.Fatalf("no message %q", text)
	}
	return found
}

func (f *folder) flag(t *testing.T, text string, flags ...string) {
	t.Helper()
	path := f.find(t, text)
	name, _, _ := strings.Cut(filepath.Base(path), ":2,")
	marks := ""
	for _, l := range []struct{ letter, flag string }{{"D", `\Draft`}, {"F", `\Flagged`}, {"R", `\Answered`}, {"S", `\Seen`}, {"T", `\Deleted`}} {
		if slices.Contains(flags, l.flag) {
			marks += l.letter
		}
	}
	mailtest.Check(t, os.Rename(path, filepath.Join(f.dir, "cur", name+":2,"+marks)))
}

func (f *folder) remove(t *testing.T, text string) {
	t.Helper()
	mailtest.Check(t, os.Remove(f.find(t, text)))
}

func (f *folder) content(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	f.each(t, func(_, text string, flags []string) { put(t, all, text, flags) })
	return all
}

// kinds runs a test for each kind of pair.
func kinds(t *testing.T, f func(t *testing.T, a, b place)) {
	for name, make := range map[string]func(t *testing.T) (a, b place){
		"imap and maildir": func(t *testing.T) (a, b place) { return newAccount(t, maillab.IMAPOptions{}), newFolder(t) },
		"maildir and imap": func(t *testing.T) (a, b place) { return newFolder(t), newAccount(t, maillab.IMAPOptions{}) },
		"imap and imap": func(t *testing.T) (a, b place) {
			return newAccount(t, maillab.IMAPOptions{}), newAccount(t, maillab.IMAPOptions{})
		},
		"maildir and maildir": func(t *testing.T) (a, b place) { return newFolder(t), newFolder(t) },
		"imap without UIDPLUS": func(t *testing.T) (a, b place) {
			return newAccount(t, maillab.IMAPOptions{Disable: []string{"UIDPLUS"}}), newFolder(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := make(t)
			f(t, a, b)
		})
	}
}

func quick(o *twoway.Options) *twoway.Options {
	if o == nil {
		o = &twoway.Options{}
	}
	o.RetryWait = time.Millisecond
	return o
}

func sync(t *testing.T, a, b place, o *twoway.Options) transfer.Summary {
	t.Helper()
	sum, err := twoway.Sync(t.Context(), a.end(), b.end(), quick(o), nil)
	mailtest.Check(t, err)
	return sum
}

func same(t *testing.T, a, b place, want map[string]string) {
	t.Helper()
	for _, p := range []place{a, b} {
		if got := p.content(t); !maps.Equal(got, want) {
			t.Errorf("%s has\n%v, want\n%v", p.end().URL, got, want)
		}
	}
}

// TestBothWays: new messages, flags and deletions of both sides reach the other one, and
// what has not changed is left alone.
func TestBothWays(t *testing.T) {
	kinds(t, func(t *testing.T, a, b place) {
		a.add(t, "one", `\Seen`)
		a.add(t, "two")
		b.add(t, "three", `\Flagged`, `\Answered`)
		if sum := sync(t, a, b, nil); sum.Done != 3 {
			t.Errorf("%+v", sum)
		}
		same(t, a, b, map[string]string{"one": `\Seen`, "two": "", "three": `\Answered \Flagged`})

		a.add(t, "four", `\Draft`)
		b.add(t, "five")
		a.flag(t, "one", `\Seen`, `\Flagged`)
		b.flag(t, "one")                                      // both changed other flags of it
		a.flag(t, "three", `\Answered`, `\Seen`)              // each adds and removes
		b.flag(t, "three", `\Flagged`, `\Answered`, `\Draft`) //
		b.remove(t, "two")
		if sum := sync(t, a, b, nil); sum.Done != 2 || sum.Deleted != 1 || sum.Updated != 4 || sum.Skipped != 0 {
			t.Errorf("%+v", sum)
		}
		same(t, a, b, map[string]string{"one": `\Flagged`, "three": `\Answered \Draft \Seen`, "four": `\Draft`, "five": ""})

		if sum := sync(t, a, b, nil); sum != (transfer.Summary{Skipped: 4}) {
			t.Errorf("nothing was to be done: %+v", sum)
		}
		a.remove(t, "one")
		a.remove(t, "five")
		b.remove(t, "one")
		if sum := sync(t, b, a, nil); sum != (transfer.Summary{Skipped: 2, Deleted: 1}) { // in the other order
			t.Errorf("%+v", sum)
		}
		same(t, a, b, map[string]string{"three": `\Answered \Draft \Seen`, "four": `\Draft`})
	})
}

// TestConflict: a message that was deleted here and flagged there comes back, or goes if
// that is wanted. Other messages of the run are not touched by that.
func TestConflict(t *testing.T) {
	for _, wins := range []bool{false, true} {
		kinds(t, func(t *testing.T, a, b place) {
			for _, text := range []string{"one", "two", "three"} {
				a.add(t, text)
			}
			sync(t, a, b, nil)
			a.remove(t, "one")
			b.flag(t, "one", `\Flagged`)
			b.remove(t, "two")
			a.flag(t, "two", `\Answered`)
			sync(t, a, b, &twoway.Options{DeletionWins: wins})
			want := map[string]string{"three": ""}
			if !wins {
				want["one"], want["two"] = `\Flagged`, `\Answered`
			}
			same(t, a, b, want)
			if sum := sync(t, a, b, nil); sum.Skipped != int64(len(want)) || sum.Done+sum.Deleted+sum.Updated != 0 {
				t.Errorf("%+v", sum)
			}
		})
	}
}

// TestMarkedNotRemoved: the mark of messages that are to be removed, which a run that was
// killed while it deleted may have left, brings back no message that the other side has
// deleted. Taking the mark away does.
func TestMarkedNotRemoved(t *testing.T) {
	kinds(t, func(t *testing.T, a, b place) {
		for _, text := range []string{"one", "two", "three"} {
			a.add(t, text)
		}
		a.flag(t, "two", `\Deleted`)
		sync(t, a, b, nil)
		a.remove(t, "one")
		b.flag(t, "one", `\Deleted`)
		a.remove(t, "two")
		b.flag(t, "two")
		sync(t, a, b, nil)
		same(t, a, b, map[string]string{"two": "", "three": ""})
	})
}

// TestEmptied: a side that has lost all of its messages deletes none of the other's, and a
// limit holds before anything is changed.
func TestEmptied(t *testing.T) {
	kinds(t, func(t *testing.T, a, b place) {
		for i := range 5 {
			a.add(t, fmt.Sprint(i))
		}
		sync(t, a, b, nil)
		before := b.content(t)
		for i := range 4 {
			a.remove(t, fmt.Sprint(i))
		}
		b.add(t, "new")
		before["new"] = ""
		refused := func(o *twoway.Options) {
			t.Helper()
			_, err := twoway.Sync(t.Context(), a.end(), b.end(), quick(o), nil)
			if protocols.KindOf(err) != protocols.KindRefused || !errors.Is(err, protocols.ErrIncomplete) {
				t.Errorf("%+v: %v", o, err)
			}
			if got := b.content(t); !maps.Equal(got, before) {
				t.Errorf("%v", got)
			}
		}
		refused(&twoway.Options{MaxDelete: 3})
		a.remove(t, "4")
		refused(nil)
		sync(t, a, b, &twoway.Options{MaxDelete: 5})
		same(t, a, b, map[string]string{"new": ""})
	})
}

// TestDryRun: nothing is changed, and what is reported is what is then done.
func TestDryRun(t *testing.T) {
	kinds(t, func(t *testing.T, a, b place) {
		a.add(t, "one")
		if sum := sync(t, a, b, &twoway.Options{DryRun: true}); sum.Done != 1 {
			t.Errorf("with a new mailbox: %+v", sum)
		}
		a.add(t, "two")
		sync(t, a, b, nil)
		a.add(t, "three")
		b.flag(t, "one", `\Seen`)
		b.remove(t, "two")
		pretended := sync(t, a, b, &twoway.Options{DryRun: true})
		if got := len(a.content(t)); got != 3 {
			t.Errorf("%d messages", got)
		}
		if done := sync(t, a, b, nil); done.Done != pretended.Done || done.Updated != 1 || pretended.Updated != 1 || done.Deleted != 1 || pretended.Deleted != 1 {
			t.Errorf("%+v, and then %+v", pretended, done)
		}
	})
}

// TestStateLost: without a state, and when the ids of a side became void, messages are known
// by keys and content: none is stored twice, none deleted, and later runs go on from there.
func TestStateLost(t *testing.T) {
	for _, lost := range []string{"state", "state and keys"} {
		t.Run(lost, func(t *testing.T) {
			kinds(t, func(t *testing.T, a, b place) {
				state := filepath.Join(t.TempDir(), "state")
				o := &twoway.Options{State: state}
				for i := range 4 {
					a.add(t, fmt.Sprint("a", i))
					b.add(t, fmt.Sprint("b", i), `\Flagged`)
				}
				a.add(t, "both")
				b.add(t, "both", `\Seen`)
				if sum := sync(t, a, b, o); sum.Done != 8 {
					t.Errorf("%+v", sum)
				}
				mailtest.Check(t, os.Remove(state))
				if box, is := a.(*account); is && lost != "state" {
					mailtest.Check(t, os.RemoveAll(box.state))
				}
				b.flag(t, "a1", `\Seen`)
				a.remove(t, "a3")
				sync(t, a, b, o)
				want := map[string]string{"both": `\Seen`, "a0": "", "a1": `\Seen`, "a2": "", "a3": "", "b0": `\Flagged`, "b1": `\Flagged`, "b2": `\Flagged`, "b3": `\Flagged`}
				same(t, a, b, want)
				b.remove(t, "both")
				sync(t, a, b, o)
				delete(want, "both")
				same(t, a, b, want)
			})
		})
	}
}

// TestNewValidity: a mailbox that was made anew under its name.
func TestNewValidity(t *testing.T) {
	a, b := newAccount(t, maillab.IMAPOptions{}), newFolder(t)
	a.mailbox = "Work"
	mailtest.Check(t, a.mail.Create(a.user, a.mailbox))
	for i := range 3 {
		a.add(t, fmt.Sprint(i))
	}
	sync(t, a, b, nil)
	mailtest.Check(t, a.mail.Remove(a.user, a.mailbox))
	mailtest.Check(t, a.mail.Create(a.user, a.mailbox))
	a.add(t, "1", `\Seen`)
	a.add(t, "new")
	sync(t, a, b, nil)
	same(t, a, b, map[string]string{"0": "", "1": `\Seen`, "2": "", "new": ""})
}

// TestKeywords: a maildir cannot keep a keyword, and so does not take it from the server.
func TestKeywords(t *testing.T) {
	a, b := newAccount(t, maillab.IMAPOptions{}), newFolder(t)
	a.add(t, "one", `\Seen`, "Work")
	sync(t, a, b, nil)
	b.flag(t, "one", `\Flagged`)
	sync(t, a, b, nil)
	if got := a.content(t)["one"]; got != `Work \Flagged` && got != `\Flagged Work` && got != `work \Flagged` && got != `\Flagged work` {
		t.Errorf("%q", got)
	}
	b.remove(t, "one")
	sync(t, a, b, &twoway.Options{MaxDelete: -1})
	same(t, a, b, map[string]string{})
}

// TestNotForMbox: an mbox cannot take part.
func TestNotForMbox(t *testing.T) {
	if twoway.Works(mailstore.NewMbox(nil), mailstore.NewMaildir(nil)) || !twoway.Works(mailstore.NewMaildir(nil), &imap.Client{}) {
		t.Error("Works")
	}
	path := filepath.Join(t.TempDir(), "mbox")
	end := transfer.Endpoint{Name: path, URL: "mbox:" + path, Protocol: "mbox", Open: func() (protocols.Client, error) { return mailstore.NewMbox(nil), nil }}
	_, err := twoway.Sync(t.Context(), end, newFolder(t).end(), nil, nil)
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}
