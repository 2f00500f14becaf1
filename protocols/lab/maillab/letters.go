package maillab

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
	"unique"

	"github.com/emersion/go-imap/v2"
)

// ErrNoLetter means that a message is not there, or not any more.
var ErrNoLetter = errors.New("lab: no such message")

// Message is one stored message. Data is shared by all who ask for it: nobody changes
// it. The other fields are the caller's own copy.
type Message struct {
	UID   uint32 // from 1, rising within a mailbox
	Data  []byte // with CRLF line ends, as it was received; nil in a store with a folder: see Open
	Flags []string
	Date  time.Time // when it came in

	letter *letter
	store  *Mailboxes
}

// Size returns the number of bytes of the message.
func (x *Message) Size() int64 {
	if x.letter == nil {
		return int64(len(x.Data))
	}
	return x.letter.size
}

// Open returns the content. The caller closes it.
func (x *Message) Open() (*Content, error) {
	if x.store == nil || x.Data != nil {
		return &Content{SectionReader: io.NewSectionReader(bytes.NewReader(x.Data), 0, int64(len(x.Data)))}, nil
	}
	return x.store.content(x.letter)
}

// Bytes returns the whole content: for small messages.
func (x *Message) Bytes() ([]byte, error) {
	if x.Data != nil {
		return x.Data, nil
	}
	c, err := x.Open()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return io.ReadAll(c)
}

// Content is the content of a message, which is not held in memory as a whole.
type Content struct {
	*io.SectionReader
	file io.Closer
}

// Close frees what the content holds open.
func (c *Content) Close() error {
	if c.file == nil {
		return nil
	}
	return c.file.Close()
}

// Envelope is what was said about a message before it came.
type Envelope struct {
	From   string    // of MAIL; empty is the null sender
	To     []string  // of RCPT, in order
	User   string    // who had logged in
	Remote string    // address of the client
	Date   time.Time // when it came; zero is now
}

// Letter describes a message by itself, in whatever mailboxes it is.
type Letter struct {
	Envelope
	ID     string // a word of letters and digits
	Number uint32 // from 1, rising
	Size   int64
	Read   bool
	Tags   []string
}

// letter is a message as it is stored once. There may be very many: what letters have in
// common they share.
type letter struct {
	number uint32 // from 1, rising
	refs   int32  // mailboxes it is in
	id     string
	size   int64
	at     int64 // when it came, in nanoseconds since 1970
	route  unique.Handle[route]
	sentTo string // recipients, with line ends between them
	data   []byte // nil in a folder
	rare   *rare  // nil: there is nothing of it
	skip   int32  // bytes in the file before the content
	port   uint16 // of the client; 0: route.remote is the whole address
	read   bool
}

// rare is what few letters have.
type rare struct {
	foreign string // name of the file, without flags, of one that another program put into a folder
	tags    []string
}

// tags returns the tags; nobody changes them.
func (l *letter) tags() []string {
	if l.rare == nil {
		return nil
	}
	return l.rare.tags
}

// setTags replaces the tags.
func (l *letter) setTags(tags []string) {
	if l.rare == nil && len(tags) == 0 {
		return
	}
	if l.rare == nil {
		l.rare = &rare{}
	}
	l.rare.tags = tags
}

// route is the way that a letter came.
type route struct {
	from   string
	user   string
	remote string
	home   string // "user/mailbox" of one that was put there
}

func newLetter(at time.Time, r route, to []string) *letter {
	l := &letter{at: at.UnixNano()}
	l.comes(r, to)
	return l
}

// comes notes the way that a letter came. The port of the client, which is another one for
// each connection, is kept apart: the rest is shared.
func (l *letter) comes(r route, to []string) {
	if host, port, err := net.SplitHostPort(r.remote); err == nil {
		if n, err := strconv.ParseUint(port, 10, 16); err == nil && n > 0 && net.JoinHostPort(host, strconv.FormatUint(n, 10)) == r.remote {
			r.remote, l.port = host, uint16(n)
		}
	}
	l.route, l.sentTo = unique.Make(r), strings.Join(to, "\n")
}

