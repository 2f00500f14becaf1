package maillab

import (
	"cmp"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// Totals are the counts of a store.
type Totals struct {
	Messages, Unread int
	Bytes            int64
	Deleted          int            // since the store was made
	Refused          int            // for want of room
	Tags             map[string]int // how many messages have each
}

// Totals counts the messages.
func (m *Mailboxes) Totals() Totals {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := Totals{Messages: len(m.letters.list), Bytes: m.letters.bytes, Deleted: m.letters.gone, Refused: m.letters.refuse, Tags: map[string]int{}}
	for _, l := range m.letters.list {
		if !l.read {
			t.Unread++
		}
		for _, tag := range l.tags() {
			t.Tags[tag]++
		}
	}
	return t
}

// Deleted counts the messages that were deleted since the store was made.
func (m *Mailboxes) Deleted() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.letters.gone
}

// Letters returns messages, the newest first, without those of the first skip; at most
// limit of them, or all for a negative one.
func (m *Mailboxes) Letters(skip, limit int) []Letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(m.letters.list)
	if limit < 0 || limit > n {
		limit = n
	}
	list := make([]Letter, 0, limit)
	for i := n - 1 - max(skip, 0); i >= 0 && len(list) < limit; i-- {
		list = append(list, m.letters.list[i].public())
	}
	return list
}

// LettersAfter returns the messages that came after the one with a number, oldest first;
// at most so many. 0 stands before all.
func (m *Mailboxes) LettersAfter(number uint32, most int) []Letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, _ := slices.BinarySearchFunc(m.letters.list, number+1, func(l *letter, n uint32) int { return cmp.Compare(l.number, n) })
	var list []Letter
	for _, l := range m.letters.list[i:min(i+most, len(m.letters.list))] {
		list = append(list, l.public())
	}
	return list
}

// Letter returns a message by its ID; "latest" is the newest one.
func (m *Mailboxes) Letter(id string) (Letter, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.letters.find(id)
	if l == nil {
		return Letter{}, false
	}
	return l.public(), true
}

// Mark is what may change of a message.
type Mark struct {
	ID   string
	Read bool
	Tags []string // shared: nobody changes them
}

// Marks returns the marks of all messages of a store, oldest first.
func Marks(m *Mailboxes) []Mark {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]Mark, 0, len(m.letters.list))
	for _, l := range m.letters.list {
		list = append(list, Mark{l.id, l.read, l.tags()})
	}
	return list
}

// OpenLetter returns the content of a message by its ID. The caller closes it.
func (m *Mailboxes) OpenLetter(id string) (*Content, error) {
	m.mu.Lock()
	l := m.letters.find(id)
	m.mu.Unlock()
	if l == nil {
		return nil, ErrNoLetter
	}
	return m.content(l)
}

// DropLetters deletes messages by their IDs from all mailboxes, and returns how many
// there were; without IDs all messages.
func (m *Mailboxes) DropLetters(ids ...string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	var drop []*letter
	if len(ids) == 0 {
		drop = slices.Clone(m.letters.list)
	}
	for _, id := range ids {
		if l := m.letters.find(id); l != nil {
			drop = append(drop, l)
		}
	}
	before := m.letters.gone
	m.forget(drop, true)
	if len(drop) > 0 {
		m.touch()
	}
	return m.letters.gone - before
}

// ReadLetters marks messages as read or not; without IDs all.
func (m *Mailboxes) ReadLetters(read bool, ids ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	mark := map[*letter]bool{}
	for _, l := range m.letters.list {
		if len(ids) == 0 || slices.Contains(ids, l.id) || slices.Contains(ids, "latest") && l == m.letters.find("latest") {
			mark[l] = true
			l.setRead(m.folder, read)
		}
	}
	for _, u := range m.users {
		if m.open && !strings.EqualFold(u.User, m.all) {
			continue
		}
		b := u.boxes[Inbox]
		for i := range b.mail {
			if mark[b.mail[i].letter] {
				b.mail[i].Flags = withFlag(b.mail[i].Flags, string(imap.FlagSeen), read)
			}
		}
	}
	m.touch()
}

// withFlag returns flags with or without one of them.
func withFlag(flags []string, flag string, on bool) []string {
	kept := slices.DeleteFunc(slices.Clone(flags), func(f string) bool { return strings.EqualFold(f, flag) })
	if on {
		kept = append(kept, flag)
	}
	return kept
}

// TagLetters calls change with the tags of messages, and sets what it returns; without
// IDs those of all.
func (m *Mailboxes) TagLetters(change func(tags []string) []string, ids ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.letters.list {
		if len(ids) == 0 || slices.Contains(ids, l.id) {
			tags := change(slices.Clone(l.tags()))
			slices.Sort(tags)
			l.setTags(slices.Compact(tags))
		}
	}
	m.folder.tags(m.letters.list)
	m.touch()
}
