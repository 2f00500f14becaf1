package imap

import (
	"fmt"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// MessageRef is the name of a message, or of a part of it, in its parts (RFC 5092).
type MessageRef struct {
	Mailbox  string // as users call it, nothing escaped
	Validity uint32 // UIDVALIDITY; 0: any
	UID      uint32
	Section  string // "1.2", "HEADER"; empty: the whole message
	Offset   int64  // of the part
	Length   int64  // bytes of the part; 0: to the end
}

// ParseMessageRef reads the name of one message, such as Entry.Path.
func ParseMessageRef(name string) (MessageRef, error) {
	n, err := imapwire.ParseName(name)
	if err != nil {
		return MessageRef{}, err
	}
	if n.UID == 0 || n.Search != "" {
		return MessageRef{}, protocols.UsageError(proto, "", fmt.Sprintf("%q is not the name of one message", name))
	}
	return MessageRef{Mailbox: n.Mailbox, Validity: n.Validity, UID: n.UID, Section: n.Section, Offset: n.First, Length: n.Length}, nil
}

// String returns the name as the verbs take it.
func (r MessageRef) String() string {
	n := &imapwire.Name{
		Mailbox: r.Mailbox, Validity: r.Validity, UID: r.UID, Section: r.Section,
		Partial: r.Offset > 0 || r.Length > 0, First: r.Offset, Length: r.Length,
	}
	return n.String()
}
