package imap

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

// Search finds messages of a mailbox and lists them as List does. The query is
// readable ("from:ann subject:\"the plan\" since:2026-01-02 unread larger:2M"), or
// IMAP's own words when it starts with "imap:" ("imap:OR SEEN FROM ann").
func (c *Client) Search(ctx context.Context, text, query string) iter.Seq2[protocols.Entry, error] {
	return c.listing(ctx, "search", text, func(s *session, n *imapwire.Name, yield func(protocols.Entry) error) error {
		return s.listFound(ctx, n, cmp.Or(query, n.Search), yield)
	}, query)
}

// listFound lists what a search finds, by rising UID.
func (s *session) listFound(ctx context.Context, n *imapwire.Name, query string, yield func(protocols.Entry) error) error {
	criteria, err := compileQuery(query)
	if err != nil {
		return err
	}
	if n.UIDs() != "" {
		criteria = append([]any{"UID " + n.UIDs()}, criteria...)
	}
	if err := s.refresh(n); err != nil {
		return err
	}
	found, err := s.search(criteria)
	if err != nil || found == "" {
		return err
	}
	return s.listSets(ctx, "UID FETCH", imapwire.CutSet(found), yield)
}

// searchStep is how many messages one SEARCH command looks at: its answer stays
// small however large the mailbox is.
const searchStep = 50_000

// search returns the UIDs that criteria find, as a set that is never spelt out.
func (s *session) search(criteria []any) (string, error) {
	var found setBuilder
	for low := uint64(1); low == 1 || low <= uint64(s.box.exists); low += searchStep {
		part := criteria
		if s.box.exists > searchStep {
			part = append([]any{fmt.Sprintf("%d:%d", low, min(low+searchStep-1, uint64(s.box.exists)))}, criteria...)
		}
		if err := s.searchPart(part, &found); err != nil {
			return "", err
		}
	}
	return found.String(), nil
}

// searchPart runs one SEARCH command. Where the server has ESEARCH (RFC 4731) it
// answers with ranges.
func (s *session) searchPart(criteria []any, found *setBuilder) error {
	verb := "UID SEARCH"
	if s.hasOr2("ESEARCH") {
		verb += " RETURN (ALL)"
	}
	st, err := s.command(func(r *imapwire.Response) error { return found.take(s, r) }, verb, withCharset(s, criteria)...)
	if err != nil {
		return err
	}
	if st.Code == "BADCHARSET" { // RFC 3501 6.4.4: US-ASCII is what every server knows
		return &protocols.Error{Kind: protocols.KindRefused, Enhanced: st.Code, Text: st.Text, Hint: "the server can search for ASCII text only"}
	}
	return st.Err()
}

// searchSet is search with criteria that hold no text.
func (s *session) searchSet(criteria string) (string, error) { return s.search([]any{criteria}) }

// withCharset puts the charset before criteria that are not ASCII.
func withCharset(s *session, criteria []any) []any {
	for _, c := range criteria {
		if t, ok := c.(text); ok && !imapwire.IsPrintable(string(t)) && !s.utf8 {
			return append([]any{"CHARSET UTF-8"}, criteria...)
		}
	}
	return criteria
}

// setBuilder collects the UIDs of SEARCH and ESEARCH responses.
type setBuilder struct {
	strings.Builder
	run []uint32 // the range that is being built: first and last
}

func (b *setBuilder) take(s *session, r *imapwire.Response) error {
	switch r.Name {
	case "SEARCH":
		for _, word := range strings.Fields(r.Args) {
			n, err := strconv.ParseUint(word, 10, 32)
			if err != nil {
				break // "(MODSEQ n)" ends the list (RFC 7162 3.1.5)
			}
			b.add(uint32(n))
		}
	case "ESEARCH":
		words := strings.Fields(r.Args)
		for i, word := range words[:max(len(words)-1, 0)] {
			if set := words[i+1]; strings.EqualFold(word, "ALL") {
				if !imapwire.IsSet(set) || strings.Contains(set, "*") {
					return s.fail(protocols.ProtocolError(proto, "search", "ESEARCH without a set: "+imapwire.Clip(set)))
				}
				b.whole(set)
			}
		}
	}
	return nil
}

// add adds one number; neighbours become ranges.
func (b *setBuilder) add(n uint32) {
	if len(b.run) == 2 && n == b.run[1]+1 {
		b.run[1] = n
		return
	}
	b.end()
	b.run = []uint32{n, n}
}

func (b *setBuilder) end() {
	if len(b.run) == 2 {
		part := strconv.FormatUint(uint64(b.run[0]), 10)
		if b.run[1] > b.run[0] {
			part = fmt.Sprintf("%d:%d", b.run[0], b.run[1])
		}
		b.run = nil
		b.whole(part)
	}
}

func (b *setBuilder) whole(set string) {
	if b.Len() > 0 {
		b.WriteByte(',')
	}
	b.WriteString(set)
}

// String returns the set.
func (b *setBuilder) String() string {
	b.end()
	return b.Builder.String()
}
