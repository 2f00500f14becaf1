package imap

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// mailbox is the selected mailbox as the server tells of it.
type mailbox struct {
	name      string
	readOnly  bool
	exists    uint32
	validity  uint32
	uidNext   uint32
	modSeq    uint64 // highest; 0: the server keeps none
	flags     []string
	permanent []string // flags that can be kept
	path, url string   // of a message, up to its UID; empty: not made yet
}

// take keeps what a response tells of the mailbox.
func (b *mailbox) take(r *imapwire.Response) {
	switch r.Name {
	case "EXISTS":
		b.exists = r.Num
	case "EXPUNGE":
		if b.exists > 0 {
			b.exists--
		}
	case "VANISHED":
		if !strings.HasPrefix(r.Args, "(") {
			b.exists -= min(b.exists, imapwire.SetSize(r.Args))
		}
	case "FLAGS":
		b.flags = imapwire.FlagList(r.Args)
	case "OK":
		b.code(r.Status())
	}
}

func (b *mailbox) code(st *imapwire.Status) {
	number := func(bits int) uint64 {
		v, _ := strconv.ParseUint(st.Args, 10, bits)
		return v
	}
	switch st.Code {
	case "UIDVALIDITY":
		b.validity = uint32(number(32))
	case "UIDNEXT":
		b.uidNext = uint32(number(32))
	case "HIGHESTMODSEQ":
		b.modSeq = number(63)
	case "PERMANENTFLAGS":
		b.permanent = imapwire.FlagList(st.Args)
	case "READ-ONLY":
		b.readOnly = true
	case "READ-WRITE":
		b.readOnly = false
	}
}

// open selects a mailbox: with EXAMINE for reading, so that nothing changes, with
// SELECT for writing. A validity other than 0 must be the mailbox's.
func (s *session) open(n *imapwire.Name, write bool) error {
	if n.Mailbox == "" {
		return protocols.UsageError(proto, "", "the URL names no mailbox")
	}
	if s.box == nil || s.box.name != n.Mailbox || write && s.box.readOnly {
		if err := s.selectBox(n.Mailbox, write); err != nil {
			return err
		}
	}
	return s.sameValidity(n)
}

func (s *session) sameValidity(n *imapwire.Name) error {
	if n.Validity != 0 && n.Validity != s.box.validity {
		return &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrChanged,
			Text: fmt.Sprintf("the mailbox has been made anew: UIDVALIDITY is %d, not %d", s.box.validity, n.Validity)}
	}
	return nil
}

// selectBox opens a mailbox anew.
func (s *session) selectBox(mailboxName string, write bool) error {
	verb := "EXAMINE"
	if write {
		verb = "SELECT"
	}
	args := []any{boxName(mailboxName)}
	if s.has("CONDSTORE", "QRESYNC") {
		args = append(args, "(CONDSTORE)")
	}
	s.box = &mailbox{name: mailboxName, readOnly: !write}
	st, err := s.command(nil, verb, args...)
	if err == nil {
		err = st.Err()
	}
	if err != nil {
		s.box = nil
		return err
	}
	s.box.code(st)
	if s.box.validity == 0 {
		s.box.validity = 1 // a server without it keeps no UIDs: the number is only a place holder
	}
	if write && s.box.readOnly {
		return &protocols.Error{Kind: protocols.KindRefused, Sentinel: fs.ErrPermission, Enhanced: "READ-ONLY", Text: "the mailbox can only be read"}
	}
	return nil
}

// refresh brings the news of a mailbox that was open already.
func (s *session) refresh(n *imapwire.Name) error {
	fresh := s.box == nil || s.box.name != n.Mailbox
	if err := s.open(n, false); err != nil || fresh {
		return err
	}
	return s.simple("NOOP")
}

// entry returns the entry of a message.
func (s *session) entry(m *imapwire.Message) protocols.Entry {
	b, uid := s.box, strconv.FormatUint(uint64(m.UID), 10)
	if b.path == "" {
		b.path = strings.TrimSuffix(imapwire.MessageName(b.name, b.validity, 0), "0")
		b.url = s.c.urlOf(b.path)
	}
	e := protocols.Entry{
		Protocol: proto, URL: b.url + uid, Name: uid, Path: b.path + uid,
		Type: protocols.TypeMessage, Size: m.Size, Modified: m.Date, ID: m.ID,
		MessageInfo: &protocols.MessageInfo{Number: int64(m.Seq), UID: uid, Flags: m.Flags},
	}
	if m.Header != "" {
		imapwire.ReadHeader(m.Header, e.MessageInfo)
	}
	if m.ModSeq != 0 {
		e.Facts = map[string]string{"modseq": strconv.FormatUint(m.ModSeq, 10)}
	}
	return e
}
