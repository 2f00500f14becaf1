package maillab

import (
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
)

// imapSession is one connection to the IMAP server.
type imapSession struct {
	s    *IMAPServer
	c    *imapserver.Conn
	user string
	box  string // selected mailbox; empty: none
	info MailboxInfo
	view []Message // what the client believes to be in it, by sequence number
}

var (
	_ imapserver.SessionIMAP4rev2 = (*imapSession)(nil)
	_ imapserver.SessionSASL      = (*imapSession)(nil)
)

func (s *IMAPServer) newSession(c *imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
	if t, ok := c.NetConn().(*imapTap); ok && s.opt.PreAuth != "" {
		t.known.Store(true)
	}
	return &imapSession{s: s, c: c, user: s.opt.PreAuth}, &imapserver.GreetingData{PreAuth: s.opt.PreAuth != ""}, nil
}

// Close ends the session.
func (c *imapSession) Close() error { return nil }

// Login checks user and password.
func (c *imapSession) Login(user, password string) error {
	if !c.s.mail.Login(user, password) {
		return imapserver.ErrAuthFailed
	}
	c.enter(user)
	return nil
}

// enter notes who logged in.
func (c *imapSession) enter(user string) {
	c.user = user
	if t, ok := c.c.NetConn().(*imapTap); ok {
		t.known.Store(true)
	}
	c.s.front.CountLogin()
}

// imapNo returns the refusal that an error of the store is.
func imapNo(err error) error {
	codes := map[error]imap.ResponseCode{
		ErrNoMailbox: imap.ResponseCodeNonExistent, ErrNoLetter: imap.ResponseCode("EXPUNGEISSUED"), ErrMailboxExists: imap.ResponseCodeAlreadyExists, ErrStoreFull: imap.ResponseCodeOverQuota,
	}
	for target, code := range codes {
		if errors.Is(err, target) {
			return &imap.Error{Type: imap.StatusResponseTypeNo, Code: code, Text: strings.TrimPrefix(err.Error(), "lab: ")}
		}
	}
	return err
}

// imapFlags are those that every mailbox has.
var imapFlags = []imap.Flag{imap.FlagSeen, imap.FlagAnswered, imap.FlagFlagged, imap.FlagDeleted, imap.FlagDraft}

// Select opens a mailbox.
func (c *imapSession) Select(mailbox string, _ *imap.SelectOptions) (*imap.SelectData, error) {
	info, err := c.s.mail.Info(c.user, mailbox)
	if err != nil {
		return nil, imapNo(err)
	}
	if c.view, err = c.s.mail.Snapshot(c.user, mailbox); err != nil {
		return nil, imapNo(err)
	}
	c.box, c.info = info.Name, info
	return &imap.SelectData{
		Flags: imapFlags, PermanentFlags: append(slices.Clone(imapFlags), imap.FlagWildcard),
		NumMessages: uint32(len(c.view)), UIDNext: imap.UID(info.UIDNext), UIDValidity: info.UIDValidity,
	}, nil
}

// Unselect closes the mailbox.
func (c *imapSession) Unselect() error {
	c.box, c.view = "", nil
	return nil
}

// Create makes a mailbox.
func (c *imapSession) Create(mailbox string, _ *imap.CreateOptions) error {
	return imapNo(c.s.mail.Create(c.user, mailbox))
}

// Delete removes a mailbox.
func (c *imapSession) Delete(mailbox string) error { return imapNo(c.s.mail.Remove(c.user, mailbox)) }

// Rename changes the name of a mailbox.
func (c *imapSession) Rename(mailbox, newName string, _ *imap.RenameOptions) error {
	return imapNo(c.s.mail.Rename(c.user, mailbox, newName))
}

// Subscribe puts a mailbox on the user's list.
func (c *imapSession) Subscribe(mailbox string) error { return c.subscribe(mailbox, true) }

// Unsubscribe takes a mailbox off the user's list.
func (c *imapSession) Unsubscribe(mailbox string) error { return c.subscribe(mailbox, false) }

