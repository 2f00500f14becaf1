package maillab

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
)

// Inbox is the mailbox that mail is delivered to; every user has it.
const Inbox = "INBOX"

// What a store refuses.
var (
	ErrNoMailbox     = errors.New("lab: no such user or mailbox")
	ErrMailboxExists = errors.New("lab: mailbox exists")
	ErrStoreFull     = errors.New("lab: mail store is full")
)

// Limits bounds a store. Zero fields mean the defaults.
type Limits struct {
	Bytes     int64 // of all messages together; default 256 MiB
	Messages  int   // of all mailboxes, copies not counted; default 100,000
	Mailboxes int   // of one user; default 1,000
	Users     int   // of those who were never added but logged in, in an open store; default 10,000

	// DropOldest has the oldest messages make room for new ones, which are refused
	// otherwise.
	DropOldest bool
}

// StoreOptions configure NewStore.
type StoreOptions struct {
	Limits
	Users []base.Credentials // nil is the default one

	// Open has the store take mail to every address. Each address is a user then, with
	// an INBOX of the mail that was sent to it, and so is the part before the "@", for
	// all domains; any password lets them in. The INBOX of the first of Users has all
	// mail, and what is deleted there is gone everywhere.
	Open bool

	// Folder keeps the messages in a maildir, which is made when it is missing, and not
	// in memory. Those that are there already are shown.
	Folder string
}

// MailboxInfo describes a mailbox.
type MailboxInfo struct {
	Name        string
	UIDValidity uint32
	UIDNext     uint32
	Messages    int
	Bytes       int64
}

// Mailboxes is the mail of some users, in memory or in a folder: what the SMTP and LMTP
// servers take in and the POP3 and IMAP servers show. It is safe for concurrent use.
// Names of users are compared without regard to case, those of mailboxes as they are,
// but for INBOX.
type Mailboxes struct {
	limits Limits
	open   bool
	first  string      // the first user, who is the postmaster
	all    string      // the user whose INBOX has all mail; empty: none
	folder *mailFolder // nil: in memory

	mu       sync.Mutex
	users    map[string]*mailUser
	guests   int // users who were never added
	letters  letters
	validity validity
	changed  chan struct{} // closed and replaced at each change
}

type mailUser struct {
	base.Credentials
	guest bool // has any password
	boxes map[string]*mailbox
}

type mailbox struct {
	validity, next uint32
	mail           []entry
}

// entry is a letter in a mailbox.
type entry struct {
	UID    uint32
	Flags  []string
	letter *letter
}

// NewMailboxes makes a store in memory with the users given, or with the default one.
// Each has an empty INBOX.
func NewMailboxes(limits Limits, users ...base.Credentials) *Mailboxes {
	return newStore(StoreOptions{Limits: limits, Users: users})
}

// NewStore makes a store. It fails when the folder cannot be read or made.
func NewStore(o StoreOptions) (*Mailboxes, error) {
	m := newStore(o)
	if o.Folder == "" {
		return m, nil
	}
	folder, err := openMailFolder(o.Folder)
	if err != nil {
		return nil, err
	}
	m.folder = folder
	return m, m.Reload()
}

func newStore(o StoreOptions) *Mailboxes {
	o.Bytes = orDefault(o.Bytes, 256<<20)
	o.Messages = orDefault(o.Messages, 100_000)
	o.Mailboxes = orDefault(o.Mailboxes, 1000)
	o.Limits.Users = orDefault(o.Limits.Users, 10_000)
	if len(o.Users) == 0 {
		o.Users = []base.Credentials{base.DefaultCredentials()}
	}
	m := &Mailboxes{limits: o.Limits, open: o.Open, users: map[string]*mailUser{}, validity: validity(time.Now().Unix()), changed: make(chan struct{})}
	m.letters.byID = map[string]*letter{}
	m.first = strings.ToLower(o.Users[0].User)
	if o.Open {
		m.all = m.first
	}
	for _, u := range o.Users {
		m.AddUser(u)
	}
	return m
}

func orDefault[T int | int64](v, d T) T {
	if v <= 0 {
		return d
	}
	return v
}

// AddUser adds a user with an empty INBOX; one who is there gets the password.
func (m *Mailboxes) AddUser(c base.Credentials) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := strings.ToLower(c.User)
	if u := m.users[key]; u != nil {
		u.Password = c.Password
		return
	}
	m.users[key] = m.newUser(c)
}

