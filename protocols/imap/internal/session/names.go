package session

import (
	"strings"

	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// names are the forms that mailbox names have on the wire.
type names struct {
	raw  bool              // as they are
	utf8 bool              // likewise, since UTF-8 was agreed on
	odd  map[string]string // that cannot be decoded: as shown, as on the wire
}

// encodeName returns a mailbox name as it stands on the wire.
func (n *names) encodeName(mailbox string) string {
	if raw, ok := n.odd[mailbox]; ok {
		return raw
	}
	if n.raw || n.utf8 {
		return mailbox
	}
	return imapwire.EncodeUTF7(mailbox)
}

// Pattern returns a pattern of mailbox names as an argument of LIST: * and % stay
// as they are.
func (n *names) Pattern(pattern string) Text { return Text(n.encodeName(pattern)) }

// maxOddNames bounds the names that are kept because they cannot be decoded.
const maxOddNames = 10_000

// DecodeName returns the name of a mailbox for people. One that is not in the proper
// form stays as it is, and is remembered, so that it can be sent back.
func (n *names) DecodeName(raw string) string {
	if n.raw || n.utf8 {
		return raw
	}
	if decoded, ok := imapwire.DecodeUTF7(raw); ok {
		return decoded
	}
	if len(n.odd) < maxOddNames && len(raw) < maxName {
		raw = strings.Clone(raw) // not the response that it is part of
		n.odd[raw] = raw
	}
	return raw
}
