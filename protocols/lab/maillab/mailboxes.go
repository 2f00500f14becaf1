package maillab

import (
	"errors"
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
	Messages  int   // of all mailboxes; default 100,000
	Mailboxes int   // of one user; default 1,000
}

// Message is one stored message. Data is shared by all who ask for it: nobody
// changes it. The other fields are the caller's own copy.
type Message struct {
	UID   uint32 // from 1, rising within a mailbox
	Data  []byte // with CRLF line ends, as it was received
	Flags []string
	Date  time.Time // when it came in
}

// MailboxInfo describes a mailbox.
type MailboxInfo struct {
	Name        string
	UIDValidity uint32
	UIDNext     uint32
	Messages    int
	Bytes       int64
}

// Mailboxes is the mail of some users, in memory: what the SMTP and LMTP servers
// take in and the POP3 and IMAP servers show. It is safe for concurrent use.
// Names of users are compared without regard to case, those of mailboxes as they
// are, but for INBOX.
type Mailboxes struct {
	limits Limits

	mu       sync.Mutex
	users    map[string]*mailUser
	bytes    int64
	messages int
	validity uint32
	changed  chan struct{} // closed and replaced at each change
}

type mailUser struct {
	base.Credentials
	boxes map[string]*mailbox
}

type mailbox struct {
	validity, next uint32
	mail           []Message
}

// NewMailboxes makes a store with the users given, or with the default one. Each
// has an empty INBOX.
func NewMailboxes(limits Limits, users ...base.Credentials) *Mailboxes {
	limits.Bytes = orDefault(limits.Bytes, 256<<20)
	limits.Messages = orDefault(limits.Messages, 100_000)
	limits.Mailboxes = orDefault(limits.Mailboxes, 1000)
	if len(users) == 0 {
		users = []base.Credentials{base.DefaultCredentials()}
	}
	m := &Mailboxes{limits: limits, users: map[string]*mailUser{}, validity: uint32(time.Now().Unix()), changed: make(chan struct{})}
	for _, u := range users {
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
	u := &mailUser{Credentials: c, boxes: map[string]*mailbox{}}
	u.boxes[Inbox] = m.newMailbox()
	m.users[key] = u
}

// newMailbox makes a mailbox with a UIDVALIDITY that none had before.
func (m *Mailboxes) newMailbox() *mailbox {
	m.validity++
	return &mailbox{validity: m.validity, next: 1}
}

// Users returns the names of all users, sorted.
func (m *Mailboxes) Users() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for _, u := range m.users {
		names = append(names, u.User)
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
	if u == nil {
		return "", false
	}
	return u.Password, true
}

// Login reports whether user and password fit.
func (m *Mailboxes) Login(user, password string) bool {
	want, ok := m.Password(user)
	return ok && want == password
}

// box finds a mailbox. The caller holds the lock.
func (m *Mailboxes) box(user, name string) (*mailbox, error) {
	u := m.users[strings.ToLower(user)]
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
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.box(user, box)
	if err != nil {
		return 0, err
	}
	if m.messages >= m.limits.Messages || m.bytes+int64(len(data)) > m.limits.Bytes {
		return 0, ErrStoreFull
	}
	uid = b.next
	b.next++
	b.mail = append(b.mail, Message{UID: uid, Data: data, Flags: slices.Clone(flags), Date: date})
	m.messages++
	m.bytes += int64(len(data))
	m.touch()
	return uid, nil
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
	list := slices.Clone(b.mail)
	for i := range list {
		list[i].Flags = slices.Clone(list[i].Flags)
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
		i.Bytes += int64(len(m.Data))
	}
	return i
}

// List describes all mailboxes of a user, sorted by name.
func (m *Mailboxes) List(user string) ([]MailboxInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.users[strings.ToLower(user)]
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
	i := slices.IndexFunc(b.mail, func(x Message) bool { return x.UID == uid })
	if i < 0 {
		return false
	}
	b.mail[i].Flags = slices.Clone(flags)
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
	before := len(b.mail)
	b.mail = slices.DeleteFunc(b.mail, func(x Message) bool {
		if gone[x.UID] {
			m.forget(x)
		}
		return gone[x.UID]
	})
	if len(b.mail) != before {
		m.touch()
	}
	return before - len(b.mail)
}

// forget takes a message out of the counts. The caller holds the lock.
func (m *Mailboxes) forget(x Message) {
	m.messages--
	m.bytes -= int64(len(x.Data))
}

// Create makes an empty mailbox.
func (m *Mailboxes) Create(user, box string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.users[strings.ToLower(user)]
	switch {
	case u == nil || box == "":
		return ErrNoMailbox
	case u.boxes[canonical(box)] != nil:
		return ErrMailboxExists
	case len(u.boxes) >= m.limits.Mailboxes:
		return ErrStoreFull
	}
	u.boxes[box] = m.newMailbox()
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
		boxes[Inbox] = m.newMailbox()
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
	for _, x := range b.mail {
		m.forget(x)
	}
	delete(m.users[strings.ToLower(user)].boxes, box)
	m.touch()
	return nil
}
