package session

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// Mailbox is the selected mailbox. It is of no use once another one is selected.
type Mailbox struct {
	Name      string
	ReadOnly  bool
	Exists    uint32
	Gone      uint64 // messages that were expunged while it was open
	Validity  uint32
	UIDNext   uint32 // as of the selection; 0: not known
	ModSeq    uint64 // highest; 0: the server keeps none
	Flags     []string
	Permanent []string // flags that can be stored

	s         *Session
	fleeting  bool   // its UIDs are of no use to the next session (RFC 4315 2)
	grown     bool   // messages came since it was selected
	path, url string // of a message, up to its UID; empty: not made yet
}

// take keeps what a response says of the mailbox.
func (b *Mailbox) take(r *imapwire.Response) {
	switch r.Name {
	case "EXISTS":
		b.grown = b.grown || r.Num > b.Exists
		b.Exists = r.Num
	case "EXPUNGE":
		b.Gone++
		if b.Exists > 0 {
			b.Exists--
		}
	case "VANISHED":
		if !strings.HasPrefix(r.Args, "(") {
			b.Gone += uint64(imapwire.SetSize(r.Args))
			b.Exists -= min(b.Exists, imapwire.SetSize(r.Args))
		}
	case "FLAGS":
		b.Flags = imapwire.FlagList(r.Args)
	case "OK", "NO": // UIDNOTSTICKY comes with a warning
		b.code(r.Status())
	}
}

func (b *Mailbox) code(st *imapwire.Status) {
	number := func(bits int) uint64 {
		v, _ := strconv.ParseUint(st.Args, 10, bits)
		return v
	}
	switch st.Code {
	case "UIDVALIDITY":
		b.Validity = uint32(number(32))
	case "UIDNEXT":
		b.UIDNext = uint32(number(32))
	case "HIGHESTMODSEQ":
		b.ModSeq = number(63)
	case "PERMANENTFLAGS":
		b.Permanent = imapwire.FlagList(st.Args)
	case "UIDNOTSTICKY":
		b.fleeting = true
	case "READ-ONLY":
		b.ReadOnly = true
	case "READ-WRITE":
		b.ReadOnly = false
	}
}

// Knows reports whether a keyword is one that the mailbox has.
func (b *Mailbox) Knows(keyword string) bool { return slices.Contains(b.Flags, keyword) }

// Storable returns those of the flags that can be stored in the mailbox.
func (b *Mailbox) Storable(flags []string) []string { return imapwire.Storable(flags, b.Permanent) }

// Open selects the mailbox of a name, unless it is selected: with EXAMINE for
// reading, so that nothing changes, with SELECT for writing. A UIDVALIDITY in the
// name must be the mailbox's.
func (s *Session) Open(n *imapwire.Name, write bool) (*Mailbox, error) {
	if n.Mailbox == "" {
		return nil, protocols.UsageError(proto, "", "the URL does not name a mailbox")
	}
	if s.box == nil || s.box.Name != n.Mailbox || write && s.box.ReadOnly {
		if _, err := s.Select(n.Mailbox, write); err != nil {
			return nil, err
		}
	}
	return s.box, s.box.Same(n)
}

// Same fails unless the UIDVALIDITY of a name, if it has one, is the mailbox's.
func (b *Mailbox) Same(n *imapwire.Name) error {
	if n.Validity != 0 && n.Validity != b.Validity {
		return &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrChanged,
			Text: fmt.Sprintf("the mailbox was recreated: UIDVALIDITY is %d, not %d", b.Validity, n.Validity)}
	}
	return nil
}

// Select selects a mailbox, also if it is selected already.
func (s *Session) Select(mailbox string, write bool) (*Mailbox, error) {
	verb := "EXAMINE"
	if write {
		verb = "SELECT"
	}
	args := []any{BoxName(mailbox)}
	if s.Has("CONDSTORE", "QRESYNC") {
		args = append(args, "(CONDSTORE)")
	}
	s.box = &Mailbox{Name: mailbox, ReadOnly: !write, s: s}
	st, err := s.Command(nil, verb, args...)
	if err == nil {
		err = st.Err()
	}
	if err != nil {
		s.box = nil
		return nil, err
	}
	b := s.box
	b.code(st)
	b.grown = false
	if b.Validity == 0 || b.fleeting {
		b.Validity = s.ownValidity()
	}
	if write && b.ReadOnly {
		return nil, &protocols.Error{Kind: protocols.KindRefused, Sentinel: fs.ErrPermission, Enhanced: "READ-ONLY", Text: "the mailbox can only be read"}
	}
	return b, nil
}

// ownValidity stands for the UIDVALIDITY of mailboxes whose UIDs hold for one session
// only: the server says so, or keeps none. Each session has another, so that the name of
// a message is never taken for that of another one later.
func (s *Session) ownValidity() uint32 {
	if s.fleeting == 0 {
		s.fleeting = rand.Uint32() | 1
		s.Conn.Event(protocols.EventNote, "the server keeps no UIDs of this mailbox beyond the session: messages are known by their content", 0)
	}
	return s.fleeting
}

// Refresh is Open for reading that also learns what has happened in a mailbox that
// was selected already.
func (s *Session) Refresh(n *imapwire.Name) (*Mailbox, error) {
	selected := s.box != nil && s.box.Name == n.Mailbox
	b, err := s.Open(n, false)
	if err != nil || !selected {
		return b, err
	}
	return b, s.Simple("NOOP")
}

// Selected returns the selected mailbox, nil if there is none.
func (s *Session) Selected() *Mailbox { return s.box }

// Deselect has the next operation select its mailbox anew.
func (s *Session) Deselect() { s.box = nil }

// Leave closes a mailbox that is about to go away, without expunging.
func (s *Session) Leave(mailbox string) {
	if s.box != nil && s.box.Name == mailbox {
		if s.Has("UNSELECT") {
			_ = s.Simple("UNSELECT")
		}
		s.box = nil
	}
}

// Remove marks the messages of a set and expunges them. Without UIDPLUS (RFC 4315)
// EXPUNGE takes everything that is marked, so nothing else may be marked then.
func (b *Mailbox) Remove(set string) error {
	alone := b.s.Has("UIDPLUS")
	if !alone {
		if err := b.onlyMarked(set); err != nil {
			return err
		}
	}
	if err := b.MustExist(set); err != nil {
		return err
	}
	if err := b.Store(set, "+", []string{`\Deleted`}); err != nil {
		return err
	}
	if alone {
		return b.s.Simple("UID EXPUNGE", set)
	}
	return b.s.Simple("EXPUNGE")
}

// Store adds flags to the messages of a set, or removes them: sign is + or -.
func (b *Mailbox) Store(set, sign string, flags []string) error {
	return b.s.Simple("UID STORE", set, sign+"FLAGS.SILENT ("+strings.Join(flags, " ")+")")
}

// MustExist fails if no message of the set exists: STORE says OK to nothing.
func (b *Mailbox) MustExist(set string) error {
	found, err := b.SearchSet("UID " + set)
	if err == nil && len(found) == 0 {
		err = imapwire.NotFound("no message with UID " + wire.Clip(set))
	}
	return err
}

// onlyMarked fails if a message that is not of the set is marked \Deleted.
func (b *Mailbox) onlyMarked(set string) error {
	others, err := b.SearchSet("DELETED NOT UID " + set)
	if err == nil && len(others) > 0 {
		err = &protocols.Error{Kind: protocols.KindRefused, Text: "the server does not support UIDPLUS, and other messages are marked \\Deleted: they would be removed too",
			Hint: "unmark them (flag -\\Deleted), or expunge them first"}
	}
	return err
}