// newUser makes a user with an INBOX, in which is what was sent to him in an open store.
func (m *Mailboxes) newUser(c base.Credentials) *mailUser {
	u := &mailUser{Credentials: c, boxes: map[string]*mailbox{}}
	box := m.validity.newMailbox()
	u.boxes[Inbox] = box
	for _, l := range m.letters.list {
		if m.open && l.isTo(c.User) {
			box.deliver(l)
		}
	}
	return u
}

// user returns a user; in an open store whoever asks is one. The caller holds the lock.
func (m *Mailboxes) user(name string) *mailUser {
	key := strings.ToLower(name)
	u := m.users[key]
	if u == nil && m.open && name != "" && len(name) <= maxAddress && m.guests < m.limits.Users {
		u = m.newUser(base.Credentials{User: name})
		u.guest = true
		m.users[key] = u
		m.guests++
	}
	return u
}

// maxAddress bounds the name of a user (RFC 5321 4.5.3.1.3, and some).
const maxAddress = 320

// newMailbox makes a mailbox with a UIDVALIDITY that none had before.
func (v *validity) newMailbox() *mailbox {
	*v++
	return &mailbox{validity: uint32(*v), next: 1}
}

// validity is the UIDVALIDITY that was given last.
type validity uint32

// Users returns the names of all users, sorted.
func (m *Mailboxes) Users() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for _, u := range m.users {
		if !u.guest {
			names = append(names, u.User)
		}
	}
	slices.Sort(names)
	return names
}

// Password returns a user's password, for mechanisms that only prove it, and
// whether there is such a user.
func (m *Mailboxes) Password(user string) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.users[strings.ToLower(user)]
	if u == nil || u.guest {
		return "", m.open
	}
	return u.Password, true
}

// Login reports whether user and password fit.
func (m *Mailboxes) Login(user, password string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.user(user)
	return u != nil && (u.guest || u.Password == password)
}

// Open reports whether the store takes mail to every address, and any password for it.
func (m *Mailboxes) Open() bool { return m.open }

// box finds a mailbox. The caller holds the lock.
func (m *Mailboxes) box(user, name string) (*mailbox, error) {
	u := m.user(user)
	if u == nil {
		return nil, ErrNoMailbox
	}
	b := u.boxes[canonical(name)]
	if b == nil {
		return nil, ErrNoMailbox
	}
	return b, nil
}

func canonical(box string) string {
	if strings.EqualFold(box, Inbox) {
		return Inbox
	}
	return box
}

// Deliver adds a message to a user's INBOX. It keeps data, which the caller must
// not change any more.
func (m *Mailboxes) Deliver(user string, data []byte) error {
	_, err := m.Append(user, Inbox, data, nil, time.Now())
	return err
}

// Append adds a message to a mailbox and returns its UID. It keeps data, which the
// caller must not change any more.
func (m *Mailboxes) Append(user, box string, data []byte, flags []string, date time.Time) (uid uint32, err error) {
	return m.put(user, box, bytes.NewReader(data), &Message{Data: data, Flags: flags, Date: date})
}

// Copy puts a copy of a message into another mailbox of the user, and returns its UID
// there.
func (m *Mailboxes) Copy(user string, x *Message, dest string) (uint32, error) {
	c, err := x.Open()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	return m.put(user, dest, c, x)
}

// put adds a message, whose content is given, to a mailbox.
func (m *Mailboxes) put(user, box string, content io.Reader, x *Message) (uid uint32, err error) {
	m.mu.Lock()
	b, err := m.box(user, box)
	m.mu.Unlock()
	if err != nil {
		return 0, err
	}
	var r route
	var to []string
	if canonical(box) != Inbox {
		r.home = user + "/" + box
	} else if m.open && !strings.EqualFold(user, m.all) {
		to = []string{user}
	}
	l := newLetter(x.Date, r, to)
	if err := m.keep(l, content, x.Data); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.admit(l); err != nil {
		return 0, err
	}
	uid = b.add(l, x.Flags)
	m.noteFlags(user, box, l, x.Flags)
	if r.home == "" {
		m.spread(l)
	}
	m.touch()
	return uid, nil
}

// add puts a letter into a mailbox under the next UID. The caller holds the lock.
func (b *mailbox) add(l *letter, flags []string) uint32 {
	uid := b.next
	b.next++
	b.mail = append(b.mail, entry{UID: uid, Flags: slices.Clone(flags), letter: l})
	l.refs++
	return uid
}

// deliver is add for the INBOX of an address, where a letter has the same UID whenever
// its user comes.
func (b *mailbox) deliver(l *letter) {
	if n := len(b.mail); n > 0 && b.mail[n-1].letter == l {
		return
	}
	b.next = max(b.next, l.number)
	b.add(l, nil)
}