// remote returns the address of the client.
func (l *letter) remote() string {
	host := l.route.Value().remote
	if l.port == 0 {
		return host
	}
	return net.JoinHostPort(host, strconv.Itoa(int(l.port)))
}

func (l *letter) date() time.Time { return time.Unix(0, l.at) }

// to returns the recipients.
func (l *letter) to() []string {
	if l.sentTo != "" {
		return strings.Split(l.sentTo, "\n")
	}
	return nil
}

// isTo reports whether a user of an open store gets the letter: by address, or by the
// part before the "@".
func (l *letter) isTo(user string) bool {
	return slices.ContainsFunc(l.to(), func(to string) bool {
		return strings.EqualFold(to, user) || strings.EqualFold(localPart(to), user)
	})
}

// localPart returns what stands before the last "@", without an extension.
func localPart(address string) string {
	if i := strings.LastIndexByte(address, '@'); i >= 0 {
		address = address[:i]
	}
	name, _, _ := strings.Cut(address, "+")
	return name
}

func (l *letter) public() Letter {
	r := l.route.Value()
	return Letter{
		Envelope: Envelope{From: r.from, To: l.to(), User: r.user, Remote: l.remote(), Date: l.date()},
		ID:       l.id, Number: l.number, Size: l.size, Read: l.read, Tags: slices.Clone(l.tags()),
	}
}

// letters are all letters, oldest first.
type letters struct {
	list   []*letter
	byID   map[string]*letter
	bytes  int64
	last   uint32
	gone   int // deleted so far
	refuse int // refused for want of room
	recent map[string]string
}

// Receive takes a message for the recipients of its envelope, and returns the ID. It
// reads data to its end, and keeps nothing when that fails.
func (m *Mailboxes) Receive(e Envelope, data io.Reader) (id string, err error) {
	if e.Date.IsZero() {
		e.Date = time.Now()
	}
	l := newLetter(e.Date, route{from: e.From, user: e.User, remote: e.Remote}, e.To)
	if err := m.keep(l, data, nil); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.admit(l); err != nil {
		return "", err
	}
	m.spread(l)
	m.touch()
	return l.id, nil
}

// keep stores the content of a letter: in the folder, or in memory, where data may be
// there already.
func (m *Mailboxes) keep(l *letter, r io.Reader, data []byte) (err error) {
	l.id = strings.Clone(rand.Text()[:22]) // the rest would be kept too
	if m.folder != nil {
		return m.folder.write(l, r, m.limits.Bytes)
	}
	if data == nil {
		if data, err = io.ReadAll(r); err != nil {
			return err
		}
	}
	if cap(data)-len(data) > len(data)/16 { // room that will never be used
		data = bytes.Clone(data)
	}
	l.data, l.size = data, int64(len(data))
	return nil
}

// admit makes room for a letter and takes it. The caller holds the lock.
func (m *Mailboxes) admit(l *letter) error {
	full := func() bool {
		return len(m.letters.list) >= m.limits.Messages || m.letters.bytes+l.size > m.limits.Bytes
	}
	for full() && m.limits.DropOldest && len(m.letters.list) > 0 && l.size <= m.limits.Bytes {
		m.forget(m.letters.list[:1], true)
	}
	if full() {
		m.letters.refuse++
		m.folder.remove(l)
		return ErrStoreFull
	}
	if err := m.folder.publish(l); err != nil {
		return err
	}
	m.letters.enlist(l)
	return nil
}

// enlist numbers a letter and counts it.
func (a *letters) enlist(l *letter) {
	a.last++
	l.number = a.last
	a.list = append(a.list, l)
	a.byID[l.id] = l
	a.bytes += l.size
	l.sentTo = a.shared(l.sentTo)
}

// maxRecent bounds how many recipients are remembered to be shared.
const maxRecent = 1024

