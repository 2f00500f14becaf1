package nntp

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/netclients/netclients/internal/maildate"
	"github.com/netclients/netclients/protocols"
)

// field is one column of an overview line after the number.
type field struct {
	name string // in lower case, without colons
	full bool   // the value begins with the field's name
}

// standard are the columns that every overview has (RFC 3977 8.3.2).
var standard = []field{{"subject", false}, {"from", false}, {"date", false}, {"message-id", false}, {"references", false}, {"bytes", false}, {"lines", false}}

// Overview returns the overview of a group, of a range of it, or of one article
// (OVER, or XOVER of servers that predate it), streamed in the server's order. A
// line that cannot be parsed is an entry with Raw set. Additional fields
// are in Facts.
func (c *Client) Overview(ctx context.Context, name string) iter.Seq2[protocols.Entry, error] {
	return stream(ctx, c, "over", name, func(ctx context.Context, s *session, yield func(protocols.Entry) bool) error {
		t, err := parseName(name)
		if err != nil {
			return err
		}
		if t.id == "" && t.group == "" {
			return protocols.UsageError(proto, "", "name one group, or one article")
		}
		return overviewReader{s}.unread(ctx, t, yield)
	})
}

// overviewReader reads overviews.
type overviewReader struct{ *session }

// unread is overview without the articles that Settings.Newsrc lists as read. It
// starts at the first unread article.
func (o overviewReader) unread(ctx context.Context, t target, yield func(protocols.Entry) bool) error {
	list := o.c.Settings.Newsrc
	if list == nil || t.single() {
		return o.overview(ctx, t, yield)
	}
	if list.Marked(t.group) || t.ranged {
		g, err := o.enterGroup(ctx, t.group)
		if err != nil {
			return err
		}
		o.fit(list, t.group, g)
		from := list.Unread(t.group, max(t.low, 1))
		if from > g.High || t.ranged && from > t.high {
			return nil
		}
		if !t.ranged {
			t.ranged, t.high = true, lastNumber
		}
		t.low = from
	}
	err := o.overview(ctx, t, func(e protocols.Entry) bool {
		return e.Parsed() && list.Read(t.group, e.Number) || yield(e)
	})
	if e, ok := errors.AsType[*protocols.Error](err); ok && e.Code == 423 {
		return nil // the unread articles have expired
	}
	return err
}

// fit drops the marks of a group whose numbers do not reach them: the server has been
// rebuilt, and they are about other articles.
func (s *session) fit(list *Newsrc, group string, g protocols.GroupInfo) {
	if last := list.fit(group, g); last > 0 {
		s.Conn.Event(protocols.EventWarning, fmt.Sprintf("%s was renumbered: articles up to %d are marked as read, but it ends at %d; all are unread now", group, last, g.High), 0)
	}
}

// overview yields the articles of the target. Without a range that is the whole
// group, which may be empty.
func (o overviewReader) overview(ctx context.Context, t target, yield func(protocols.Entry) bool) error {
	whole := t.id == "" && !t.ranged
	if whole {
		t.low, t.high = 1, lastNumber
	}
	r, err := o.sendOver(ctx, &t)
	if err != nil {
		return err
	}
	if whole && (r.Code == 423 || r.Code == 420) { // empty group
		return nil
	}
	if unknown(r.Code) {
		return headReader{o.session}.overview(ctx, t, yield)
	}
	if err := want(r, 224); err != nil {
		return err
	}
	return o.parsed(o.data(r), func(line []byte) (ok, more bool) {
		e := o.entry(string(line), t.group)
		if !e.Parsed() {
			o.odd("overview", string(line))
		}
		return e.Parsed(), yield(e)
	})
}

// sendOver sends OVER, or XOVER to a server that does not know OVER.
func (o overviewReader) sendOver(ctx context.Context, t *target) (*protocols.Reply, error) {
	var ahead []step
	if o.format == nil {
		ahead = []step{{"LIST", []string{"OVERVIEW.FMT"}, o.learnFormat}}
	}
	if o.overVerb == "" {
		o.overVerb = "OVER"
		if o.c.Settings.XOver || o.modern && !o.offers("OVER") {
			o.overVerb = "XOVER"
		}
	}
	r, err := o.inGroup(ctx, t.group, ahead, o.overVerb, t.spec())
	if err != nil || !unknown(r.Code) {
		return r, err
	}
	o.overVerb = map[string]string{"OVER": "XOVER", "XOVER": "OVER"}[o.overVerb]
	second, err := o.inGroup(ctx, t.group, nil, o.overVerb, t.spec())
	if err == nil && unknown(second.Code) {
		return r, nil
	}
	return second, err
}

// learnFormat reads the reply to LIST OVERVIEW.FMT (RFC 3977 8.4). Servers without
// one use the standard columns.
func (o overviewReader) learnFormat(r *protocols.Reply) error {
	if r.Code == 480 {
		return nil // asked again after the login
	}
	o.format = standard
	if r.Code != 215 {
		return nil
	}
	lines, err := o.bounded(o.data(r))
	if err != nil {
		return err
	}
	o.format = parseFormat(lines)
	return nil
}

