package nntp

import (
	"context"
	"iter"
	"strings"

	"github.com/netclients/netclients/protocols"
)

// HeaderLine is one header of one article.
type HeaderLine struct {
	Number int64  // in its group; 0 when asked for by message-id
	ID     string // the message-id, when asked for by it
	Value  string // as the server sends it, unfolded
}

// Text returns the value with encoded words decoded.
func (h HeaderLine) Text() string { return decodeHeader(h.Value) }

// Header returns one header, or a metadata item such as ":bytes", of the articles
// of a group, of a range of it, or of one article (HDR, RFC 3977 8.5; XHDR of
// servers that predate it). From a server without both it reads whole headers
// (HEAD), which hold no metadata.
func (c *Client) Header(ctx context.Context, name, field string) iter.Seq2[HeaderLine, error] {
	return stream(ctx, c, "hdr", name, func(ctx context.Context, s *session, yield func(HeaderLine) bool) error {
		t, err := parseName(name)
		if err == nil {
			err = checkField(field)
		}
		if err != nil {
			return err
		}
		if t.id == "" && t.group == "" {
			return protocols.UsageError(proto, "", "name one group, or one article")
		}
		return headerReader{s}.header(ctx, t, field, yield)
	}, field)
}

func checkField(field string) error {
	if field == "" || strings.ContainsAny(field, " \t") {
		return protocols.UsageError(proto, "", "a field is one word, such as Subject or :bytes")
	}
	return nil
}

// headerReader reads one header of many articles.
type headerReader struct{ *session }

func (hr headerReader) header(ctx context.Context, t target, field string, yield func(HeaderLine) bool) error {
	whole := t.id == "" && !t.ranged
	if whole {
		t.low, t.high = 1, lastNumber
	}
	r, err := hr.sendHdr(ctx, &t, field)
	if err != nil {
		return err
	}
	if unknown(r.Code) && field[0] != ':' { // metadata is not in the header
		return headReader{hr.session}.header(ctx, t, field, yield)
	}
	if whole && (r.Code == 423 || r.Code == 420) {
		return nil
	}
	if err := want(r, 225, 221); err != nil {
		return err
	}
	return hr.parsed(hr.data(r), func(line []byte) (ok, more bool) {
		first, value, _ := strings.Cut(string(line), " ")
		n, ok := parseNumber(first)
		return ok || first == t.id, yield(HeaderLine{Number: n, ID: t.id, Value: value})
	})
}

// sendHdr sends HDR, or XHDR to a server that does not know HDR.
func (hr headerReader) sendHdr(ctx context.Context, t *target, field string) (*protocols.Reply, error) {
	if hr.hdrVerb == "" {
		hr.hdrVerb = "HDR"
		if hr.c.Settings.XOver || hr.modern && !hr.offers("HDR") {
			hr.hdrVerb = "XHDR"
		}
	}
	r, err := hr.inGroup(ctx, t.group, nil, hr.hdrVerb, field, t.spec())
	if err != nil || !unknown(r.Code) {
		return r, err
	}
	other := map[string]string{"HDR": "XHDR", "XHDR": "HDR"}[hr.hdrVerb]
	second, err := hr.inGroup(ctx, t.group, nil, other, field, t.spec())
	if err != nil || unknown(second.Code) {
		return r, err
	}
	hr.hdrVerb = other
	return second, nil
}

// Search returns the articles of a group, or of a range of it, with a
// matching header: the query is a field and wildmat patterns, "Subject *linux*"
// (XPAT, RFC 2980 2.9). From a server without XPAT it reads the headers and matches
// them itself. The entries hold the number, and the header in Facts.
func (c *Client) Search(ctx context.Context, name, query string) iter.Seq2[protocols.Entry, error] {
	return stream(ctx, c, "search", name, func(ctx context.Context, s *session, yield func(protocols.Entry) bool) error {
		t, err := oneGroup(name)
		if err != nil {
			return err
		}
		field, pattern := cutBlank(strings.TrimSpace(query))
		if field == "" || pattern == "" {
			return protocols.UsageError(proto, "search", "a query is FIELD PATTERN, such as: Subject *linux*")
		}
		return headerReader{s}.search(ctx, t, field, pattern, yield)
	}, query)
}

func (hr headerReader) search(ctx context.Context, t target, field, pattern string, yield func(protocols.Entry) bool) error {
	found := func(h HeaderLine) bool {
		e := hr.articleEntry(t.group, h.Number, "")
		e.Facts = map[string]string{strings.ToLower(field): h.Text()}
		if strings.EqualFold(field, "subject") {
			e.Subject = h.Text()
		}
		return yield(e)
	}
	bounds := t
	if !t.ranged {
		bounds.low, bounds.high = 1, lastNumber
	}
	r, err := hr.inGroup(ctx, t.group, nil, "XPAT", field, bounds.spec(), pattern)
	if err != nil {
		return err
	}
	switch {
	case r.Code == 221:
		return hr.parsed(hr.data(r), func(line []byte) (ok, more bool) {
			first, value, _ := strings.Cut(string(line), " ")
			n, ok := parseNumber(first)
			return ok, !ok || found(HeaderLine{Number: n, Value: value})
		})
	case r.Code == 423 || r.Code == 420 || r.Code == 430:
		return nil
	case !unknown(r.Code):
		return refusal(r)
	}
	return hr.header(ctx, t, field, func(h HeaderLine) bool { return !anyWild(pattern, h.Value) || found(h) })
}

// anyWild reports whether one of the patterns matches, as XPAT does.
func anyWild(patterns, value string) bool {
	for _, p := range strings.Fields(patterns) {
		if Wildmat(p, value) {
			return true
		}
	}
	return false
}
