package imap

import (
	"fmt"
	"io"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapstore"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
	"github.com/netclients/netclients/protocols/imap/internal/session"
)

// partial opens the mailbox's file with the start of a large message, once for each
// mailbox of a transfer.
func (b *bulk) partial() *imapstore.Partial {
	if b.part != nil && b.partOf == b.box.Name {
		return b.part
	}
	b.closePartial(true)
	b.partOf, b.part = b.box.Name, imapstore.OpenPartial(stateOf(b.c), b.box.Name)
	return b.part
}

func (b *bulk) closePartial(finished bool) {
	if b.part != nil {
		b.part.Close(finished)
		b.part = nil
	}
}

// begun reports whether a message is the one of which the start is there.
func (b *bulk) begun(w *wanted) bool { return b.part != nil && b.part.Message().UID == w.n.UID }

// keepLarge writes a large message to the file while it comes, and then returns it
// from there. If that is not possible it is returned as it comes.
func (b *bulk) keepLarge(m *imapwire.Message, c *session.Content) (io.Reader, error) {
	if c.Size < imapstore.LargeMessage || b.sectioned {
		return c.Message(), nil
	}
	p := b.partial()
	if err := p.Begin(imapstore.PartialID{Validity: b.box.Validity, UID: m.UID, Size: c.Size}); err != nil {
		p.Forget()
		return c.Message(), nil
	}
	return p.Fill(c.Message())
}

// resume reads the rest of a message of which an earlier run has left the start. ok
// is false when there is none, or the message has to be asked for from its start.
func (b *bulk) resume(w *wanted) (ok bool, err error) {
	p := b.partial()
	id := p.Message()
	from, enough := p.From()
	if id.Validity != b.box.Validity || id.UID != w.n.UID || !enough || b.sectioned {
		return false, nil
	}
	c, m, err := b.box.Content(w.n.UID, session.BodyItem("", fmt.Sprintf("<%d.%d>", from, id.Size-from), b.c.Settings.MarkSeen))
	if imapwire.Refused(err) {
		p.Forget()
		return false, nil
	}
	if err != nil {
		return false, err
	}
	rest := c.Message()
	if c.Size != id.Size-from || !p.Same(rest) {
		p.Forget()
		return false, c.End()
	}
	b.s.Conn.Event(protocols.EventNote, fmt.Sprintf("UID %d resumes at byte %d", w.n.UID, p.Length()), 0)
	all, err := p.Fill(rest)
	if err == nil {
		err = c.End()
	}
	if err != nil {
		return false, b.s.Fail(err)
	}
	w.done = true
	return true, b.hand(w, &m, id.Size, all)
}