func (c *imapSession) subscribe(mailbox string, on bool) error {
	if _, err := c.s.mail.Info(c.user, mailbox); err != nil {
		return imapNo(err)
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.subs[c.user+"\x00"+canonical(mailbox)] = on
	return nil
}

func (c *imapSession) subscribed(mailbox string) bool {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.s.subs[c.user+"\x00"+mailbox]
}

const imapDelimiter = '/'

// List lists mailboxes.
func (c *imapSession) List(w *imapserver.ListWriter, ref string, patterns []string, o *imap.ListOptions) error {
	if len(patterns) == 0 {
		return w.WriteList(&imap.ListData{Attrs: []imap.MailboxAttr{imap.MailboxAttrNoSelect}, Delim: imapDelimiter})
	}
	boxes, err := c.s.mail.List(c.user)
	if err != nil {
		return imapNo(err)
	}
	for _, box := range boxes {
		match := slices.ContainsFunc(patterns, func(p string) bool { return imapserver.MatchList(box.Name, imapDelimiter, ref, p) })
		if !match || o.SelectSubscribed && !c.subscribed(box.Name) {
			continue
		}
		data := &imap.ListData{Mailbox: box.Name, Delim: imapDelimiter}
		if o.ReturnStatus != nil {
			data.Status = c.status(box, o.ReturnStatus)
		}
		if err := w.WriteList(data); err != nil {
			return err
		}
	}
	return nil
}

// Status returns the counts of a mailbox.
func (c *imapSession) Status(mailbox string, o *imap.StatusOptions) (*imap.StatusData, error) {
	info, err := c.s.mail.Info(c.user, mailbox)
	if err != nil {
		return nil, imapNo(err)
	}
	return c.status(info, o), nil
}

func (c *imapSession) status(box MailboxInfo, o *imap.StatusOptions) *imap.StatusData {
	count := func(wanted bool, test func(m *Message) bool) *uint32 {
		if !wanted {
			return nil
		}
		n := uint32(0)
		list, _ := c.s.mail.Snapshot(c.user, box.Name)
		for i := range list {
			if test(&list[i]) {
				n++
			}
		}
		return &n
	}
	data := &imap.StatusData{
		Mailbox: box.Name, UIDNext: imap.UID(box.UIDNext), UIDValidity: box.UIDValidity,
		NumMessages: count(o.NumMessages, func(*Message) bool { return true }),
		NumRecent:   count(o.NumRecent, func(*Message) bool { return false }),
		NumUnseen:   count(o.NumUnseen, func(m *Message) bool { return !hasFlag(m, imap.FlagSeen) }),
		NumDeleted:  count(o.NumDeleted, func(m *Message) bool { return hasFlag(m, imap.FlagDeleted) }),
	}
	if o.Size {
		data.Size = &box.Bytes
	}
	return data
}

func hasFlag(m *Message, flag imap.Flag) bool {
	return slices.ContainsFunc(m.Flags, func(f string) bool { return strings.EqualFold(f, string(flag)) })
}

// Append stores a message.
func (c *imapSession) Append(mailbox string, r imap.LiteralReader, o *imap.AppendOptions) (*imap.AppendData, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	info, err := c.s.mail.Info(c.user, mailbox)
	if err != nil {
		return nil, &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeTryCreate, Text: "no such mailbox"}
	}
	date := o.Time
	if date.IsZero() {
		date = time.Now()
	}
	uid, err := c.s.mail.Append(c.user, mailbox, data, flagTexts(o.Flags), date)
	if err != nil {
		return nil, imapNo(err)
	}
	return &imap.AppendData{UID: imap.UID(uid), UIDValidity: info.UIDValidity}, nil
}

func flagTexts(flags []imap.Flag) []string {
	var out []string
	for _, f := range flags {
		out = append(out, string(f))
	}
	return out
}

// Namespace reports that all mailboxes are the user's.
func (c *imapSession) Namespace() (*imap.NamespaceData, error) {
	return &imap.NamespaceData{Personal: []imap.NamespaceDescriptor{{Delim: imapDelimiter}}}, nil
}

// Poll reports what has changed since the last report.
func (c *imapSession) Poll(w *imapserver.UpdateWriter, allowExpunge bool) error {
	if c.box == "" {
		return nil
	}
	now, err := c.s.mail.Snapshot(c.user, c.box)
	if err != nil {
		return nil // the mailbox is gone: the next command says so
	}
	byUID := make(map[uint32]*Message, len(now))
	for i := range now {
		byUID[now[i].UID] = &now[i]
	}
	for i := len(c.view) - 1; i >= 0 && allowExpunge; i-- {
		if byUID[c.view[i].UID] == nil {
			if err := w.WriteExpunge(uint32(i + 1)); err != nil {
				return err
			}
			c.view = slices.Delete(c.view, i, i+1)
		}
	}
	for i := range c.view {
		if m := byUID[c.view[i].UID]; m != nil && !slices.Equal(m.Flags, c.view[i].Flags) {
			c.view[i].Flags = m.Flags
			if err := w.WriteMessageFlags(uint32(i+1), imap.UID(m.UID), imapFlagsOf(m)); err != nil {
				return err
			}
		}
	}
	return c.grow(w, now)
}

// grow reports new messages.
func (c *imapSession) grow(w *imapserver.UpdateWriter, now []Message) error {
	last := uint32(0)
	if len(c.view) > 0 {
		last = c.view[len(c.view)-1].UID
	}
	before := len(c.view)
	for _, m := range now {
		if m.UID > last {
			c.view = append(c.view, m)
		}
	}
	if len(c.view) == before {
		return nil
	}
	return w.WriteNumMessages(uint32(len(c.view)))
}

func imapFlagsOf(m *Message) []imap.Flag {
	flags := []imap.Flag{}
	for _, f := range m.Flags {
		flags = append(flags, imap.Flag(f))
	}
	return flags
}

// Idle reports changes as they come, until the client has had enough.
func (c *imapSession) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	for {
		changed := c.s.mail.Changed()
		if err := c.Poll(w, true); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-stop:
			return nil
		case <-c.s.front.Done:
			return nil
		}
	}
}