// touch wakes those who wait for a change. The caller holds the lock.
func (m *Mailboxes) touch() {
	close(m.changed)
	m.changed = make(chan struct{})
}

// Changed returns a channel that is closed at the next change of anything. It is
// taken before the look that could miss the change.
func (m *Mailboxes) Changed() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

// Snapshot returns the messages of a mailbox in the order of their UIDs.
func (m *Mailboxes) Snapshot(user, box string) ([]Message, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.box(user, box)
	if err != nil {
		return nil, err
	}
	list := make([]Message, len(b.mail))
	for i, x := range b.mail {
		list[i] = Message{UID: x.UID, Data: x.letter.data, Flags: slices.Clone(x.Flags), Date: x.letter.date(), letter: x.letter, store: m}
	}
	return list, nil
}

// Info describes one mailbox.
func (m *Mailboxes) Info(user, box string) (MailboxInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.box(user, box)
	if err != nil {
		return MailboxInfo{}, err
	}
	return b.info(canonical(box)), nil
}

func (b *mailbox) info(name string) MailboxInfo {
	i := MailboxInfo{Name: name, UIDValidity: b.validity, UIDNext: b.next, Messages: len(b.mail)}
	for _, m := range b.mail {
		i.Bytes += m.letter.size
	}
	return i
}

// List describes all mailboxes of a user, sorted by name.
func (m *Mailboxes) List(user string) ([]MailboxInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.user(user)
	if u == nil {
		return nil, ErrNoMailbox
	}
	var list []MailboxInfo
	for name, b := range u.boxes {
		list = append(list, b.info(name))
	}
	slices.SortFunc(list, func(a, b MailboxInfo) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// SetFlags replaces the flags of a message; false means that it is gone.
func (m *Mailboxes) SetFlags(user, box string, uid uint32, flags []string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.box(user, box)
	if err != nil {
		return false
	}
	i := slices.IndexFunc(b.mail, func(x entry) bool { return x.UID == uid })
	if i < 0 {
		return false
	}
	b.mail[i].Flags = slices.Clone(flags)
	m.noteFlags(user, box, b.mail[i].letter, flags)
	m.touch()
	return true
}

// Delete removes messages by UID and returns how many there were.
func (m *Mailboxes) Delete(user, box string, uids ...uint32) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.box(user, box)
	if err != nil {
		return 0
	}
	gone := make(map[uint32]bool, len(uids))
	for _, uid := range uids {
		gone[uid] = true
	}
	var dropped []*letter
	b.mail = slices.DeleteFunc(b.mail, func(x entry) bool {
		if gone[x.UID] {
			x.letter.refs--
			dropped = append(dropped, x.letter)
		}
		return gone[x.UID]
	})
	if everywhere := m.seesAll(user, box); len(dropped) > 0 {
		m.forget(dropped, everywhere)
		m.touch()
	}
	return len(dropped)
}

// Create makes an empty mailbox.
func (m *Mailboxes) Create(user, box string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.user(user)
	switch {
	case u == nil || box == "":
		return ErrNoMailbox
	case u.boxes[canonical(box)] != nil:
		return ErrMailboxExists
	case len(u.boxes) >= m.limits.Mailboxes:
		return ErrStoreFull
	}
	u.boxes[box] = m.validity.newMailbox()
	m.touch()
	return nil
}

// Rename changes the name of a mailbox. INBOX stays, emptied into the new one
// (RFC 9051 6.3.6).
func (m *Mailboxes) Rename(user, from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.box(user, from)
	if err != nil || to == "" {
		return ErrNoMailbox
	}
	boxes := m.users[strings.ToLower(user)].boxes
	if boxes[canonical(to)] != nil {
		return ErrMailboxExists
	}
	delete(boxes, canonical(from))
	boxes[to] = b
	if canonical(from) == Inbox {
		boxes[Inbox] = m.validity.newMailbox()
	}
	m.touch()
	return nil
}

// Remove deletes a mailbox with its messages. INBOX cannot be removed.
func (m *Mailboxes) Remove(user, box string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.box(user, box)
	if err != nil || canonical(box) == Inbox {
		return ErrNoMailbox
	}
	var dropped []*letter
	for _, x := range b.mail {
		x.letter.refs--
		dropped = append(dropped, x.letter)
	}
	m.forget(dropped, false)
	delete(m.users[strings.ToLower(user)].boxes, box)
	m.touch()
	return nil
}
