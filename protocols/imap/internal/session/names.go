package session

import (
	"strings"

	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// encodeName returns a mailbox name as it stands on the wire.
func (s *Session) encodeName(mailbox string) string {
	if raw, ok := s.OddNames[mailbox]; ok {
		return raw
	}
	if s.RawNames || s.utf8 {
		return mailbox
	}
	return imapwire.EncodeUTF7(mailbox)
}

// Pattern returns a pattern of mailbox names as an argument of LIST: * and % stay
// as they are.
func (s *Session) Pattern(pattern string) Text { return Text(s.encodeName(pattern)) }

// maxOddNames bounds the names that are kept because they cannot be decoded.
const maxOddNames = 10_000

// DecodeName returns the name of a mailbox for people. One that is not in the proper
// form stays as it is, and is remembered, so that it can be sent back.
func (s *Session) DecodeName(raw string) string {
	if s.RawNames || s.utf8 {
		return raw
	}
	if decoded, ok := imapwire.DecodeUTF7(raw); ok {
		return decoded
	}
	if len(s.OddNames) < maxOddNames && len(raw) < maxName {
		raw = strings.Clone(raw) // not the response that it is part of
		s.OddNames[raw] = raw
	}
	return raw
}
