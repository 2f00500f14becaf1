package imap

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
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
func (b *mailbox) take(r *response) {
	switch r.name {
	case "EXISTS":
		b.exists = r.num
	case "EXPUNGE":
		if b.exists > 0 {
			b.exists--
		}
	case "VANISHED":
		if !strings.HasPrefix(r.args, "(") {
			b.exists -= min(b.exists, setSize(r.args))
		}
	case "FLAGS":
		b.flags = flagList(r.args)
	case "OK":
		b.code(r.status())
	}
}

func (b *mailbox) code(st *status) {
	number := func(bits int) uint64 {
		v, _ := strconv.ParseUint(st.args, 10, bits)
		return v
	}
	switch st.code {
	case "UIDVALIDITY":
		b.validity = uint32(number(32))
	case "UIDNEXT":
		b.uidNext = uint32(number(32))
	case "HIGHESTMODSEQ":
		b.modSeq = number(63)
	case "PERMANENTFLAGS":
		b.permanent = flagList(st.args)
	case "READ-ONLY":
		b.readOnly = true
	case "READ-WRITE":
		b.readOnly = false
	}
}

// mostFlags bounds the flags that one response may bring.
const mostFlags = 1000

func flagList(s string) []string {
	s = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(s), "("), ")")
	list := strings.Fields(s)
	return list[:min(len(list), mostFlags)]
}

// open selects a mailbox: with EXAMINE for reading, so that nothing changes, with
// SELECT for writing. A validity other than 0 must be the mailbox's.
func (s *session) open(n *name, write bool) error {
	if n.mailbox == "" {
		return protocols.UsageError(proto, "", "the URL names no mailbox")
	}
	if s.box == nil || s.box.name != n.mailbox || write && s.box.readOnly {
		if err := s.selectBox(n.mailbox, write); err != nil {
			return err
		}
	}
	return s.sameValidity(n)
}

func (s *session) sameValidity(n *name) error {
	if n.validity != 0 && n.validity != s.box.validity {
		return &protocols.Error{Kind: protocols.KindRefused, Sentinel: protocols.ErrChanged,
			Text: fmt.Sprintf("the mailbox has been made anew: UIDVALIDITY is %d, not %d", s.box.validity, n.validity)}
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
		err = st.err()
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
func (s *session) refresh(n *name) error {
	fresh := s.box == nil || s.box.name != n.mailbox
	if err := s.open(n, false); err != nil || fresh {
		return err
	}
	return s.simple("NOOP")
}