// parseFormat reads the lines of OVERVIEW.FMT. The first seven columns are what
// the standard says, whatever an old server calls them.
func parseFormat(lines []string) []field {
	format := append([]field(nil), standard...)
	for i, line := range lines {
		name := strings.ToLower(strings.TrimSpace(line))
		name, full := strings.CutSuffix(name, ":full")
		if i < len(standard) || name == "" {
			continue
		}
		format = append(format, field{strings.Trim(name, ":"), full})
	}
	return format
}

// entry parses one line of an overview: the number and the columns, separated by tabs.
func (o overviewReader) entry(line, group string) protocols.Entry {
	number, rest, ok := strings.Cut(line, "\t")
	n, isNumber := parseNumber(number)
	if !ok || !isNumber {
		return protocols.Entry{Protocol: proto, Type: protocols.TypeMessage, Size: -1, Raw: printableRaw(line)}
	}
	e := protocols.Entry{Protocol: proto, Type: protocols.TypeMessage, Size: -1, MessageInfo: &protocols.MessageInfo{Number: n}}
	for i := 0; ok && i < len(o.format); i++ {
		var value string
		value, rest, ok = strings.Cut(rest, "\t")
		if value != "" {
			setColumn(&e, o.format[i], value)
		}
	}
	o.place(&e, group)
	return e
}

// place sets the names of an entry from its number and message-id.
func (s *session) place(e *protocols.Entry, group string) {
	e.ID, e.Name, e.Path = e.MessageID, e.MessageID, e.MessageID
	if group != "" && e.Number > 0 {
		e.Name = strconv.FormatInt(e.Number, 10)
		e.Path = group + "/" + e.Name
	}
	e.URL = s.base + escapeName(e.Path)
}

// printableRaw returns a blank for an empty line: an empty Raw means a parsed entry.
func printableRaw(line string) string {
	if line == "" {
		return " "
	}
	return line
}

// setColumn puts one column into the entry.
func setColumn(e *protocols.Entry, f field, value string) {
	if f.full {
		if name, v, ok := strings.Cut(value, ":"); ok && strings.EqualFold(name, f.name) {
			value = strings.TrimLeft(v, " ")
		}
	}
	switch f.name {
	case "subject":
		e.Subject = decodeHeader(value)
	case "from":
		e.From = decodeHeader(value)
	case "to":
		e.To = decodeHeader(value)
	case "date":
		e.Date = value
		if at, ok := maildate.Parse(value); ok {
			e.Modified = at.UTC()
		}
	case "message-id":
		e.MessageID = value
	case "bytes":
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && n >= 0 {
			e.Size = n
		}
	default:
		if e.Facts == nil {
			e.Facts = make(map[string]string, 4)
		}
		e.Facts[f.name] = decodeHeader(value)
	}
}

// List lists the groups of the server for the empty name or a wildmat (LIST
// ACTIVE or COUNTS, with the descriptions of LIST NEWSGROUPS in Facts), and the
// articles of a group or of a range of it by their overview, filtered
// by Settings.Newest, Since and Before.
func (c *Client) List(ctx context.Context, name string) iter.Seq2[protocols.Entry, error] {
	return stream(ctx, c, "ls", name, func(ctx context.Context, s *session, yield func(protocols.Entry) bool) error {
		t, err := parseName(name)
		if err != nil {
			return err
		}
		if t.id == "" && t.group == "" {
			return groupLister{s}.list(ctx, t.wildmat, yield)
		}
		return overviewReader{s}.list(ctx, t, yield)
	})
}

// list is the overview, filtered by the settings.
func (o overviewReader) list(ctx context.Context, t target, yield func(protocols.Entry) bool) error {
	set := &o.c.Settings
	if set.Newest > 0 && t.group != "" && !t.ranged {
		g, err := o.enterGroup(ctx, t.group)
		if err != nil {
			return err
		}
		if g.Count == 0 || g.High < g.Low {
			return nil
		}
		t.ranged, t.low, t.high = true, max(g.Low, g.High-set.Newest+1, 1), lastNumber
	}
	err := o.unread(ctx, t, func(e protocols.Entry) bool { return !set.wants(&e) || yield(e) })
	if e, ok := errors.AsType[*protocols.Error](err); ok && e.Code == 423 && set.Newest > 0 {
		return nil
	}
	return err
}

// wants reports whether the article is in the date range. Articles without a valid
// date match only if there is no range.
func (set *Settings) wants(e *protocols.Entry) bool {
	if set.Since.IsZero() && set.Before.IsZero() || !e.Parsed() {
		return true
	}
	at := e.Modified
	return !at.IsZero() && (set.Since.IsZero() || !at.Before(set.Since)) && (set.Before.IsZero() || at.Before(set.Before))
}