// shared returns one string for equal recipients of letters that come one after another.
func (a *letters) shared(to string) string {
	if known, ok := a.recent[to]; ok {
		return known
	}
	if len(a.recent) >= maxRecent || a.recent == nil {
		a.recent = map[string]string{}
	}
	a.recent[to] = to
	return to
}

// find returns a letter by its ID, or nil; "latest" is the newest one.
func (a *letters) find(id string) *letter {
	if n := len(a.list); id == "latest" && n > 0 {
		return a.list[n-1]
	}
	return a.byID[id]
}

// spread puts a letter into the INBOXes of its recipients; where not all are taken, once
// for each of them. The caller holds the lock.
func (m *Mailboxes) spread(l *letter) {
	for _, name := range l.readers(m) {
		switch u := m.users[name]; {
		case u == nil:
		case m.open:
			u.boxes[Inbox].deliver(l)
		default:
			u.boxes[Inbox].add(l, nil)
		}
	}
}

// readers returns the names under which users may read a letter.
func (l *letter) readers(m *Mailboxes) []string {
	var names []string
	if m.open {
		names = append(names, m.all)
	}
	for _, to := range l.to() {
		local := strings.ToLower(localPart(to))
		if local == "postmaster" { // RFC 5321 4.5.1
			local = m.first
		}
		if m.open {
			names = append(names, strings.ToLower(to))
		}
		names = append(names, local)
	}
	return names
}

// seesAll reports whether a mailbox is the one with all mail.
func (m *Mailboxes) seesAll(user, box string) bool {
	return m.all != "" && strings.EqualFold(user, m.all) && canonical(box) == Inbox
}

// noteFlags has a letter be read when it is marked so where all mail is.
func (m *Mailboxes) noteFlags(user, box string, l *letter, flags []string) {
	if !m.open || m.seesAll(user, box) {
		l.setRead(m.folder, hasFlag(&Message{Flags: flags}, imap.FlagSeen))
	}
}

func (l *letter) setRead(d *mailFolder, read bool) {
	if l.read != read {
		l.read = read
		d.mark(l)
	}
}

// forget drops letters that are in no mailbox any more, or all, out of every mailbox.
// The caller holds the lock.
func (m *Mailboxes) forget(list []*letter, everywhere bool) {
	gone := map[*letter]bool{}
	for _, l := range list {
		if m.letters.byID[l.id] == l && (everywhere || l.refs == 0) {
			gone[l] = true
			delete(m.letters.byID, l.id)
			m.letters.bytes -= l.size
			m.letters.gone++
			m.folder.remove(l)
		}
	}
	if len(gone) == 0 {
		return
	}
	if n := len(m.letters.list); n > 0 && len(gone) == 1 && gone[m.letters.list[0]] {
		m.letters.list[0] = nil
		m.letters.list = m.letters.list[1:] // the oldest makes room: nothing is moved
	} else {
		m.letters.list = slices.DeleteFunc(m.letters.list, func(l *letter) bool { return gone[l] })
	}
	for _, u := range m.users {
		for _, b := range u.boxes {
			b.without(gone)
		}
	}
}

// without takes letters out of a mailbox.
func (b *mailbox) without(gone map[*letter]bool) {
	if len(b.mail) > 0 && len(gone) == 1 && gone[b.mail[0].letter] {
		b.mail[0] = entry{}
		b.mail = b.mail[1:]
		return
	}
	if slices.ContainsFunc(b.mail, func(x entry) bool { return gone[x.letter] }) {
		b.mail = slices.DeleteFunc(b.mail, func(x entry) bool { return gone[x.letter] })
	}
}

// content opens the content of a letter of a folder.
func (m *Mailboxes) content(l *letter) (*Content, error) {
	if m.folder == nil {
		return &Content{SectionReader: io.NewSectionReader(bytes.NewReader(l.data), 0, l.size)}, nil
	}
	m.mu.Lock()
	name := l.name()
	m.mu.Unlock()
	return m.folder.open(l, name)
}
