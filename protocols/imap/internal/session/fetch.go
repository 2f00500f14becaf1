package session

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/imap/internal/imapwire"
)

// listSteps are how many messages the FETCH commands of a listing ask for, the last
// one again and again: the first entries come at once, leaving early costs little,
// and a large mailbox takes few turns. Commands do not overlap: some servers work
// on two at a time, and mix the answers.
var listSteps = []uint32{200, 2000, 20_000}

// Steps returns sets of sequence numbers that make up the mailbox.
func (b *Mailbox) Steps() iter.Seq[string] {
	exists := uint64(b.Exists)
	return func(yield func(string) bool) {
		low := uint64(1)
		for i := 0; low <= exists; i++ {
			high := min(low+uint64(listSteps[min(i, len(listSteps)-1)])-1, exists)
			if !yield(fmt.Sprintf("%d:%d", low, high)) {
				return
			}
			low = high + 1
		}
	}
}

// Fetch runs one command (FETCH, UID FETCH) for each set, and calls each for every
// message in the answers, once even if a response comes twice. After an error of each the rest of an answer is read and
// dropped.
func (b *Mailbox) Fetch(ctx context.Context, verb string, sets iter.Seq[string], items string, each func(m *imapwire.Message) error) error {
	s := b.s
	for set := range sets {
		var first error
		seen := Seen{}
		err := s.Ask(func(r *imapwire.Response) error {
			if r.Name != "FETCH" || first != nil {
				return s.Failed()
			}
			m, err := imapwire.ParseFetch(r, s.Limits)
			if err != nil {
				return s.Fail(err)
			}
			if !seen.Again(&m) {
				first = each(&m)
			}
			return s.Failed()
		}, verb, set, items)
		if err = cmp.Or(first, err, context.Cause(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// Seen are the messages that the answer to one command has had. It is bounded: what
// comes again after more than maxSeen others is not noticed.
type Seen map[uint32]bool

const maxSeen = 50_000

// Again reports whether a message came before. News of flags are not messages.
func (seen Seen) Again(m *imapwire.Message) bool {
	if m.UID == 0 || m.Size < 0 && m.Date.IsZero() && m.Header == "" {
		return false
	}
	if seen[m.UID] {
		return true
	}
	if len(seen) >= maxSeen {
		clear(seen)
	}
	seen[m.UID] = true
	return false
}

// ListItems are what a listing asks for.
func (b *Mailbox) ListItems() string {
	if b.ModSeq != 0 {
		return "(UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ " + imapwire.HeaderItem + ")"
	}
	return "(UID FLAGS INTERNALDATE RFC822.SIZE " + imapwire.HeaderItem + ")"
}

// Entry returns the entry of a message.
func (b *Mailbox) Entry(m *imapwire.Message) protocols.Entry {
	uid := strconv.FormatUint(uint64(m.UID), 10)
	if b.path == "" {
		b.path = strings.TrimSuffix(imapwire.MessageName(b.Name, b.Validity, 0), "0")
		b.url = b.s.URL(b.path)
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
