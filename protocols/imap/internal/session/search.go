package session

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/wire"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// searchStep is how many messages one SEARCH command looks at: its answer stays
// small however large the mailbox is.
const searchStep = 50_000

// Search returns the UIDs that criteria find, in the order of the server.
func (b *Mailbox) Search(criteria []any) (imapwire.Ranges, error) {
	f := &found{b: b}
	for low := uint64(1); low == 1 || low <= uint64(b.Exists); low += searchStep {
		part := criteria
		if b.Exists > searchStep {
			part = append([]any{fmt.Sprintf("%d:%d", low, min(low+searchStep-1, uint64(b.Exists)))}, criteria...)
		}
		if err := f.search(part); err != nil {
			return nil, err
		}
	}
	return f.list, nil
}

// SearchSet is Search with criteria that hold no text.
func (b *Mailbox) SearchSet(criteria string) (imapwire.Ranges, error) {
	return b.Search([]any{criteria})
}

// maxRanges bounds what a search can find: 16 MiB of ranges.
const maxRanges = 2_000_000

// arrivals is how many messages may have come to a mailbox that the server has not
// announced yet.
const arrivals = 1000

// found collects the UIDs of SEARCH and ESEARCH responses.
type found struct {
	b     *Mailbox
	list  imapwire.Ranges
	count uint64 // UIDs of the command under way
	last  uint32 // the highest one
}

// search runs one SEARCH command. Where the server has ESEARCH (RFC 4731) it
// answers with ranges.
func (f *found) search(criteria []any) error {
	s, verb := f.b.s, "UID SEARCH"
	if s.Has("ESEARCH") {
		verb += " RETURN (ALL)"
	}
	f.count = 0
	st, err := s.Command(func(r *imapwire.Response) error { return s.Fail(f.take(r)) }, verb, s.withCharset(criteria)...)
	if err != nil {
		return err
	}
	if st.Code == "BADCHARSET" { // RFC 3501 6.4.4: US-ASCII is what every server knows
		return &protocols.Error{Kind: protocols.KindRefused, Enhanced: st.Code, Text: st.Text, Hint: "the server can search for ASCII text only"}
	}
	if b := f.b; st.Err() == nil && b.UIDNext != 0 && !b.grown && f.last >= b.UIDNext {
		return s.Fail(protocols.ProtocolError(proto, "", fmt.Sprintf("a search finds UID %d, and UIDNEXT is %d", f.last, b.UIDNext)))
	}
	return st.Err()
}

// withCharset puts the charset before criteria that are not ASCII.
func (s *Session) withCharset(criteria []any) []any {
	for _, c := range criteria {
		if t, ok := c.(Text); ok && !imapwire.IsPrintable(string(t)) && !s.utf8 {
			return append([]any{"CHARSET UTF-8"}, criteria...)
		}
	}
	return criteria
}

// take reads one response. It accepts no more UIDs than there are messages.
func (f *found) take(r *imapwire.Response) error {
	switch r.Name {
	case "SEARCH":
		for word := range strings.FieldsSeq(r.Args) {
			n, err := strconv.ParseUint(word, 10, 32)
			if err != nil {
				break // "(MODSEQ n)" ends the list (RFC 7162 3.1.5)
			}
			if err := f.add(uint32(n), uint32(n)); err != nil {
				return err
			}
		}
	case "ESEARCH":
		words := strings.Fields(r.Args)
		for i, word := range words[:max(len(words)-1, 0)] {
			if !strings.EqualFold(word, "ALL") {
				continue
			}
			set := words[i+1]
			if !imapwire.IsSet(set) || strings.Contains(set, "*") {
				return protocols.ProtocolError(proto, "", "ESEARCH without a set: "+wire.Clip(set))
			}
			for low, high := range imapwire.EachRange(set) {
				if err := f.add(low, high); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// add adds a range; neighbours become one.
func (f *found) add(low, high uint32) error {
	f.count += uint64(high) - uint64(low) + 1
	f.last = max(f.last, high)
	if f.count > min(uint64(f.b.Exists), searchStep)+arrivals {
		return protocols.ProtocolError(proto, "", "a search finds more messages than there are")
	}
	if n := len(f.list); n > 0 && low == f.list[n-1][1]+1 {
		f.list[n-1][1] = high
		return nil
	}
	if len(f.list) == maxRanges {
		return imapwire.ErrTooMany("ranges")
	}
	f.list = append(f.list, [2]uint32{low, high})
	return nil
}

// MaxFound returns how many messages an answer can name at most: as many as there
// are, and no more than can be held.
func (b *Mailbox) MaxFound() int { return int(min(uint64(b.Exists)+arrivals, maxRanges)) }
